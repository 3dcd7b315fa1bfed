#pragma once
#include <cstdint>
#include <cstring>
#include <string_view>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace tercet::mqtt {

/// Text as MQTT wants it: well-formed UTF-8 without U+0000 and without surrogates [MQTT-1.5.4-1, MQTT-1.5.4-2].
bool is_valid_utf8(std::string_view text);

namespace ascii {

/// Whether each byte of an eight-byte word is 1..127 and none of Refused.
template <char... Refused>
inline bool is_clean(std::uint64_t word) {
  constexpr std::uint64_t kLow = 0x0101010101010101, kHigh = 0x8080808080808080;
  const auto has_zero = [](std::uint64_t w) { return (w - kLow) & ~w & kHigh; };
  return (((word & kHigh) | has_zero(word)) | ... | has_zero(word ^ (kLow * static_cast<unsigned char>(Refused)))) == 0;
}

}  // namespace ascii

/// Whether the text is plain ASCII without NUL and without the Refused characters. Sixteen or eight bytes at a time
/// (one, where size counts); the answer for nearly every topic there is.
template <char... Refused>
inline bool is_ascii_without(std::string_view text) {
#ifdef __OPTIMIZE_SIZE__
  constexpr bool kByBytes = true;
#else
  constexpr bool kByBytes = false;
#endif
  const char* at = text.data();
  std::size_t left = text.size();
  if (kByBytes || left < 8) {
    for (const char c : text)
      if (static_cast<signed char>(c) <= 0 || (false || ... || (c == Refused))) return false;
    return true;
  }
  const auto word_at = [](const char* from) {
    std::uint64_t word;
    std::memcpy(&word, from, 8);
    return word;
  };
#if defined(__SSE2__)
  if (left >= 16) {
    const auto dirt = [](const char* from) {
      const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
      __m128i bad = _mm_or_si128(v, _mm_cmpeq_epi8(v, _mm_setzero_si128()));
      ((bad = _mm_or_si128(bad, _mm_cmpeq_epi8(v, _mm_set1_epi8(Refused)))), ...);
      return bad;
    };
    __m128i bad = dirt(at + left - 16);  // the tail, overlapping what the loop has seen
    for (; left > 16; at += 16, left -= 16) bad = _mm_or_si128(bad, dirt(at));
    return _mm_movemask_epi8(bad) == 0;
  }
#endif
  if (!ascii::is_clean<Refused...>(word_at(at + left - 8))) return false;
  for (; left > 8; at += 8, left -= 8)
    if (!ascii::is_clean<Refused...>(word_at(at))) return false;
  return true;
}

}  // namespace tercet::mqtt
