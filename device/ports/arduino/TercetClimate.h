#pragma once
#include <Arduino.h>
#include <Wire.h>

#include <array>
#include <cstdint>
#include <optional>

#include "Tercet.h"
#include "climate/drivers/bme280.h"
#include "climate/drivers/dht22.h"
#include "climate/drivers/sht3x.h"
#include "climate/indicator.h"
#include "climate/monitor.h"

/// A chip on the Arduino core's I2C bus. Wire.begin() first.
class TercetWireChip final : public tercet::climate::I2cDevice {
 public:
  TercetWireChip(TwoWire& wire, std::uint8_t address) : wire_(wire), address_(address) {}

  tercet::Result<void> write(tercet::Bytes bytes) override { return send(bytes, true); }
  tercet::Result<void> read(tercet::MutableBytes into) override {
    if (wire_.requestFrom(address_, into.size()) != into.size()) return tercet::fail(tercet::Error::io_failed);
    for (std::uint8_t& byte : into) byte = static_cast<std::uint8_t>(wire_.read());
    return {};
  }
  tercet::Result<void> write_read(tercet::Bytes bytes, tercet::MutableBytes into) override {
    if (const auto sent = send(bytes, false); !sent) return sent;
    return read(into);
  }

 private:
  tercet::Result<void> send(tercet::Bytes bytes, bool stop) {
    wire_.beginTransmission(address_);
    wire_.write(bytes.data(), bytes.size());
    if (wire_.endTransmission(stop) != 0) return tercet::fail(tercet::Error::io_failed);
    return {};
  }
  TwoWire& wire_;
  std::uint8_t address_;
};

/// SHT30, SHT31, SHT35 on I2C.
class TercetSht3x final : public tercet::climate::Sensor {
 public:
  explicit TercetSht3x(TwoWire& wire = Wire, std::uint8_t address = tercet::climate::Sht3x::kAddress)
      : chip_(wire, address) {}
  tercet::Result<tercet::climate::Reading> sample(tercet::UnixMillis now) override { return sensor_.sample(now); }
  std::string_view description() const override { return sensor_.description(); }

 private:
  TercetWireChip chip_;
  tercet::climate::Sht3x sensor_{chip_};
};

/// BME280 on I2C.
class TercetBme280 final : public tercet::climate::Sensor {
 public:
  explicit TercetBme280(TwoWire& wire = Wire, std::uint8_t address = tercet::climate::Bme280::kAddress)
      : chip_(wire, address) {}
  tercet::Result<tercet::climate::Reading> sample(tercet::UnixMillis now) override { return sensor_.sample(now); }
  std::string_view description() const override { return sensor_.description(); }

 private:
  TercetWireChip chip_;
  tercet::climate::Bme280 sensor_{chip_};
};

/// DHT22 (AM2302), its data line on a pin with a pull-up of 4.7 to 10 kOhm. Reading it takes about 6 ms, in which the
/// pin is watched without a pause; an interrupt at the wrong moment costs a reading, which the monitor forgives.
class TercetDht22 final : public tercet::climate::Sensor {
 public:
  explicit TercetDht22(std::uint8_t pin) : pin_(pin) {}

  tercet::Result<tercet::climate::Reading> sample(tercet::UnixMillis) override {
    // It measures every two seconds, and answers nonsense when asked more often.
    const unsigned long now = millis();
    if (asked_ && now - asked_at_ < 2'000) return tercet::fail(tercet::Error::would_block);
    asked_ = true, asked_at_ = now;
    pinMode(pin_, OUTPUT);
    digitalWrite(pin_, LOW);
    delayMicroseconds(1'100);
    pinMode(pin_, INPUT_PULLUP);
    std::array<std::uint16_t, 42> highs{};
    std::size_t count = 0;
    while (count < highs.size()) {
      const unsigned long high = width_of(HIGH);
      if (high == 0) break;
      highs[count++] = static_cast<std::uint16_t>(high);
      if (width_of(LOW) == 0) break;
    }
    const auto frame = tercet::climate::decode_dht22_pulses(std::span(highs.data(), count));
    if (!frame) return tercet::fail(frame.error());
    return tercet::climate::decode_dht22(*frame);
  }
  std::string_view description() const override { return "DHT22"; }

 private:
  /// How long the line stays so, in microseconds; 0: longer than any bit.
  unsigned long width_of(int level) {
    const unsigned long begin = micros();
    while (digitalRead(pin_) == level)
      if (micros() - begin > 200) return 0;
    return micros() - begin + 1;
  }
  std::uint8_t pin_;
  bool asked_ = false;
  unsigned long asked_at_ = 0;
};

/// The climate monitor of every Tercet board, on a sketch's device: median of samples, reports at an interval and on a
/// change, alarm with hysteresis, faults of the sensor, settings that the platform changes and the board keeps. Its
/// thing model is climate.tsl.json. Make one beside the device; begin() after the device's, loop() after the device's.
class TercetClimate {
 public:
  TercetClimate(TercetDevice& device, tercet::climate::Sensor& sensor) : device_(device), sensor_(sensor) {}
  TercetClimate(const TercetClimate&) = delete;
  TercetClimate& operator=(const TercetClimate&) = delete;

  /// first: the settings of a board that has none yet. False: the device's begin() has not succeeded.
  bool begin(const tercet::climate::Settings& first = {}) {
    if (device_.device() == nullptr || monitor_) return false;
    monitor_.emplace(*device_.device(), sensor_, device_.port().store, first);
    device_.watch_sets(
        [](tercet::device::PropertySet& set, void* self) { static_cast<TercetClimate*>(self)->monitor_->on_set(set); },
        this);
    return true;
  }
  void loop() {
    if (monitor_) monitor_->run(device_.port().clock.now(), device_.port().clock.wall());
  }

  float temperature() const { return monitor_ ? monitor_->reading().temperature : 0; }
  float humidity() const { return monitor_ ? monitor_->reading().humidity : 0; }
  bool alarmed() const { return monitor_ && monitor_->is_alarmed(); }

  /// Whether the board's light is on now: what it says by flashing is in climate/indicator.h.
  bool light() const {
    using tercet::climate::Condition;
    if (!monitor_) return is_lit(Condition::unprovisioned, {tercet::Millis{millis()}});
    Condition condition = Condition::online;
    if (!device_.port().network.has_address())
      condition = Condition::no_network;
    else if (!device_.online())
      condition = Condition::connecting;
    else if (monitor_->fault() != tercet::climate::SensorFault::none)
      condition = Condition::sensor_fault;
    return is_lit(condition, device_.port().clock.now());
  }
  /// For everything else.
  tercet::climate::Monitor* monitor() { return monitor_ ? &*monitor_ : nullptr; }

 private:
  TercetDevice& device_;
  tercet::climate::Sensor& sensor_;
  std::optional<tercet::climate::Monitor> monitor_;
};
