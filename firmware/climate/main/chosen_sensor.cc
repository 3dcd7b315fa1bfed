#include "chosen_sensor.h"

#include <sdkconfig.h>

#if defined(CONFIG_CLIMATE_SENSOR_SHT3X)
#include "climate/drivers/sht3x.h"
#include "i2c_chip.h"
#elif defined(CONFIG_CLIMATE_SENSOR_BME280)
#include "climate/drivers/bme280.h"
#include "i2c_chip.h"
#elif defined(CONFIG_CLIMATE_SENSOR_DHT22)
#include "dht22_line.h"
#else
#include "climate/diurnal.h"
#endif

namespace tercet::firmware {

climate::Sensor& chosen_sensor([[maybe_unused]] const device::Clock& clock) {
#if defined(CONFIG_CLIMATE_SENSOR_SHT3X)
  static I2cChip chip{CONFIG_CLIMATE_I2C_ADDRESS != 0 ? CONFIG_CLIMATE_I2C_ADDRESS : climate::Sht3x::kAddress};
  static climate::Sht3x sensor{chip};
#elif defined(CONFIG_CLIMATE_SENSOR_BME280)
  static I2cChip chip{CONFIG_CLIMATE_I2C_ADDRESS != 0 ? CONFIG_CLIMATE_I2C_ADDRESS : climate::Bme280::kAddress};
  static climate::Bme280 sensor{chip};
#elif defined(CONFIG_CLIMATE_SENSOR_DHT22)
  static Dht22Line sensor{clock};
#else
  static climate::DiurnalModel sensor{CONFIG_CLIMATE_SEED};
#endif
  return sensor;
}

}  // namespace tercet::firmware
