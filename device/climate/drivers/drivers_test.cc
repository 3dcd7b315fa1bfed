#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <vector>

#include "climate/drivers/bme280.h"
#include "climate/drivers/dht22.h"
#include "climate/drivers/sht3x.h"

using namespace tercet;
using namespace tercet::climate;

namespace {

bool near(double a, double b, double by) { return std::abs(a - b) <= by; }

/// A chip in memory: registers behind addresses, or a queue of answers.
struct Chip final : I2cDevice {
  std::array<std::uint8_t, 256> registers{};
  std::vector<std::vector<std::uint8_t>> writes;
  std::deque<std::vector<std::uint8_t>> answers;  ///< to read(); empty: not acknowledged
  bool plugged_in = true;

  Result<void> write(Bytes bytes) override {
    if (!plugged_in) return fail(Error::io_failed);
    writes.emplace_back(bytes.begin(), bytes.end());
    return {};
  }
  Result<void> read(MutableBytes into) override {
    if (!plugged_in || answers.empty()) return fail(Error::io_failed);
    std::copy_n(answers.front().begin(), into.size(), into.begin());
    answers.pop_front();
    return {};
  }
  Result<void> write_read(Bytes bytes, MutableBytes into) override {
    if (!plugged_in) return fail(Error::io_failed);
    for (std::size_t i = 0; i < into.size(); ++i) into[i] = registers[bytes[0] + i];
    return {};
  }
};

/// The integer compensation of the BME280's datasheet, against which ours is held.
std::int32_t fine_of(const Bme280Calibration& c, std::int32_t raw) {
  const std::int32_t first = (((raw >> 3) - (static_cast<std::int32_t>(c.t1) << 1)) * c.t2) >> 11;
  const std::int32_t offset = (raw >> 4) - static_cast<std::int32_t>(c.t1);
  return first + ((((offset * offset) >> 12) * c.t3) >> 14);
}
double integer_humidity(const Bme280Calibration& c, std::int32_t raw, std::int32_t fine) {
  std::int32_t v = fine - 76'800;
  v = ((((raw << 14) - (static_cast<std::int32_t>(c.h4) << 20) - c.h5 * v) + 16'384) >> 15) *
      (((((((v * c.h6) >> 10) * (((v * c.h3) >> 11) + 32'768)) >> 10) + 2'097'152) * c.h2 + 8'192) >> 14);
  v -= ((((v >> 15) * (v >> 15)) >> 7) * c.h1) >> 4;
  v = std::clamp<std::int32_t>(v, 0, 419'430'400);
  return (v >> 12) / 1'024.0;
}

constexpr Bme280Calibration kCalibration{
    .t1 = 27'504, .t2 = 26'435, .t3 = -1'000, .h1 = 75, .h3 = 0, .h2 = 355, .h4 = 340, .h5 = 0, .h6 = 30};

}  // namespace

TEST_CASE("SHT3x: the datasheet's checksum of 0xBEEF is 0x92") {
  const std::array<std::uint8_t, 2> word{0xBE, 0xEF};
  CHECK(sht_crc(word) == 0x92);
}

TEST_CASE("SHT3x: the ends of the scale, the middle, and a broken checksum") {
  const auto frame = [](std::uint16_t t, std::uint16_t h) {
    std::array<std::uint8_t, 6> made{static_cast<std::uint8_t>(t >> 8), static_cast<std::uint8_t>(t), 0,
                                     static_cast<std::uint8_t>(h >> 8), static_cast<std::uint8_t>(h), 0};
    made[2] = sht_crc(Bytes{made}.first(2));
    made[5] = sht_crc(Bytes{made}.subspan(3, 2));
    return made;
  };
  const auto low = decode_sht3x(frame(0, 0)), high = decode_sht3x(frame(0xFFFF, 0xFFFF));
  REQUIRE(low);
  REQUIRE(high);
  CHECK(low->temperature == -45);
  CHECK(low->humidity == 0);
  CHECK(high->temperature == 130);
  CHECK(high->humidity == 100);
  const auto middle = decode_sht3x(frame(0x6666, 0x8000));
  REQUIRE(middle);
  CHECK(near(static_cast<double>(middle->temperature), 25.0, 0.01));
  CHECK(near(static_cast<double>(middle->humidity), 50.0, 0.01));
  for (std::size_t i = 0; i < 6; ++i)
    for (int bit = 0; bit < 8; ++bit) {
      auto broken = frame(0x6666, 0x8000);
      broken[i] = static_cast<std::uint8_t>(broken[i] ^ 1 << bit);
      CHECK(!decode_sht3x(broken));
    }
}

TEST_CASE("SHT3x: a measurement is begun, waited for, read; a chip that is away fails and comes back") {
  Chip chip;
  Sht3x sensor{chip};
  CHECK(sensor.sample({}).error() == Error::would_block);
  CHECK(chip.writes.back() == std::vector<std::uint8_t>{0x24, 0x00});
  CHECK(sensor.sample({}).error() == Error::would_block);  // still converting: not acknowledged
  chip.answers.push_back({0xBE, 0xEF, 0x92, 0xBE, 0xEF, 0x92});
  CHECK(sensor.sample({}));
  CHECK(sensor.sample({}).error() == Error::would_block);
  CHECK(chip.writes.size() == 2);
  for (int i = 0; i < 4; ++i) CHECK(sensor.sample({}).error() == Error::would_block);
  CHECK(sensor.sample({}).error() == Error::io_failed);  // a conversion does not take that long
  chip.plugged_in = false;
  CHECK(sensor.sample({}).error() == Error::io_failed);
  chip.plugged_in = true;
  CHECK(sensor.sample({}).error() == Error::would_block);
}

TEST_CASE("BME280: the temperature of the datasheet's worked example") {
  const Reading air = compensate_bme280(kCalibration, 519'888, 30'000);
  CHECK(near(static_cast<double>(air.temperature), 25.08, 0.005));
}

TEST_CASE("BME280: humidity agrees with the datasheet's integer arithmetic over the whole range") {
  for (std::int32_t temperature = 400'000; temperature <= 640'000; temperature += 20'000)
    for (std::int32_t humidity = 16'000; humidity <= 48'000; humidity += 500) {
      const double expected = integer_humidity(kCalibration, humidity, fine_of(kCalibration, temperature));
      const Reading air = compensate_bme280(kCalibration, temperature, humidity);
      CAPTURE(temperature);
      CAPTURE(humidity);
      CHECK(near(static_cast<double>(air.humidity), expected, 0.05));
    }
}

TEST_CASE("BME280: the calibration's twelve-bit numbers are taken apart, negative ones too") {
  std::array<std::uint8_t, 26> low{};
  low[0] = 0x70, low[1] = 0x6B, low[2] = 0x43, low[3] = 0x67, low[4] = 0x18, low[5] = 0xFC, low[25] = 75;
  const std::array<std::uint8_t, 7> high{0x63, 0x01, 0x00, 0x15, 0x24, 0x03, 0x1E};
  const auto made = Bme280Calibration::decode(low, high);
  CHECK(made.t1 == 27'504);
  CHECK(made.t2 == 26'435);
  CHECK(made.t3 == -1'000);
  CHECK(made.h1 == 75);
  CHECK(made.h2 == 355);
  CHECK(made.h4 == 0x154);
  CHECK(made.h5 == 0x32);
  CHECK(made.h6 == 30);
  const auto negative = Bme280Calibration::decode(low, {0, 0, 0, 0xFF, 0xEF, 0xFF, 0xFF});
  CHECK(negative.h4 == -1);
  CHECK(negative.h5 == -2);
  CHECK(negative.h6 == -1);
}

TEST_CASE("BME280: identified, measured in forced mode, and identified again after it was unplugged") {
  Chip chip;
  Bme280 sensor{chip};
  CHECK(sensor.sample({}).error() == Error::not_found);  // id 0
  chip.registers[0xD0] = 0x60;
  chip.registers[0x88] = 0x70, chip.registers[0x89] = 0x6B, chip.registers[0x8A] = 0x43, chip.registers[0x8B] = 0x67;
  chip.registers[0x8C] = 0x18, chip.registers[0x8D] = 0xFC;
  CHECK(sensor.sample({}).error() == Error::would_block);
  CHECK(chip.writes == std::vector<std::vector<std::uint8_t>>{{0xF2, 0x01}, {0xF4, 0x21}});
  chip.registers[0xF3] = 0x08;
  CHECK(sensor.sample({}).error() == Error::would_block);
  chip.registers[0xF3] = 0;
  chip.registers[0xFA] = 519'888 >> 12, chip.registers[0xFB] = 519'888 >> 4 & 0xFF, chip.registers[0xFC] = 0;
  const auto air = sensor.sample({});
  REQUIRE(air);
  CHECK(near(static_cast<double>(air->temperature), 25.08, 0.01));
  chip.plugged_in = false;
  CHECK(sensor.sample({}).error() == Error::io_failed);
  chip.plugged_in = true;
  chip.registers[0xD0] = 0x58;  // a BMP280: no humidity
  CHECK(sensor.sample({}).error() == Error::not_found);
}

TEST_CASE("DHT22: the datasheet's example is 65.2 % and 35.1 degrees; the sign is a bit of its own") {
  const auto warm = decode_dht22({0x02, 0x8C, 0x01, 0x5F, 0xEE});
  REQUIRE(warm);
  CHECK(warm->humidity == 65.2f);
  CHECK(warm->temperature == 35.1f);
  const auto cold = decode_dht22({0x02, 0x8C, 0x80, 0x65, 0x73});
  REQUIRE(cold);
  CHECK(cold->temperature == -10.1f);
  CHECK(!decode_dht22({0x02, 0x8C, 0x01, 0x5F, 0xEF}));
  CHECK(!decode_dht22({0, 0, 0, 0, 0}));
}

TEST_CASE("DHT22: forty pulses make five bytes, with the answering pulse or without") {
  const std::array<std::uint8_t, 5> frame{0x02, 0x8C, 0x01, 0x5F, 0xEE};
  std::vector<std::uint16_t> highs{80};
  for (const std::uint8_t byte : frame)
    for (int bit = 7; bit >= 0; --bit) highs.push_back((byte >> bit & 1) != 0 ? 70 : 27);
  auto got = decode_dht22_pulses(highs);
  REQUIRE(got);
  CHECK(*got == frame);
  highs.erase(highs.begin());
  got = decode_dht22_pulses(highs);
  REQUIRE(got);
  CHECK(*got == frame);
  highs[7] = 130;  // an interrupt came in between
  CHECK(!decode_dht22_pulses(highs));
  highs.pop_back();
  CHECK(!decode_dht22_pulses(highs));
}
