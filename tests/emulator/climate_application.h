#pragma once
#include <algorithm>

#include "climate/monitor.h"
#ifdef TERCET_WITH_RULES
#include "climate/rules.h"
#endif
#include "tercet/device/client.h"

/// The climate monitor as an application of a board: what firmware makes of the SDK. Everything is a member, nothing is
/// allocated.
namespace tercet::emulator {

class Application final : public device::DeviceEvents {
 public:
  Application(const device::Port& port, climate::Sensor& sensor)
      : port_(port), device_(port, buffers_.storage(), *this), monitor_(device_, sensor, port.store) {}

  Result<void> start() {
    const auto product = ProductKey::parse("a1B2c3D4e5F");
    const auto name = DeviceName::parse("sensor_01");
    if (!product || !name) return fail(Error::bad_argument);
    device::Options options;
    options.time.floor = UnixMillis{1'700'000'000'000};
    return device_.start({*product, *name}, {"iot.example", 8883, true}, options);
  }
  void run() {
    monitor_.run(port_.clock.now(), port_.clock.wall());
#ifdef TERCET_WITH_RULES
    rules_.run(port_.clock.now());
#endif
    device_.run();
  }
  Instant next_deadline() const { return std::min(device_.next_deadline(), monitor_.next_deadline()); }

  const device::Device& device() const { return device_; }
  const climate::Monitor& monitor() const { return monitor_; }

 private:
  void on_set(device::PropertySet& set) override { monitor_.on_set(set); }
  void on_rung(device::Rung rung, const device::RungRecord& record, std::string_view) override {
    if (!record.error || port_.log == nullptr) return;
    using enum device::Language;
    for (const device::Language language : {english, chinese}) {
      port_.log->line(device::LogLevel::warning, device::explain(rung, *record.error, language));
      port_.log->line(device::LogLevel::warning, device::remedy(rung, *record.error, language));
    }
  }

  device::Port port_;
  device::DeviceBuffers<> buffers_;
  device::Device device_;
  climate::Monitor monitor_;
#ifdef TERCET_WITH_RULES
 public:
  climate::Rules& rules() { return rules_; }

 private:
  climate::Rules rules_{device_, monitor_, *this, port_.store, {}};
#endif
};

}  // namespace tercet::emulator
