#pragma once
#include <array>
#include <cstdint>
#include <span>

#include "climate/sensor.h"

namespace tercet::climate {

/// The five bytes of a DHT22 (AM2302): humidity and temperature in tenths, and the sum of the four. Errors: io_failed,
/// the sum.
Result<Reading> decode_dht22(const std::array<std::uint8_t, 5>& frame);

/// The 40 bits from how long the line was high, in microseconds: 26 to 28 say 0, 70 says 1. `highs` may begin with the
/// sensor's answering pulse of 80; the last 40 count. Errors: io_failed, too few, or one that says neither.
Result<std::array<std::uint8_t, 5>> decode_dht22_pulses(std::span<const std::uint16_t> highs);

}  // namespace tercet::climate
