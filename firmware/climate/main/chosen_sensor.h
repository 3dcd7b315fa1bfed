#pragma once
#include "climate/sensor.h"
#include "tercet/device/port.h"

namespace tercet::firmware {

/// The sensor of the Kconfig menu; lives for ever, as must `clock`. A sensor that is not there says so when it is
/// asked.
climate::Sensor& chosen_sensor(const device::Clock& clock);

}  // namespace tercet::firmware
