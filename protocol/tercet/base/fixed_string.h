#pragma once
#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "tercet/base/result.h"

namespace tercet {

/// Text of at most N bytes, kept inside the object.
template <std::size_t N>
class FixedString {
  static_assert(N <= 0xFFFF);

 public:
  static constexpr std::size_t capacity() { return N; }
  FixedString() = default;
  /// Errors: too_large, longer than N; the text is unchanged.
  Result<void> assign(std::string_view text) {
    if (text.size() > N) return fail(Error::too_large);
    if (!text.empty()) std::memmove(text_.data(), text.data(), text.size());
    size_ = static_cast<std::uint16_t>(text.size());
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
