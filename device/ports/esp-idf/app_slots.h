#pragma once
#include <esp_partition.h>

#include <optional>

#include "tercet/ota/slot.h"

namespace tercet::idf {

/// The two slots for programs of the partition table (`ota_0`, `ota_1`) and ESP-IDF's boot loader, for an ota::Updater.
/// It writes the slot by itself rather than by esp_ota_begin(), which would begin anew after each restart. Wants
/// CONFIG_BOOTLOADER_APP_ROLLBACK_ENABLE: without it a new image is never on trial. The updater's task only.
///
/// What may boot is the boot loader's affair: activate() has the whole image verified (and its signature, with secure
/// boot; and its secure version, with CONFIG_BOOTLOADER_APP_ANTI_ROLLBACK).
class AppSlots final : public ota::ImageSlot, public ota::BootControl {
 public:
  /// Nothing: the partition table has no second slot for a program, or no `otadata`.
  static std::optional<AppSlots> find();
  /// What the running program says it is: PROJECT_VER (31 characters at most) and the name of the project.
  static ota::ImageIdentity running_identity();

  Geometry geometry() const override;
  Result<void> erase(std::uint32_t at) override;
  Result<void> write(std::uint32_t at, Bytes bytes) override;
  Result<void> read(std::uint32_t at, MutableBytes into) override;

  bool is_on_trial() const override;
  bool was_spare_rejected() const override;
  Result<ota::ImageIdentity> spare_identity() override;
  /// Reads the whole image: a second for a megabyte.
  Result<void> activate() override;
  Result<void> confirm() override;
  /// Restarts at once, but after the first update of a board whose `otadata` was empty: then restart it.
  Result<void> roll_back() override;

 private:
  AppSlots(const esp_partition_t* running, const esp_partition_t* spare) : running_(running), spare_(spare) {}
  const esp_partition_t* running_;
  const esp_partition_t* spare_;
};

}  // namespace tercet::idf
