#include "climate/drivers/dht22.h"

namespace tercet::climate {

Result<Reading> decode_dht22(const std::array<std::uint8_t, 5>& frame) {
  const int sum = frame[0] + frame[1] + frame[2] + frame[3];
  if ((sum & 0xFF) != frame[4] || sum == 0) return fail(Error::io_failed);  // all zeros: a line held low
  const auto humidity = static_cast<float>(frame[0] << 8 | frame[1]);
  // Sign and magnitude.
  const auto magnitude = static_cast<float>((frame[2] & 0x7F) << 8 | frame[3]);
  return Reading{((frame[2] & 0x80) != 0 ? -magnitude : magnitude) / 10, humidity / 10};
}

Result<std::array<std::uint8_t, 5>> decode_dht22_pulses(std::span<const std::uint16_t> highs) {
  constexpr std::size_t kBits = 40;
  constexpr std::uint16_t kShortest = 10, kOneFrom = 48, kLongest = 100;
  if (highs.size() < kBits) return fail(Error::io_failed);
  const auto bits = highs.last(kBits);
  std::array<std::uint8_t, 5> frame{};
  for (std::size_t i = 0; i < kBits; ++i) {
    if (bits[i] < kShortest || bits[i] > kLongest) return fail(Error::io_failed);
    frame[i / 8] = static_cast<std::uint8_t>(frame[i / 8] << 1 | (bits[i] >= kOneFrom ? 1 : 0));
  }
  return frame;
}

}  // namespace tercet::climate
