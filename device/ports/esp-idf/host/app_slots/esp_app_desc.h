#pragma once
#include <cstdint>

inline constexpr std::uint32_t ESP_APP_DESC_MAGIC_WORD = 0xABCD5432;
struct esp_app_desc_t {
  std::uint32_t magic_word;
  std::uint32_t secure_version;
  char version[32];
  char project_name[32];
};
const esp_app_desc_t* esp_app_get_description();
