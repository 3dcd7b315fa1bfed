#pragma once
#include "esp_app_desc.h"
#include "esp_partition.h"

inline constexpr esp_err_t ESP_ERR_OTA_VALIDATE_FAILED = 0x1503, ESP_ERR_OTA_SMALL_SEC_VER = 0x1504,
                           ESP_ERR_OTA_ROLLBACK_FAILED = 0x1505;
enum esp_ota_img_states_t : std::uint32_t {
  ESP_OTA_IMG_NEW = 0,
  ESP_OTA_IMG_PENDING_VERIFY = 1,
  ESP_OTA_IMG_VALID = 2,
  ESP_OTA_IMG_INVALID = 3,
  ESP_OTA_IMG_ABORTED = 4,
  ESP_OTA_IMG_UNDEFINED = 0xFFFFFFFF,
};
const esp_partition_t* esp_ota_get_running_partition();
const esp_partition_t* esp_ota_get_next_update_partition(const esp_partition_t* from);
esp_err_t esp_ota_get_partition_description(const esp_partition_t* partition, esp_app_desc_t* description);
esp_err_t esp_ota_get_state_partition(const esp_partition_t* partition, esp_ota_img_states_t* state);
esp_err_t esp_ota_set_boot_partition(const esp_partition_t* partition);
esp_err_t esp_ota_mark_app_valid_cancel_rollback();
esp_err_t esp_ota_mark_app_invalid_rollback_and_reboot();
