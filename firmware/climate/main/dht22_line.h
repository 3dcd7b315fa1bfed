#pragma once
#include "climate/sensor.h"
#include "tercet/device/port.h"

namespace tercet::firmware {

/// A DHT22 on the pin of the Kconfig menu, its pulses timed by the RMT peripheral: no interrupt is held up. The sensor
/// wants two seconds between two readings; asked earlier it is would_block. Lives for ever.
class Dht22Line final : public climate::Sensor {
 public:
  explicit Dht22Line(const device::Clock& clock);
  Result<climate::Reading> sample(UnixMillis now) override;  ///< up to 25 ms
  std::string_view description() const override { return "DHT22"; }

 private:
  bool open();
  const device::Clock& clock_;
  bool ready_ = false;
  Instant next_{};
};

}  // namespace tercet::firmware
