#pragma once
#include <array>
#include <cstdint>
#include <string_view>

#include "tercet/base/time.h"
#include "tercet/device/port.h"
#include "tercet/edge/engine.h"

namespace tercet::edge {

/// How the board came up.
enum class Boot : std::uint8_t {
  ordinary,     ///< power on, an update, a wanted restart, or not known
  after_fault,  ///< watchdog, panic, brown-out
};

enum class RollbackCause : std::uint8_t {
  none,
  budget,      ///< its actions' budget was used up
  failures,    ///< its sets or calls failed
  reset,       ///< the board was reset by a fault while the set was on trial
  unreadable,  ///< what was kept is damaged, or does not suit this firmware's model any more
};
std::string_view name(RollbackCause cause);

/// What became of a set, for the platform.
struct Report {
  enum class Outcome : std::uint8_t { accepted, refused, rolled_back };
  Outcome outcome = Outcome::accepted;
  std::uint32_t version = 0;  ///< of the set that was accepted, refused (0: not readable), or rolled back
  std::uint32_t running = 0;  ///< of the set that runs now; 0: none
  RollbackCause cause = RollbackCause::none;
  Problem problem = {};  ///< of refused
};
std::string_view name(Report::Outcome outcome);

class KeeperEvents {
 public:
  /// false: it could not be told now. What was rolled back is then told again at each run(), and after a restart.
  virtual bool on_report(const Report& report) = 0;

 protected:
  ~KeeperEvents() = default;
};

struct KeeperOptions {
  std::string_view own = {};        ///< the firmware's own set, for when there is no other; outlives the keeper
  Seconds trial{600};               ///< of running, after which a reset is not the set's fault
  std::uint32_t most_failures = 5;  ///< failed sets and calls within an hour
};

/// Keeps the accepted rule set over restarts and the proven one before it, takes a new one on trial, and goes back when
/// it misbehaves (docs/edge-rules.md). One task: the engine's.
///
///   none --offer--> trial --10 minutes--> proven --offer--> trial
///                   |  ^'--offer'
///                   '--reset by a fault, budget, failures--> the proven one, the firmware's own, or none
class Keeper {
 public:
  /// All outlive the keeper. store may be null: an accepted set is then lost at a restart, and rolled back to the
  /// firmware's own. text: where a set is read to from the store; the longest set that is taken has its size. It may be
  /// used for other things between calls of start(), offer() and run().
  Keeper(Engine& engine, device::KeyValueStore* store, MutableBytes text, KeeperEvents& events,
         const KeeperOptions& options = {})
      : engine_(engine), store_(store), text_(text), events_(events), options_(options) {}
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;

  /// Loads what was kept, once, before the first run().
  void start(Boot boot, Instant now);

  /// The one way in for a new set. version: what its carrier says it is; 0: nothing. Nothing changes unless it is
  /// taken; `problem` then says why. A set that runs already is fine and changes nothing. Errors: malformed (the text);
  /// version_conflict; bad_state, called from an action; io_failed and no_space, the store.
  Result<void> offer(std::string_view text, std::uint32_t version, Instant now, Problem& problem);

  /// Runs the engine, and judges.
  void run(Instant now);
  Instant next_deadline() const;

  std::uint32_t running() const { return engine_.set().version; }
  bool is_on_trial() const { return trial_; }
  /// The version that was rolled back last; 0: none.
  std::uint32_t condemned() const { return condemned_; }

 private:
  struct Slot {
    std::uint32_t version = 0, checksum = 0, size = 0;  ///< version 0: nothing of worth
    friend bool operator==(const Slot&, const Slot&) = default;
  };
  static constexpr std::uint8_t kNoSlot = 0xFF;

  Fault judge(const RuleSet& set, const Slot& slot, std::uint32_t announced) const;
  Result<void> keep(std::string_view text, const Slot& slot, Instant now);
  void load_active(Instant now);
  bool load_slot(std::uint8_t slot, Instant now);
  void load_own(Instant now);
  void roll_back(RollbackCause cause, Instant now);
  void begin_trial(Instant now);
  void watch_from(Instant now);
  void report_rollback(Instant now);
  bool read_state();
  Result<void> write_state();
  /// Writes the state, and again a minute later when the store has no room now.
  void save(Instant now);

  Engine& engine_;
  device::KeyValueStore* store_;
  MutableBytes text_;
  KeeperEvents& events_;
  KeeperOptions options_;
  std::array<Slot, 2> slots_{};
  Slot running_{};  ///< without a store too
  std::uint8_t active_ = kNoSlot;
  bool trial_ = false, report_due_ = false;
  RollbackCause cause_ = RollbackCause::none;
  std::uint32_t condemned_ = 0;
  Instant trial_until_ = Instant::never();
  Instant save_at_ = Instant::never();
  Instant hour_{};  ///< failures are counted from then
  std::uint32_t failures_before_ = 0;
};

}  // namespace tercet::edge
