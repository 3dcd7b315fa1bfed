#pragma once
#include <cstdint>
#include <cstring>
#include <string_view>

namespace tercet::broker {

__extension__ typedef unsigned __int128 Wide;  // NOLINT: the compiler's own, for the high half of a product

/// A fast hash of short texts for tables whose keys strangers choose: without the seed nobody can make them collide.
inline std::uint64_t seeded_hash(std::string_view text, std::uint64_t seed) {
  const auto mix = [](std::uint64_t a, std::uint64_t b) {
    const auto product = static_cast<Wide>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  };
  constexpr std::uint64_t kOdd1 = 0x9E3779B97F4A7C15, kOdd2 = 0xD1B54A32D192ED03;
  std::uint64_t state = seed ^ (text.size() * kOdd1);
  const char* at = text.data();
  std::size_t left = text.size();
  std::uint64_t word = 0;
  for (; left > 8; at += 8, left -= 8) {
    std::memcpy(&word, at, 8);
    state = mix(state ^ word, kOdd2);
  }
  word = 0;
  if (left > 0) std::memcpy(&word, at, left);
  return mix(state ^ word ^ kOdd1, kOdd2 ^ seed);
}

}  // namespace tercet::broker
