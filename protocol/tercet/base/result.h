#pragma once
#include <new>
#include <type_traits>
#include <utility>

#include "tercet/base/check.h"
#include "tercet/base/error.h"

namespace tercet {

/// What a fallible function returns in place of a value; made by fail().
struct Failure {
  Error error;
};
[[nodiscard]] constexpr Failure fail(Error error) { return Failure{error}; }

/// A value or the reason there is none. Spelled as std::expected is, so that it can become an alias of it.
/// value(), * and -> on a failed Result are our own mistake and end the process.
template <typename T>
class [[nodiscard]] Result {
 public:
  using value_type = T;

  Result(Failure failure) : error_(failure.error), ok_(false) {}  // NOLINT: implicit by design
  template <typename U = T>
  requires(std::is_constructible_v<T, U&&> && !std::is_same_v<std::remove_cvref_t<U>, Result> &&
           !std::is_same_v<std::remove_cvref_t<U>, Failure>) Result(U&& value)
      : ok_(true) {  // NOLINT: implicit by design
    new (&value_) T(std::forward<U>(value));
  }
  Result(const Result& other) requires std::is_copy_constructible_v<T> : ok_(other.ok_) {
    if (ok_)
      new (&value_) T(other.value_);
    else
      error_ = other.error_;
  }
  Result(Result&& other) noexcept : ok_(other.ok_) {
    if (ok_)
      new (&value_) T(std::move(other.value_));
    else
      error_ = other.error_;
  }
  Result& operator=(Result other) noexcept {
    destroy();
    ok_ = other.ok_;
    if (ok_)
      new (&value_) T(std::move(other.value_));
    else
      error_ = other.error_;
    return *this;
  }
  ~Result() { destroy(); }

  bool has_value() const { return ok_; }
  explicit operator bool() const { return ok_; }
  Error error() const {
    TERCET_CHECK(!ok_);
    return error_;
  }
  T& value() & { return checked(); }
  const T& value() const& { return const_cast<Result*>(this)->checked(); }
  T&& value() && { return std::move(checked()); }
  T& operator*() & { return checked(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(checked()); }
  T* operator->() { return &checked(); }
  const T* operator->() const { return &value(); }
  template <typename U>
  T value_or(U&& other) const& {
    return ok_ ? value_ : static_cast<T>(std::forward<U>(other));
  }

 private:
  T& checked() {
    TERCET_CHECK(ok_);
    return value_;
  }
  void destroy() {
    if (ok_) value_.~T();
  }
  union {
    T value_;
    Error error_;
  };
  bool ok_;
};

/// Success without a value, or the reason there was none.
template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;
  Result() = default;
  Result(Failure failure) : error_(failure.error), ok_(false) {}  // NOLINT: implicit by design
  bool has_value() const { return ok_; }
  explicit operator bool() const { return ok_; }
  Error error() const {
    TERCET_CHECK(!ok_);
    return error_;
  }

 private:
  Error error_ = Error::internal;
  bool ok_ = true;
};

}  // namespace tercet
