#include <sdkconfig.h>
#if defined(CONFIG_CLIMATE_SENSOR_SHT3X) || defined(CONFIG_CLIMATE_SENSOR_BME280)
#include <esp_idf_version.h>
#include <esp_log.h>

#include "i2c_chip.h"
#if ESP_IDF_VERSION >= ESP_IDF_VERSION_VAL(5, 2, 0)
#include <driver/i2c_master.h>
#else
#include <driver/i2c.h>
#endif

namespace tercet::firmware {
namespace {

constexpr int kTimeoutMs = 20;

Result<void> result_of(esp_err_t code) {
  if (code == ESP_OK) return {};
  return fail(Error::io_failed);
}

}  // namespace

#if ESP_IDF_VERSION >= ESP_IDF_VERSION_VAL(5, 2, 0)

I2cChip::I2cChip(std::uint8_t address) : address_(address) {
  esp_log_level_set("i2c.master", ESP_LOG_NONE);  // a missing sensor is told by us, once
  i2c_master_bus_config_t bus{};
  bus.i2c_port = I2C_NUM_0;
  bus.sda_io_num = static_cast<gpio_num_t>(CONFIG_CLIMATE_I2C_SDA);
  bus.scl_io_num = static_cast<gpio_num_t>(CONFIG_CLIMATE_I2C_SCL);
  bus.clk_source = I2C_CLK_SRC_DEFAULT;
  bus.glitch_ignore_cnt = 7;
  bus.flags.enable_internal_pullup = true;
  i2c_master_bus_handle_t made = nullptr;
  if (i2c_new_master_bus(&bus, &made) != ESP_OK) return;
  i2c_device_config_t chip{};
  chip.dev_addr_length = I2C_ADDR_BIT_LEN_7;
  chip.device_address = address_;
  chip.scl_speed_hz = CONFIG_CLIMATE_I2C_HZ;
  i2c_master_dev_handle_t device = nullptr;
  if (i2c_master_bus_add_device(made, &chip, &device) == ESP_OK) chip_ = device;
}

Result<void> I2cChip::write(Bytes bytes) {
  if (chip_ == nullptr) return fail(Error::io_failed);
  const auto chip = static_cast<i2c_master_dev_handle_t>(chip_);
  return result_of(i2c_master_transmit(chip, bytes.data(), bytes.size(), kTimeoutMs));
}

Result<void> I2cChip::read(MutableBytes into) {
  if (chip_ == nullptr) return fail(Error::io_failed);
  const auto chip = static_cast<i2c_master_dev_handle_t>(chip_);
  return result_of(i2c_master_receive(chip, into.data(), into.size(), kTimeoutMs));
}

Result<void> I2cChip::write_read(Bytes bytes, MutableBytes into) {
  if (chip_ == nullptr) return fail(Error::io_failed);
  const auto chip = static_cast<i2c_master_dev_handle_t>(chip_);
  return result_of(i2c_master_transmit_receive(chip, bytes.data(), bytes.size(), into.data(), into.size(), kTimeoutMs));
}

#else  // 5.1 has the older driver only

namespace {
constexpr i2c_port_t kPort = I2C_NUM_0;
constexpr TickType_t kTimeout = pdMS_TO_TICKS(kTimeoutMs) + 1;
}  // namespace

I2cChip::I2cChip(std::uint8_t address) : address_(address) {
  i2c_config_t bus{};
  bus.mode = I2C_MODE_MASTER;
  bus.sda_io_num = CONFIG_CLIMATE_I2C_SDA;
  bus.scl_io_num = CONFIG_CLIMATE_I2C_SCL;
  bus.sda_pullup_en = true;
  bus.scl_pullup_en = true;
  bus.master.clk_speed = CONFIG_CLIMATE_I2C_HZ;
  if (i2c_param_config(kPort, &bus) == ESP_OK && i2c_driver_install(kPort, I2C_MODE_MASTER, 0, 0, 0) == ESP_OK)
    chip_ = this;
}

Result<void> I2cChip::write(Bytes bytes) {
  if (chip_ == nullptr) return fail(Error::io_failed);
  return result_of(i2c_master_write_to_device(kPort, address_, bytes.data(), bytes.size(), kTimeout));
}

Result<void> I2cChip::read(MutableBytes into) {
  if (chip_ == nullptr) return fail(Error::io_failed);
  return result_of(i2c_master_read_from_device(kPort, address_, into.data(), into.size(), kTimeout));
}

Result<void> I2cChip::write_read(Bytes bytes, MutableBytes into) {
  if (chip_ == nullptr) return fail(Error::io_failed);
  return result_of(
      i2c_master_write_read_device(kPort, address_, bytes.data(), bytes.size(), into.data(), into.size(), kTimeout));
}

#endif

}  // namespace tercet::firmware
#endif
