#include "climate/drivers/sht3x.h"

namespace tercet::climate {
namespace {

constexpr std::array<std::uint8_t, 2> kMeasure{0x24, 0x00};  // single shot, high repeatability, no stretching

}  // namespace

std::uint8_t sht_crc(Bytes bytes) {
  std::uint8_t crc = 0xFF;
  for (const std::uint8_t byte : bytes) {
    crc = static_cast<std::uint8_t>(crc ^ byte);
    for (int bit = 0; bit < 8; ++bit) crc = static_cast<std::uint8_t>((crc & 0x80) != 0 ? (crc << 1) ^ 0x31 : crc << 1);
  }
  return crc;
}

Result<Reading> decode_sht3x(const std::array<std::uint8_t, 6>& frame) {
  const Bytes bytes{frame};
  if (sht_crc(bytes.first(2)) != frame[2] || sht_crc(bytes.subspan(3, 2)) != frame[5]) return fail(Error::io_failed);
  const auto temperature = static_cast<float>(frame[0] << 8 | frame[1]);
  const auto humidity = static_cast<float>(frame[3] << 8 | frame[4]);
  return Reading{-45 + 175 * temperature / 65'535, 100 * humidity / 65'535};
}

Result<Reading> Sht3x::sample(UnixMillis) {
  if (!converting_) {
    if (const auto sent = chip_.write(kMeasure); !sent) return fail(Error::io_failed);
    converting_ = true;
    looks_ = 0;
    return fail(Error::would_block);
  }
  std::array<std::uint8_t, 6> frame{};
  if (const auto got = chip_.read(frame); !got) {
    if (++looks_ < kMostLooks) return fail(Error::would_block);
    converting_ = false;
    return fail(Error::io_failed);
  }
  converting_ = false;
  return decode_sht3x(frame);
}

}  // namespace tercet::climate
