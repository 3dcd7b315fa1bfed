#pragma once
// Of ESP-IDF's interface what app_slots.cc calls, over the chip in chip.h.
#include <cstddef>
#include <cstdint>

using esp_err_t = int;
inline constexpr esp_err_t ESP_OK = 0, ESP_FAIL = -1, ESP_ERR_INVALID_ARG = 0x102, ESP_ERR_INVALID_SIZE = 0x104,
                           ESP_ERR_NOT_FOUND = 0x105, ESP_ERR_FLASH_OP_FAIL = 0x6001;
enum esp_partition_type_t { ESP_PARTITION_TYPE_APP = 0, ESP_PARTITION_TYPE_DATA = 1 };
enum esp_partition_subtype_t {
  ESP_PARTITION_SUBTYPE_APP_FACTORY = 0,
  ESP_PARTITION_SUBTYPE_DATA_OTA = 0,
  ESP_PARTITION_SUBTYPE_APP_OTA_0 = 0x10,
  ESP_PARTITION_SUBTYPE_APP_OTA_1 = 0x11,
};
struct esp_partition_t {
  esp_partition_type_t type;
  esp_partition_subtype_t subtype;
  std::uint32_t address, size;
  char label[17];
  bool encrypted;
};
const esp_partition_t* esp_partition_find_first(esp_partition_type_t type, esp_partition_subtype_t subtype,
                                                const char* label);
esp_err_t esp_partition_read(const esp_partition_t* partition, std::size_t at, void* into, std::size_t size);
esp_err_t esp_partition_write(const esp_partition_t* partition, std::size_t at, const void* from, std::size_t size);
esp_err_t esp_partition_erase_range(const esp_partition_t* partition, std::size_t at, std::size_t size);
