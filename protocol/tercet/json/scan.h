#pragma once
#include <bit>
#include <cstdint>
#include <cstring>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace tercet::json::scan {

/// Searching sixteen bytes at a time where the machine has SSE2 (every x86-64), else eight at a time in a plain word;
/// one by one where size counts.
#ifdef __OPTIMIZE_SIZE__
inline constexpr bool kByBlocks = false;
#else
inline constexpr bool kByBlocks = true;
#endif

#if defined(__SSE2__)

struct Block {
  static constexpr int kSize = 16;
  __m128i bytes;
  explicit Block(const char* at) : bytes(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at))) {}
  unsigned quote_or_backslash() const {
    return mask(_mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'))));
  }
  /// What ends a run of plain string text: quote, backslash, control character, anything beyond ASCII.
  unsigned special() const {
    const __m128i outside = _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20));  // signed: beyond ASCII is negative
    const __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
    const __m128i backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
    return mask(_mm_or_si128(outside, _mm_or_si128(quote, backslash)));
  }
  static int first(unsigned marks) { return std::countr_zero(marks); }

 private:
  static unsigned mask(__m128i matches) { return static_cast<unsigned>(_mm_movemask_epi8(matches)); }
};

#else

struct Block {
  static constexpr int kSize = 8;
  std::uint64_t bytes;
  explicit Block(const char* at) {
    std::memcpy(&bytes, at, sizeof bytes);
    if constexpr (std::endian::native == std::endian::big) bytes = __builtin_bswap64(bytes);
  }
  /// The lowest set bit lies in the first matching byte; bits above it mean nothing.
  std::uint64_t quote_or_backslash() const { return equal('"') | equal('\\'); }
  std::uint64_t special() const {
    const std::uint64_t controls = (bytes - kOnes * 0x20) & ~bytes & kHighs;
    return quote_or_backslash() | controls | (bytes & kHighs);
  }
  static int first(std::uint64_t marks) { return std::countr_zero(marks) / 8; }

 private:
  static constexpr std::uint64_t kOnes = 0x0101010101010101ULL;
  static constexpr std::uint64_t kHighs = 0x8080808080808080ULL;
  std::uint64_t equal(char c) const {
    const std::uint64_t differences = bytes ^ (kOnes * static_cast<unsigned char>(c));
    return (differences - kOnes) & ~differences & kHighs;
  }
};

#endif

inline bool is_special(char c) {
  const auto u = static_cast<unsigned char>(c);
  return u < 0x20 || u >= 0x80 || c == '"' || c == '\\';
}

/// The first special character in [at, end), or end.
inline const char* skip_plain(const char* at, const char* end) {
  while (kByBlocks && end - at >= Block::kSize) {
    const auto marks = Block{at}.special();
    if (marks != 0) return at + Block::first(marks);
    at += Block::kSize;
  }
  while (at != end && !is_special(*at)) ++at;
  return at;
}

/// The first quote or backslash in [at, end), or end.
inline const char* skip_to_quote(const char* at, const char* end) {
  while (kByBlocks && end - at >= Block::kSize) {
    const auto marks = Block{at}.quote_or_backslash();
    if (marks != 0) return at + Block::first(marks);
    at += Block::kSize;
  }
  while (at != end && *at != '"' && *at != '\\') ++at;
  return at;
}

/// Length of the UTF-8 sequence at `at` (its first byte is >= 0x80): 2..4, or 0 when it is not valid: overlong,
/// surrogate, beyond U+10FFFF or cut [RFC 3629].
inline int utf8_length(const char* at, const char* end) {
  const auto byte = [at](int i) { return static_cast<unsigned char>(at[i]); };
  const auto follows = [&](int count) {
    if (end - at <= count) return false;
    for (int i = 1; i <= count; ++i)
      if ((byte(i) & 0xC0) != 0x80) return false;
    return true;
  };
  const unsigned lead = byte(0);
  if (lead < 0xC2) return 0;
  if (lead < 0xE0) return follows(1) ? 2 : 0;
  if (lead < 0xF0) {
    if (!follows(2) || (lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xED && byte(1) >= 0xA0)) return 0;
    return 3;
  }
  if (lead < 0xF5) {
    if (!follows(3) || (lead == 0xF0 && byte(1) < 0x90) || (lead == 0xF4 && byte(1) >= 0x90)) return 0;
    return 4;
  }
  return 0;
}

}  // namespace tercet::json::scan
