#include "ports/esp-idf/app_slots.h"

#include <esp_app_desc.h>
#include <esp_ota_ops.h>

#include <cstring>

namespace tercet::idf {
namespace {

constexpr std::uint32_t kSectorBytes = 4096;

Result<void> result_of(esp_err_t code) {
  if (code == ESP_OK) return {};
  return fail(code == ESP_ERR_INVALID_ARG || code == ESP_ERR_INVALID_SIZE ? Error::bad_argument : Error::io_failed);
}

/// Texts of 32 bytes that need not end.
template <std::size_t kSize>
std::string_view text_of(const char (&field)[kSize]) {
  const void* const end = std::memchr(field, 0, kSize);
  return {field, end == nullptr ? kSize : static_cast<std::size_t>(static_cast<const char*>(end) - field)};
}

ota::ImageIdentity identity_of(const esp_app_desc_t& description) {
  ota::ImageIdentity identity;
  static_assert(sizeof description.version <= ota::kMaxVersionBytes);
  static_cast<void>(identity.version.assign(text_of(description.version)));
  static_cast<void>(identity.project.assign(text_of(description.project_name)));
  return identity;
}

/// What the boot loader takes when `otadata` names nothing good.
const esp_partition_t* default_app() {
  const esp_partition_t* const factory =
      esp_partition_find_first(ESP_PARTITION_TYPE_APP, ESP_PARTITION_SUBTYPE_APP_FACTORY, nullptr);
  return factory != nullptr
             ? factory
             : esp_partition_find_first(ESP_PARTITION_TYPE_APP, ESP_PARTITION_SUBTYPE_APP_OTA_0, nullptr);
}

}  // namespace

std::optional<AppSlots> AppSlots::find() {
  const esp_partition_t* const running = esp_ota_get_running_partition();
  const esp_partition_t* const spare = esp_ota_get_next_update_partition(nullptr);
  const bool has_notes =
      esp_partition_find_first(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_DATA_OTA, nullptr) != nullptr;
  if (running == nullptr || spare == nullptr || spare == running || !has_notes) return std::nullopt;
  return AppSlots(running, spare);
}

ota::ImageIdentity AppSlots::running_identity() { return identity_of(*esp_app_get_description()); }

ota::ImageSlot::Geometry AppSlots::geometry() const {
  return {spare_->size, kSectorBytes, spare_->encrypted ? 16u : 4u};
}

Result<void> AppSlots::erase(std::uint32_t at) {
  if (at % kSectorBytes != 0) return fail(Error::bad_argument);
  return result_of(esp_partition_erase_range(spare_, at, kSectorBytes));
}

Result<void> AppSlots::write(std::uint32_t at, Bytes bytes) {
  return result_of(esp_partition_write(spare_, at, bytes.data(), bytes.size()));
}

Result<void> AppSlots::read(std::uint32_t at, MutableBytes into) {
  return result_of(esp_partition_read(spare_, at, into.data(), into.size()));
}

bool AppSlots::is_on_trial() const {
  esp_ota_img_states_t state{};
  return esp_ota_get_state_partition(running_, &state) == ESP_OK && state == ESP_OTA_IMG_PENDING_VERIFY;
}

bool AppSlots::was_spare_rejected() const {
  esp_ota_img_states_t state{};
  if (esp_ota_get_state_partition(spare_, &state) != ESP_OK) return false;
  return state == ESP_OTA_IMG_ABORTED || state == ESP_OTA_IMG_INVALID;
}

Result<ota::ImageIdentity> AppSlots::spare_identity() {
  esp_app_desc_t description{};
  const esp_err_t got = esp_ota_get_partition_description(spare_, &description);
  if (got != ESP_OK) return fail(got == ESP_ERR_NOT_FOUND ? Error::malformed : Error::io_failed);
  return identity_of(description);
}

Result<void> AppSlots::activate() {
  const esp_err_t done = esp_ota_set_boot_partition(spare_);
  if (done == ESP_ERR_OTA_VALIDATE_FAILED || done == ESP_ERR_OTA_SMALL_SEC_VER) return fail(Error::malformed);
  return done == ESP_OK ? Result<void>{} : fail(Error::io_failed);
}

Result<void> AppSlots::confirm() {
  return esp_ota_mark_app_valid_cancel_rollback() == ESP_OK ? Result<void>{} : fail(Error::io_failed);
}

/// ESP-IDF looks for the image before among its notes, where one that was flashed over a cable has none until it has
/// updated itself: it says that there is no other image. Its boot loader knows better, and takes the default program
/// when the one on trial restarts.
Result<void> AppSlots::roll_back() {
  const esp_err_t failed = esp_ota_mark_app_invalid_rollback_and_reboot();
  if (failed == ESP_OK) return {};
  if (failed != ESP_ERR_OTA_ROLLBACK_FAILED) return fail(Error::io_failed);
  esp_app_desc_t description{};
  const esp_partition_t* const other = default_app();
  const bool is_there = other != nullptr && other != running_ && is_on_trial() &&
                        esp_ota_get_partition_description(other, &description) == ESP_OK;
  return is_there ? Result<void>{} : fail(Error::not_found);
}

}  // namespace tercet::idf
