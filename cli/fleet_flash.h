#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tercet/device/port.h"
#include "tercet/ota/slot.h"

namespace tercet::cli {

/// The contents of flash sectors, each kept once however many boards hold it. So a fleet whose boards all have the same
/// image takes the memory of that image and four bytes for each sector of each board, and a board that was given wrong
/// bytes still has them. One thread.
class SectorPool {
 public:
  static constexpr std::uint32_t kSectorBytes = 4096;
  using Sector = std::array<std::uint8_t, kSectorBytes>;
  /// What has this content. place: of the sector in its slot, where the same content is looked for first.
  std::uint32_t keep(std::uint32_t place, const Sector& content);
  const Sector& content(std::uint32_t id) const { return *sectors_[id]; }
  std::size_t distinct() const { return sectors_.size(); }

 private:
  std::vector<std::unique_ptr<const Sector>> sectors_;
  std::unordered_map<std::uint32_t, std::vector<std::uint32_t>> at_;
};

/// Two slots, a boot loader that tries a new image once, and a store, of one simulated board. It behaves as slot.h asks
/// and does not forgive what flash would not: a write to bytes that are not erased is io_failed. Any file is an image;
/// it says nothing of itself, and runs as the version it was offered as.
class FleetFlash final : public ota::ImageSlot, public ota::BootControl, public device::KeyValueStore {
 public:
  static constexpr std::uint32_t kSlotBytes = 32u << 20, kUnit = 16;

  /// pool outlives it.
  explicit FleetFlash(SectorPool& pool) : pool_(pool) {}

  /// What a restart does: an image that was activated is tried, one that is on trial is left. true: another image runs
  /// now than before.
  bool boot();

  Geometry geometry() const override { return {kSlotBytes, SectorPool::kSectorBytes, kUnit}; }
  Result<void> erase(std::uint32_t at) override;
  Result<void> write(std::uint32_t at, Bytes bytes) override;
  Result<void> read(std::uint32_t at, MutableBytes into) override;

  bool is_on_trial() const override { return is_on_trial_; }
  bool was_spare_rejected() const override { return was_spare_rejected_; }
  Result<ota::ImageIdentity> spare_identity() override { return fail(Error::unsupported); }
  Result<void> activate() override;
  Result<void> confirm() override;
  Result<void> roll_back() override;

  Result<std::size_t> get(std::string_view key, MutableBytes into) override;
  Result<void> set(std::string_view key, Bytes value) override;
  Result<void> remove(std::string_view key) override;

 private:
  static constexpr std::uint32_t kErased = 0xFFFFFFFF, kOpen = 0xFFFFFFFE;
  using Slot = std::vector<std::uint32_t>;  ///< sector -> id in the pool
  void close_sector();
  bool open_sector(std::uint32_t sector);

  SectorPool& pool_;
  Slot running_, spare_;
  std::uint32_t open_ = kErased;  ///< sector of the spare slot whose content is in open_content_
  std::vector<std::uint8_t> open_content_;
  bool is_activated_ = false, is_on_trial_ = false, was_spare_rejected_ = false;
  std::unordered_map<std::string, std::vector<std::uint8_t>> values_;
};

}  // namespace tercet::cli
