#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "tercet/device/port.h"

namespace tercet::fake {

/// NOR flash in memory. What real flash would not forgive (turning a zero back into a one, programming a unit twice
/// between erasures, a place that is not aligned) is a violation: counted, and the end of the program unless
/// `forgives`. The supply can be cut within any operation, at any byte.
class Flash final : public device::Flash {
 public:
  /// What an operation that was cut off leaves behind: of programming, of erasing.
  enum class Tear : std::uint8_t {
    from_front,  ///< done up to a byte; of that byte some bits
    from_back,   ///< done from the end down to a byte
    scattered,   ///< any bits
  };
  explicit Flash(std::uint32_t sectors = 4, std::uint32_t sector_bytes = 4096, std::uint32_t program_bytes = 4);

  // Knobs; change them at any time.
  bool forgives = false;
  Tear tear = Tear::from_front;
  std::vector<bool> bad_to_program, bad_to_erase;  ///< sectors that answer io_failed and change nothing
  bool lies = false;                               ///< bad sectors answer success all the same
  bool unreadable = false;
  std::uint32_t failing_reads = 0;                       ///< so many reads from now answer io_failed
  std::uint32_t unreadable_from = 0, unreadable_to = 0;  ///< reads that touch [from, to) answer io_failed

  /// The supply fails in the `operation`-th programming or erasing from now (0 = the next), at its byte `byte`
  /// (counted round its size). Afterwards everything is io_failed until power_on().
  void cut_at(std::uint32_t operation, std::uint32_t byte);
  void power_on() { is_off_ = false, cut_.reset(); }
  bool is_off() const { return is_off_; }

  // What it has seen.
  std::uint32_t operations = 0, violations = 0;
  std::uint32_t last_bytes = 0;  ///< size of the last operation
  std::vector<std::uint32_t> erasures;
  std::uint32_t wear_spread() const;  ///< most erasures of a sector less the fewest

  /// The cells, for tests that damage them.
  std::vector<std::uint8_t> cells;
  /// Forgets which units were programmed: what is in the cells now was always there.
  void settle();

  Geometry geometry() const override { return geometry_; }
  Result<void> read(std::uint32_t at, MutableBytes into) override;
  Result<void> program(std::uint32_t at, Bytes bytes) override;
  Result<void> erase(std::uint32_t sector) override;

 private:
  struct Cut {
    std::uint32_t operation, byte;
  };
  std::uint8_t noise();
  bool is_cut_now();
  void violate();
  void program_byte(std::uint32_t at, std::uint8_t value);

  Geometry geometry_;
  std::vector<std::uint8_t> programmed_;  ///< by unit
  std::optional<Cut> cut_;
  bool is_off_ = false;
  std::uint32_t noise_ = 1;
};

}  // namespace tercet::fake
