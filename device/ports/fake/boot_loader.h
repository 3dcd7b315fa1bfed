#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "ports/fake/flash.h"
#include "tercet/device/port.h"
#include "tercet/ota/slot.h"

namespace tercet::fake {

/// An image as BootLoader believes it: says its length and version, and ends with a SHA-256 of all before.
std::vector<std::uint8_t> make_image(std::string_view version, std::uint32_t bytes, std::uint32_t seed);

/// A board's flash with two slots, a boot loader that tries a new image once, and a store; all of it in one Flash, so
/// that the supply can be cut within anything. The loader's notes are as ESP-IDF keeps them: two sectors, each with a
/// number that counts and a state, of which one at a time is erased and written.
class BootLoader final : public ota::ImageSlot, public ota::BootControl, public device::KeyValueStore {
 public:
  static constexpr std::uint32_t kSectorBytes = 1024, kSlotSectors = 16, kSlotBytes = kSectorBytes * kSlotSectors;
  static constexpr std::uint32_t kSectors = 4 + 2 * kSlotSectors;

  /// unit: of writing, 4 to 16.
  explicit BootLoader(std::uint32_t unit = 4) : flash(kSectors, kSectorBytes, unit) {}
  Flash flash;

  /// Puts an image into the first slot, as the factory does.
  void flash_factory(Bytes image);
  /// Chooses what runs, and notes it. false: the supply was cut meanwhile; or there is nothing to boot, see
  /// is_bricked().
  bool boot();
  bool is_bricked() const { return is_bricked_; }
  /// What runs: the bytes in its slot.
  std::vector<std::uint8_t> running_image();
  std::string_view running_version() const { return version_.str(); }

  // ImageSlot
  Geometry geometry() const override { return {kSlotBytes, kSectorBytes, flash.geometry().program_bytes}; }
  Result<void> erase(std::uint32_t at) override;
  Result<void> write(std::uint32_t at, Bytes bytes) override;
  Result<void> read(std::uint32_t at, MutableBytes into) override;

  // BootControl
  bool is_on_trial() const override { return state_ == State::pending; }
  bool was_spare_rejected() const override { return is_spare_rejected_; }
  Result<ota::ImageIdentity> spare_identity() override;
  Result<void> activate() override;
  Result<void> confirm() override;
  Result<void> roll_back() override;

  // KeyValueStore, of one value: two sectors in turn.
  Result<std::size_t> get(std::string_view key, MutableBytes into) override;
  Result<void> set(std::string_view key, Bytes value) override;
  Result<void> remove(std::string_view key) override { return set(key, {}); }

 private:
  enum class State : std::uint8_t { fresh, pending, valid, aborted };
  struct Note {
    std::uint32_t count;
    State state;
  };
  struct Value {
    std::uint32_t count = 0, sector = 0;
    std::vector<std::uint8_t> bytes;
  };
  static std::uint32_t begin_of(std::uint32_t slot) { return (4 + slot * kSlotSectors) * kSectorBytes; }
  std::optional<Note> note(std::uint32_t sector);
  Result<void> write_note(Note note);
  Result<void> write_framed(std::uint32_t sector, Bytes bytes);
  std::optional<std::vector<std::uint8_t>> read_framed(std::uint32_t sector);
  Value newest_value();
  /// The whole image in a slot, when it is one.
  std::optional<std::vector<std::uint8_t>> image_in(std::uint32_t slot);
  bool run(Note note);

  std::uint32_t running_ = 0, count_ = 1;
  State state_ = State::valid;
  bool is_spare_rejected_ = false, is_bricked_ = false;
  FixedString<ota::kMaxVersionBytes> version_;
};

}  // namespace tercet::fake
