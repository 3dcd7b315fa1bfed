#include "chip.h"

#include <algorithm>
#include <cstring>
#include <memory>

namespace tercet::idf {
namespace {

constexpr std::size_t kDescriptionAt = 32;

std::uint32_t sum_of(const std::uint8_t* bytes, std::size_t size) {
  std::uint32_t sum = 2'166'136'261u;
  for (std::size_t i = 0; i < size; ++i) sum = (sum ^ bytes[i]) * 16'777'619u;
  return sum;
}

std::array<esp_partition_t, 3> table() {
  Chip& chip = Chip::instance();
  const bool encrypted = chip.is_encrypted;
  return {{{ESP_PARTITION_TYPE_APP, ESP_PARTITION_SUBTYPE_APP_OTA_0, 0, Chip::kSlotBytes, "ota_0", encrypted},
           {ESP_PARTITION_TYPE_APP, ESP_PARTITION_SUBTYPE_APP_OTA_1, 0, Chip::kSlotBytes, "ota_1", encrypted},
           {ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_DATA_OTA, 0, 0x2000, "otadata", encrypted}}};
}

/// Addresses that last, as on a board.
const esp_partition_t* partition(std::size_t i) {
  static std::array<esp_partition_t, 3> kept;
  kept = table();
  return &kept[i];
}

std::vector<std::uint8_t>& bytes_of(const esp_partition_t* of) {
  return Chip::instance().slots[of->subtype == ESP_PARTITION_SUBTYPE_APP_OTA_0 ? 0 : 1];
}
int slot_of(std::uint32_t seq) { return static_cast<int>((seq - 1) % 2); }

bool is_whole(const std::vector<std::uint8_t>& slot) {
  std::uint32_t size = 0, sum = 0;
  if (slot[0] != 0xE9) return false;
  std::memcpy(&size, &slot[4], 4);
  if (size < 128 || size > slot.size()) return false;
  std::memcpy(&sum, &slot[size - 4], 4);
  return sum == sum_of(slot.data(), size - 4);
}

bool is_good(const Chip::Entry& entry) {
  return entry.seq != ~0u && entry.state != ESP_OTA_IMG_INVALID && entry.state != ESP_OTA_IMG_ABORTED;
}

}  // namespace

Chip& Chip::instance() {
  static Chip chip;
  return chip;
}

Chip::Chip() {
  for (auto& slot : slots) slot.assign(kSlotBytes, 0xFF);
}

int Chip::active() const {
  const bool first = is_good(entries[0]), second = is_good(entries[1]);
  if (first && second) return entries[1].seq > entries[0].seq ? 1 : 0;
  return first ? 0 : second ? 1 : -1;
}

void Chip::boot() {
  for (Entry& entry : entries)
    if (entry.state == ESP_OTA_IMG_PENDING_VERIFY) entry.state = ESP_OTA_IMG_ABORTED;
  const int chosen = active();
  running = chosen < 0 ? 0 : slot_of(entries[static_cast<std::size_t>(chosen)].seq);
  if (chosen < 0) return;
  Entry& entry = entries[static_cast<std::size_t>(chosen)];
  if (entry.state == ESP_OTA_IMG_NEW) entry.state = ESP_OTA_IMG_PENDING_VERIFY;
}

std::string_view Chip::running_version() { return esp_app_get_description()->version; }

void Chip::flash_by_cable(Bytes image) {
  std::copy(image.begin(), image.end(), slots[0].begin());
  entries = {};
  boot();
}

std::vector<std::uint8_t> make_app(std::string_view version, std::string_view project, std::uint32_t bytes,
                                   std::uint32_t secure_version) {
  std::vector<std::uint8_t> image(bytes);
  for (std::uint32_t i = 0; i < bytes; ++i) image[i] = static_cast<std::uint8_t>(i * 7 + version.back());
  image[0] = 0xE9;
  std::memcpy(&image[4], &bytes, 4);
  esp_app_desc_t description{ESP_APP_DESC_MAGIC_WORD, secure_version, {}, {}};
  std::copy(version.begin(), version.end(), description.version);
  std::copy(project.begin(), project.end(), description.project_name);
  std::memcpy(&image[kDescriptionAt], &description, sizeof description);
  const std::uint32_t sum = sum_of(image.data(), bytes - 4);
  std::memcpy(&image[bytes - 4], &sum, 4);
  return image;
}

}  // namespace tercet::idf

using tercet::idf::bytes_of;
using tercet::idf::Chip;
using tercet::idf::partition;

const esp_partition_t* esp_partition_find_first(esp_partition_type_t type, esp_partition_subtype_t subtype,
                                                const char*) {
  const Chip& chip = Chip::instance();
  if (type == ESP_PARTITION_TYPE_DATA) return chip.has_notes ? partition(2) : nullptr;
  if (subtype == ESP_PARTITION_SUBTYPE_APP_OTA_0) return partition(0);
  return subtype == ESP_PARTITION_SUBTYPE_APP_OTA_1 && chip.has_second_slot ? partition(1) : nullptr;
}

esp_err_t esp_partition_read(const esp_partition_t* of, std::size_t at, void* into, std::size_t size) {
  if (at > of->size) return ESP_ERR_INVALID_ARG;
  if (size > of->size - at) return ESP_ERR_INVALID_SIZE;
  if (Chip::instance().flash_fails != ESP_OK) return Chip::instance().flash_fails;
  std::memcpy(into, bytes_of(of).data() + at, size);
  return ESP_OK;
}

/// What is not erased stays: NOR flash only takes bits away.
esp_err_t esp_partition_write(const esp_partition_t* of, std::size_t at, const void* from, std::size_t size) {
  if (at > of->size) return ESP_ERR_INVALID_ARG;
  if (size > of->size - at) return ESP_ERR_INVALID_SIZE;
  if (of->encrypted && (at % 16 != 0 || size % 16 != 0)) return ESP_ERR_INVALID_SIZE;
  if (Chip::instance().flash_fails != ESP_OK) return Chip::instance().flash_fails;
  for (std::size_t i = 0; i < size; ++i) bytes_of(of)[at + i] &= static_cast<const std::uint8_t*>(from)[i];
  return ESP_OK;
}

esp_err_t esp_partition_erase_range(const esp_partition_t* of, std::size_t at, std::size_t size) {
  if (at > of->size) return ESP_ERR_INVALID_ARG;
  if (size > of->size - at || at % Chip::kSectorBytes != 0 || size % Chip::kSectorBytes != 0)
    return ESP_ERR_INVALID_SIZE;
  if (Chip::instance().flash_fails != ESP_OK) return Chip::instance().flash_fails;
  std::fill_n(bytes_of(of).begin() + static_cast<std::ptrdiff_t>(at), size, std::uint8_t{0xFF});
  return ESP_OK;
}

const esp_app_desc_t* esp_app_get_description() {
  static esp_app_desc_t description;
  std::memcpy(&description, &Chip::instance().slots[static_cast<std::size_t>(Chip::instance().running)][32],
              sizeof description);
  return &description;
}

const esp_partition_t* esp_ota_get_running_partition() {
  return partition(static_cast<std::size_t>(Chip::instance().running));
}

const esp_partition_t* esp_ota_get_next_update_partition(const esp_partition_t*) {
  const Chip& chip = Chip::instance();
  return partition(chip.has_second_slot ? static_cast<std::size_t>(1 - chip.running) : 0);
}

esp_err_t esp_ota_get_partition_description(const esp_partition_t* of, esp_app_desc_t* description) {
  if (const esp_err_t got = esp_partition_read(of, tercet::idf::kDescriptionAt, description, sizeof *description);
      got != ESP_OK)
    return got;
  return description->magic_word == ESP_APP_DESC_MAGIC_WORD ? ESP_OK : ESP_ERR_NOT_FOUND;
}

esp_err_t esp_ota_get_state_partition(const esp_partition_t* of, esp_ota_img_states_t* state) {
  for (const Chip::Entry& entry : Chip::instance().entries) {
    if (entry.seq == ~0u || tercet::idf::slot_of(entry.seq) != of->subtype - ESP_PARTITION_SUBTYPE_APP_OTA_0) continue;
    *state = entry.state;
    return ESP_OK;
  }
  return ESP_ERR_NOT_FOUND;
}

esp_err_t esp_ota_set_boot_partition(const esp_partition_t* to) {
  Chip& chip = Chip::instance();
  esp_app_desc_t description{};
  if (!tercet::idf::is_whole(bytes_of(to))) return ESP_ERR_OTA_VALIDATE_FAILED;
  esp_ota_get_partition_description(to, &description);
  if (description.secure_version < chip.least_secure_version) return ESP_ERR_OTA_SMALL_SEC_VER;
  if (chip.notes_fail != ESP_OK) return chip.notes_fail;
  const int active = chip.active();
  std::uint32_t seq = active < 0 ? 1 : chip.entries[static_cast<std::size_t>(active)].seq;
  while (tercet::idf::slot_of(seq) != to->subtype - ESP_PARTITION_SUBTYPE_APP_OTA_0) ++seq;
  chip.entries[active == 0 ? 1 : 0] = {seq, ESP_OTA_IMG_NEW};
  return ESP_OK;
}

esp_err_t esp_ota_mark_app_valid_cancel_rollback() {
  Chip& chip = Chip::instance();
  if (chip.notes_fail != ESP_OK) return chip.notes_fail;
  if (chip.active() < 0) return ESP_FAIL;
  chip.entries[static_cast<std::size_t>(chip.active())].state = ESP_OTA_IMG_VALID;
  return ESP_OK;
}

/// It does not return on a board; here the test boots next.
esp_err_t esp_ota_mark_app_invalid_rollback_and_reboot() {
  Chip& chip = Chip::instance();
  const int active = chip.active();
  if (active < 0) return ESP_FAIL;
  const Chip::Entry& other = chip.entries[static_cast<std::size_t>(1 - active)];
  if (!tercet::idf::is_good(other)) return ESP_ERR_OTA_ROLLBACK_FAILED;
  if (chip.notes_fail != ESP_OK) return chip.notes_fail;
  chip.entries[static_cast<std::size_t>(active)].state = ESP_OTA_IMG_INVALID;
  ++chip.reboots;
  return ESP_OK;
}
