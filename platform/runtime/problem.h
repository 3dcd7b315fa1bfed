#pragma once
#include <string>
#include <utility>
#include <variant>

#include "tercet/base/check.h"
#include "tercet/base/error.h"

namespace tercet::runtime {

/// What went wrong, where a person will read it: the code decides, the detail (English, one line, with the remedy where
/// there is one) explains.
struct Problem {
  Error code = Error::internal;
  std::string detail;
};

/// A value or the problem that stood in its way: Result for places where a person reads the reason. T may be void.
/// value(), * and -> on a failed Outcome are our own mistake and end the process.
template <typename T, typename P = Problem>
class [[nodiscard]] Outcome {
  using Value = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

 public:
  Outcome() requires std::is_void_v<T> : held_(std::in_place_index<0>) {}
  Outcome(P problem) : held_(std::in_place_index<1>, std::move(problem)) {}  // NOLINT: implicit by design
  template <typename U = Value>
  requires(!std::is_void_v<T> && std::is_constructible_v<Value, U&&> &&
           !std::is_same_v<std::remove_cvref_t<U>, Outcome> && !std::is_same_v<std::remove_cvref_t<U>, P>)
      Outcome(U&& value)  // NOLINT: implicit by design
      : held_(std::in_place_index<0>, std::forward<U>(value)) {}

  bool has_value() const { return held_.index() == 0; }
  explicit operator bool() const { return has_value(); }
  const P& problem() const {
    TERCET_CHECK(held_.index() == 1);
    return std::get<1>(held_);
  }
  Value& value() & { return checked(); }
  const Value& value() const& { return const_cast<Outcome*>(this)->checked(); }
  Value&& value() && { return std::move(checked()); }
  Value& operator*() & { return checked(); }
  const Value& operator*() const& { return value(); }
  Value&& operator*() && { return std::move(checked()); }
  Value* operator->() { return &checked(); }
  const Value* operator->() const { return &value(); }

 private:
  Value& checked() {
    TERCET_CHECK(held_.index() == 0);
    return std::get<0>(held_);
  }
  std::variant<Value, P> held_;
};

}  // namespace tercet::runtime
