#include "climate/drivers/bme280.h"

#include <algorithm>

namespace tercet::climate {
namespace {

constexpr std::uint8_t kId = 0xD0, kControlHumidity = 0xF2, kStatus = 0xF3, kControl = 0xF4, kTemperature = 0xFA;
constexpr std::uint8_t kCalibrationLow = 0x88, kCalibrationHigh = 0xE1;
constexpr std::uint8_t kBme280 = 0x60;
constexpr std::uint8_t kHumidityOnce = 0x01, kTemperatureOnceForced = 0x21, kMeasuring = 0x08;

std::int16_t little(const std::uint8_t* at) { return static_cast<std::int16_t>(at[0] | at[1] << 8); }

}  // namespace

Bme280Calibration Bme280Calibration::decode(const std::array<std::uint8_t, 26>& low,
                                            const std::array<std::uint8_t, 7>& high) {
  Bme280Calibration made;
  made.t1 = static_cast<std::uint16_t>(little(&low[0]));
  made.t2 = little(&low[2]);
  made.t3 = little(&low[4]);
  made.h1 = low[25];  // 0xA1
  made.h2 = little(&high[0]);
  made.h3 = high[2];
  // Two signed numbers of 12 bits share 0xE5: its low half is the low half of H4, its high half that of H5.
  made.h4 = static_cast<std::int16_t>(static_cast<std::int8_t>(high[3]) * 16 | (high[4] & 0x0F));
  made.h5 = static_cast<std::int16_t>(static_cast<std::int8_t>(high[5]) * 16 | high[4] >> 4);
  made.h6 = static_cast<std::int8_t>(high[6]);
  return made;
}

Reading compensate_bme280(const Bme280Calibration& c, std::int32_t raw_temperature, std::int32_t raw_humidity) {
  const double first = (raw_temperature / 16'384.0 - c.t1 / 1'024.0) * c.t2;
  const double offset = raw_temperature / 131'072.0 - c.t1 / 8'192.0;
  const double fine = first + offset * offset * c.t3;
  const double warm = fine - 76'800.0;
  const double scaled = (raw_humidity - (c.h4 * 64.0 + c.h5 / 16'384.0 * warm)) *
                        (c.h2 / 65'536.0 * (1 + c.h6 / 67'108'864.0 * warm * (1 + c.h3 / 67'108'864.0 * warm)));
  const double humidity = scaled * (1 - c.h1 * scaled / 524'288.0);
  return {static_cast<float>(fine / 5'120.0), static_cast<float>(std::clamp(humidity, 0.0, 100.0))};
}

Result<void> Bme280::set(std::uint8_t reg, std::uint8_t value) {
  const std::array<std::uint8_t, 2> bytes{reg, value};
  return chip_.write(bytes);
}

Result<void> Bme280::get(std::uint8_t reg, MutableBytes into) { return chip_.write_read(Bytes{&reg, 1}, into); }

Result<void> Bme280::identify() {
  std::uint8_t id = 0;
  if (const auto got = get(kId, {&id, 1}); !got) return got;
  if (id != kBme280) return fail(Error::not_found);
  std::array<std::uint8_t, 26> low{};
  std::array<std::uint8_t, 7> high{};
  if (const auto got = get(kCalibrationLow, low); !got) return got;
  if (const auto got = get(kCalibrationHigh, high); !got) return got;
  calibration_ = Bme280Calibration::decode(low, high);
  state_ = State::idle;
  return {};
}

/// The humidity's setting takes effect with the write to the other register.
Result<void> Bme280::begin() {
  if (const auto done = set(kControlHumidity, kHumidityOnce); !done) return done;
  if (const auto done = set(kControl, kTemperatureOnceForced); !done) return done;
  state_ = State::converting;
  looks_ = 0;
  return {};
}

Result<Reading> Bme280::finish() {
  std::uint8_t status = 0;
  if (const auto got = get(kStatus, {&status, 1}); !got) return fail(Error::io_failed);
  if ((status & kMeasuring) != 0) {
    if (++looks_ < kMostLooks) return fail(Error::would_block);
    return fail(Error::io_failed);
  }
  std::array<std::uint8_t, 5> data{};  // 0xFA to 0xFE
  if (const auto got = get(kTemperature, data); !got) return fail(Error::io_failed);
  const std::int32_t temperature = data[0] << 12 | data[1] << 4 | data[2] >> 4, humidity = data[3] << 8 | data[4];
  // What the registers hold after a reset: nothing was measured.
  if (temperature == 0x80000) return fail(Error::io_failed);
  return compensate_bme280(calibration_, temperature, humidity);
}

Result<Reading> Bme280::sample(UnixMillis) {
  if (state_ == State::unknown)
    if (const auto known = identify(); !known) return fail(known.error());
  if (state_ == State::idle) {
    if (const auto begun = begin(); !begun) {
      state_ = State::unknown;
      return fail(Error::io_failed);
    }
    return fail(Error::would_block);
  }
  const auto reading = finish();
  if (reading) state_ = State::idle;
  // A chip that was unplugged has lost its settings, or is another one now.
  if (!reading && reading.error() != Error::would_block) state_ = State::unknown;
  return reading;
}

}  // namespace tercet::climate
