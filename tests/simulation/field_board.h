#pragma once
#include <memory>
#include <string>
#include <vector>

#include "ports/fake/board.h"
#include "ports/fake/flash.h"
#include "tests/simulation/field_transport.h"

namespace tercet::simulation {

/// How a board is made and what it is told.
struct BoardPlan {
  std::string product, name, secret;
  std::uint64_t number = 0;
  bool tls = false;          ///< connects with TLS, and so needs the time; else plain
  bool has_battery = false;  ///< its clock survives a loss of supply
  Millis report_every{60'000};
  Seconds keep_alive{60};
};

/// One reading's way.
struct Reading {
  std::int64_t time = 0;
  bool is_acknowledged = false, is_stored = false;
  bool was_in_ram = false;  ///< when the supply failed, and nowhere else
};

/// A board in the field: the real SDK with flash, on a simulated host. Its supply can fail at any moment, also within
/// an operation of its flash; what is in flash survives, RAM does not. It keeps the books of every reading.
class FieldBoard {
 public:
  FieldBoard(runtime::SimWorld& world, runtime::SimHost& host, const runtime::Address& server, const Portal& portal,
             BoardPlan plan);
  ~FieldBoard();

  void boot();
  /// The supply fails; between two events of the world.
  void power_off();
  bool is_on() const { return life_ != nullptr; }
  /// The supply fails within the `operation`-th programming or erasure from now; then has_browned_out() holds, and
  /// power_off() is to be called.
  void power_off_in_flash(std::uint32_t operation, std::uint32_t byte, fake::Flash::Tear tear);
  bool has_browned_out() const { return flash_.is_off(); }

  void take_readings(bool on) { taking_ = on; }
  bool is_online() const;
  bool is_drained() const;  ///< nothing waits or is on the wire
  const BoardPlan& plan() const { return plan_; }
  runtime::SimHost& host() { return host_; }
  Surroundings surroundings;

  /// The platform's history has a reading of this time.
  void found_in_history(std::int64_t time);
  const std::vector<Reading>& readings() const { return readings_; }
  /// Readings given up, as the board has counted them over all its lives.
  std::size_t dropped() const { return dropped_before_ + dropped_now_; }

  struct Counts {
    std::size_t boots = 0, sessions = 0, runs = 0, unfed = 0, refusals = 0, spilled = 0;
  };
  const Counts& counts() const { return counts_; }
  std::size_t wear() const;  ///< erasures of its flash

 private:
  class Life;
  void take_reading();
  void acknowledge(const std::vector<std::int64_t>& times);
  void keep_books();
  void lose_ram();
  Reading* find(std::int64_t time);

  runtime::SimWorld& world_;
  runtime::SimHost& host_;
  runtime::SimLoop& loop_;
  runtime::Address server_;
  const Portal& portal_;
  BoardPlan plan_;
  fake::Flash flash_{4};
  fake::Store store_;
  std::int64_t wall_offset_ = 0;
  bool taking_ = true;
  std::vector<Reading> readings_;
  std::size_t dropped_before_ = 0, dropped_now_ = 0;
  std::size_t in_ram_ = 0;  ///< at most so many readings are in RAM only
  Counts counts_;
  std::unique_ptr<Life> life_;
};

}  // namespace tercet::simulation
