#pragma once
#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "tercet/base/one_copy.h"
#include "tercet/base/result.h"

namespace tercet {
namespace detail {

/// Copies where there is room for it; one function for every length of FixedString.
TERCET_ONE_COPY inline bool assign_text(std::string_view from, char* into, std::size_t most, std::uint16_t& size) {
  if (from.size() > most) return false;
  if (!from.empty()) std::memmove(into, from.data(), from.size());
  size = static_cast<std::uint16_t>(from.size());
  return true;
}

}  // namespace detail

/// Text of at most N bytes, kept inside the object.
template <std::size_t N>
class FixedString {
  static_assert(N <= 0xFFFF);

 public:
  static constexpr std::size_t capacity() { return N; }
  FixedString() = default;
  /// Errors: too_large, longer than N; the text is unchanged.
  Result<void> assign(std::string_view text) {
    if (!detail::assign_text(text, text_.data(), N, size_)) return fail(Error::too_large);
    return {};
  }
  static Result<FixedString> from(std::string_view text) {
    FixedString made;
    if (const auto fits = made.assign(text); !fits) return fail(fits.error());
    return made;
  }
  std::string_view str() const { return {text_.data(), size_}; }
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  void clear() { size_ = 0; }
  /// Overwrites the bytes too: for secrets.
  void wipe() {
    volatile char* p = text_.data();
    for (std::size_t i = 0; i < N; ++i) p[i] = 0;
    size_ = 0;
  }
  friend bool operator==(const FixedString& a, const FixedString& b) { return a.str() == b.str(); }
  friend bool operator==(const FixedString& a, std::string_view b) { return a.str() == b; }

 private:
  std::array<char, N> text_{};
  std::uint16_t size_ = 0;
};

}  // namespace tercet
