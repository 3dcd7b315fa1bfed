#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "tercet/base/bytes.h"
#include "tercet/base/result.h"
#include "tercet/base/time.h"
#include "tercet/device/outbox.h"
#include "tercet/device/port.h"

namespace tercet::device {

/// What is kept in flash. The texts are views: into the caller's memory when appended, into its buffer when read.
struct FlashRecord {
  MessageId id = 0;
  UnixMillis at{};
  std::uint8_t kind = 0;  ///< the caller's
  std::string_view name;  ///< at most 255 bytes
  std::string_view body;
};

/// Where a record is. Later records have greater places. A place stays good until its record is acknowledged or given
/// up; what is done to it afterwards does nothing.
struct FlashPlace {
  std::uint32_t sequence = 0;  ///< of the sector; 0 = before everything
  std::uint16_t sector = 0, offset = 0;
  friend constexpr auto operator<=>(const FlashPlace&, const FlashPlace&) = default;
};

/// A record that waits.
struct FlashFound {
  FlashPlace place;
  FlashPlace after;            ///< where to look for the next one
  std::uint32_t sequence = 0;  ///< counts all records ever appended
  std::uint16_t text_bytes = 0;
};

struct FlashCounters {
  /// Records appended and neither acknowledged nor given up. A stretch that could not be read when it was counted is
  /// one record; it is counted again before it would matter.
  std::uint32_t waiting = 0;
  std::uint32_t waiting_bytes = 0;
  std::uint32_t appended = 0;      ///< since mount()
  std::uint32_t acknowledged = 0;  ///< since mount()
  /// Records given up: the oldest of a full flash, and those of give_up(). Survives restarts, for it is written with
  /// each new sector; what give_up() counted since the last one is forgotten.
  std::uint32_t dropped = 0;
  std::uint32_t torn = 0;      ///< records found broken: cut off by a power cut, or decayed
  std::uint32_t failures = 0;  ///< operations that the flash refused or did not do
  std::uint32_t erasures = 0;  ///< since mount()
  std::uint32_t foreign = 0;   ///< sectors of another version, found by mount(); they are given up
};

/// Records in a ring over the sectors of NOR flash, first in first out. Confirmed means: survives a power cut. Nothing
/// is allocated; about 110 bytes of RAM whatever the flash's size, and some 200 of stack. The format, and why it
/// survives a cut at any bit, is in docs/outbox.md.
///
/// A read that fails is repeated at once; what cannot be read then stays where it is. Only a checksum, or the caller
/// with give_up() and abandon(), takes a record out.
///
/// One task. Time: an append programs the record and a few words; where a sector begins it also erases (20 to 400 ms on
/// real chips), unless prepare_ahead() was called in time.
class FlashLog {
 public:
  /// `flash` outlives the log.
  FlashLog(Flash& flash, DropPolicy policy) : flash_(flash), policy_(policy) {}

  /// Finds what earlier runs left; reads every record that waits once. Call it first, once. Erases nothing: what is
  /// blank, broken, or of another version is prepared when it is needed. Errors: bad_argument, a geometry out of range;
  /// io_failed, the flash cannot be read. After an error the log must not be used.
  Result<void> mount();

  /// Puts a record behind the others; success is a promise. Errors: too_large, never fits; no_space, full and the
  /// policy is `newest`: retry when some are acknowledged; io_failed, several places did not take it.
  Result<FlashPlace> append(const FlashRecord& record);
  /// The first record at or after `from` that waits, FlashPlace{}: from the oldest. Nothing also where the flash cannot
  /// be read: see obstacle().
  std::optional<FlashFound> find(FlashPlace from) const { return seek(from).found; }
  /// The place that cannot be read and hides what find() looks for. It may become readable.
  std::optional<FlashPlace> obstacle(FlashPlace from) const { return seek(from).unreadable; }
  /// Gives up the obstacle before everything that waits, and with it what stands behind it in its sector, as dropped.
  /// Nothing happens where the oldest record can be read, perhaps again.
  void abandon();
  /// Reads it; the texts lie in `into`. Errors: no_space, `into` has fewer than text_bytes; io_failed, it
  /// stays, try again; malformed, it has decayed since it was found, and has been taken out and counted as torn.
  Result<FlashRecord> read(const FlashFound& found, MutableBytes into);
  /// It has been delivered and will not be found again, now or after a restart; after io_failed it may be.
  Result<void> acknowledge(FlashPlace place);
  /// It cannot be delivered: counted as dropped, and acknowledged.
  void give_up(FlashPlace place);

  /// Erases the next sector before it is needed, when that costs no record and half of the present one is used: for a
  /// quiet moment. At most one erasure. True if there was one.
  bool prepare_ahead();

  /// Behind the newest record.
  FlashPlace end() const { return {active_.sequence, active_.index, end_offset_}; }
  const FlashCounters& counters() const { return counters_; }
  /// The highest id of the records that mount() found; 0 if none.
  MessageId highest_id() const { return highest_id_; }
  /// The longest record (name and body together) that fits.
  std::size_t most_text() const;

 private:
  struct Sector {
    std::uint32_t sequence = 0;  ///< 0: not ours, or nothing of worth in it
    std::uint16_t index = 0;
  };
  struct Header {
    std::uint32_t sequence = 0, oldest = 0, dropped = 0;
  };
  /// Written into the newest sector before another one is erased.
  struct Announcement {
    bool is_blank = false;
    bool is_valid = false;
    std::uint16_t victim = 0;
    std::uint32_t dropped = 0;
  };
  enum class FrameState : std::uint8_t { blank, broken, waiting, done, unreadable };
  struct Frame {
    FrameState state = FrameState::blank;
    std::uint16_t size = 0;  ///< of what the checksum covers behind the head
    std::uint32_t sequence = 0, checksum = 0;
    std::uint32_t total = 0;  ///< bytes from mark to padding
  };
  struct Sought {
    std::optional<FlashFound> found;
    std::optional<FlashPlace> unreadable;
  };
  enum class Body : std::uint8_t { whole, torn, unreadable };
  /// What waits, counted in flash; what cannot be read counts as one.
  struct Tally {
    FlashPlace first{};
    std::uint32_t count = 0, bytes = 0;
    bool is_hidden = false;  ///< something could not be read
  };
  struct NextSector {
    FlashPlace begin{};
    bool is_sure = true;  ///< false: one that cannot be read lies between
  };
  class Programmer;

  // Layout, flash_log.cc.
  std::uint32_t round_up(std::uint32_t size) const;
  std::uint32_t first_offset() const;
  std::uint32_t mark_bytes() const { return round_up(4); }
  std::uint32_t total_of(std::size_t body_size) const;
  std::uint32_t address(std::uint16_t sector, std::uint32_t offset) const {
    return sector * geometry_.sector_bytes + offset;
  }
  Frame read_frame(FlashPlace at) const;
  bool fetch(std::uint32_t at, MutableBytes into) const;
  Body examine(FlashPlace at, const Frame& frame) const;
  Sought seek(FlashPlace from) const;
  bool program(std::uint32_t at, Bytes bytes);
  bool mark(FlashPlace place);
  Result<FlashPlace> write(const FlashRecord& record);
  /// `counter`, if any, counts what is removed.
  bool remove(FlashPlace place, std::uint32_t* counter);

  // Sectors, flash_sectors.cc.
  std::optional<Header> read_header(std::uint16_t sector) const;
  bool is_foreign(std::uint16_t sector) const;
  NextSector next_sector(FlashPlace from) const;
  FlashPlace scan(Sector sector);
  void settle_head();
  Tally tally(FlashPlace from, bool only_its_sector) const;
  void recount(FlashPlace from);
  Result<void> advance();
  Result<void> prepare(bool may_drop);
  std::uint32_t waiting_in(std::uint16_t sector) const;
  std::uint32_t slot_address(std::uint32_t slot) const;
  Announcement read_slot(std::uint32_t slot) const;
  bool is_announced(std::uint16_t sector) const;
  void announce(std::uint16_t victim);
  void drop(std::uint16_t victim);
  bool erase(std::uint16_t sector);
  bool is_blank(std::uint16_t sector) const;
  bool write_header(std::uint16_t sector, const Header& header);

  Flash& flash_;
  Flash::Geometry geometry_{};
  DropPolicy policy_;
  Sector newest_{};  ///< the last one prepared: `active_`, or the empty one behind it
  Sector active_{};  ///< where the next record goes
  std::uint16_t end_offset_ = 0;
  FlashPlace head_{};  ///< the oldest record that waits; meaningless when none does
  std::uint32_t next_sequence_ = 1;
  std::uint32_t gave_up_at_ = 0;  ///< the active sector for which prepare_ahead() has failed
  MessageId highest_id_ = 0;
  mutable FlashCounters counters_;  ///< reading counts its failures
};

}  // namespace tercet::device
