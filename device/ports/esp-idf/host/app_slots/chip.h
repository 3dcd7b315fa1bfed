#pragma once
#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "esp_ota_ops.h"
#include "tercet/base/bytes.h"

namespace tercet::idf {

/// A stand-in for ESP-IDF's partitions, its app_update component and its boot loader with rollback: two slots of 64 KB,
/// and `otadata` as the boot loader keeps it, two entries with a number that counts and a state. What esp_ota_ops.h
/// promises is as 5.3 does it, also where that surprises. There is one, as on a board.
struct Chip {
  struct Entry {
    std::uint32_t seq = ~0u;  ///< all ones: nothing was ever written here
    esp_ota_img_states_t state = ESP_OTA_IMG_UNDEFINED;
  };
  static constexpr std::uint32_t kSlotBytes = 64 * 1024, kSectorBytes = 4096;

  Chip();
  /// Chooses what runs, as at each reset.
  void boot();
  int active() const;  ///< entry that counts; -1: none
  std::string_view running_version();
  void flash_by_cable(Bytes image);

  std::array<std::vector<std::uint8_t>, 2> slots;
  std::array<Entry, 2> entries;
  int running = 0;
  std::uint32_t least_secure_version = 0;
  bool has_notes = true, has_second_slot = true, is_encrypted = false;
  esp_err_t flash_fails = ESP_OK, notes_fail = ESP_OK;
  int reboots = 0;  ///< asked for by the SDK

  static Chip& instance();
};

/// An image that the stand-in takes for whole: a description, and a checksum of everything at its end.
std::vector<std::uint8_t> make_app(std::string_view version, std::string_view project, std::uint32_t bytes,
                                   std::uint32_t secure_version = 0);

}  // namespace tercet::idf
