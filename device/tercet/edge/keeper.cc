#include "tercet/edge/keeper.h"

#include <algorithm>

#include "tercet/base/reader.h"
#include "tercet/base/writer.h"
#include "tercet/device/crc32.h"

namespace tercet::edge {
namespace {

constexpr std::string_view kStateKey = "edge_state";
constexpr std::string_view kSlotKeys[] = {"edge_a", "edge_b"};
constexpr std::uint8_t kFormat = 1;
constexpr std::size_t kStateBytes = 1 + 1 + 1 + 1 + 1 + 2 * 12 + 4 + 4;
constexpr Millis kHour{3'600'000}, kSaveAgain{60'000};

std::uint32_t checksum_of(Bytes bytes) { return device::Crc32{}.add(bytes).value(); }

}  // namespace

std::string_view name(RollbackCause cause) {
  constexpr std::string_view kNames[] = {"none", "budget", "failures", "reset", "unreadable"};
  return kNames[static_cast<std::size_t>(cause)];
}

std::string_view name(Report::Outcome outcome) {
  constexpr std::string_view kNames[] = {"accepted", "refused", "rolled_back"};
  return kNames[static_cast<std::size_t>(outcome)];
}

void Keeper::start(Boot boot, Instant now) {
  if (!read_state()) slots_ = {}, active_ = kNoSlot, trial_ = false, condemned_ = 0, report_due_ = false;
  watch_from(now);
  if (active_ == kNoSlot) return load_own(now);
  if (trial_ && boot == Boot::after_fault) return roll_back(RollbackCause::reset, now);
  if (!load_slot(active_, now)) return roll_back(RollbackCause::unreadable, now);
  if (trial_) begin_trial(now);
}

Result<void> Keeper::offer(std::string_view text, std::uint32_t version, Instant now, Problem& problem) {
  problem = {};
  const auto refuse = [&](Fault fault, Error error, std::uint32_t refused) {
    if (fault != Fault::none) problem = {fault, 0, 0, {}};
    static_cast<void>(events_.on_report({Report::Outcome::refused, refused, running(), RollbackCause::none, problem}));
    return fail(error);
  };
  if (engine_.is_acting()) return refuse(Fault::busy, Error::bad_state, version);
  const auto set = engine_.check(text, problem);
  if (!set) return refuse(Fault::none, Error::malformed, version);
  if (text.size() > text_.size()) return refuse(Fault::too_large, Error::malformed, set->version);
  const Slot slot{set->version, checksum_of(as_bytes(text)), static_cast<std::uint32_t>(text.size())};
  if (slot == running_) return {};
  if (const Fault fault = judge(*set, slot, version); fault != Fault::none)
    return refuse(fault, Error::version_conflict, set->version);
  if (const auto kept = keep(text, slot, now); !kept) return refuse(Fault::store_failed, kept.error(), set->version);
  const auto loaded = engine_.load(text, now, problem);
  TERCET_CHECK(loaded);  // it was checked above
  running_ = slot;
  watch_from(now);
  begin_trial(now);
  static_cast<void>(
      events_.on_report({Report::Outcome::accepted, slot.version, slot.version, RollbackCause::none, problem}));
  return {};
}

Fault Keeper::judge(const RuleSet& set, const Slot& slot, std::uint32_t announced) const {
  if (announced != 0 && announced != set.version) return Fault::version_differs;
  if (condemned_ != 0 && set.version == condemned_) return Fault::version_failed;
  if (slot.version == running()) return Fault::version_in_use;
  return set.version < running() ? Fault::older_version : Fault::none;
}

/// First the text into the slot that is not needed, then the state that names it: a power cut leaves the old set or the
/// new one. On trial the proven set is what is needed: the state names that one while the slot on trial is overwritten,
/// and a power cut then leaves the proven one or the new one.
Result<void> Keeper::keep(std::string_view text, const Slot& slot, Instant now) {
  if (store_ == nullptr) return {};
  const auto slots = slots_;
  const std::uint8_t was_active = active_;
  const bool replaces_trial = trial_ && active_ != kNoSlot;
  const std::uint8_t target = replaces_trial ? active_ : active_ == 0 ? 1 : 0;
  const std::uint8_t other = target == 0 ? 1 : 0;
  if (replaces_trial) {
    active_ = slots_[other].version != 0 ? other : kNoSlot;
    slots_[target] = {}, trial_ = false;
    if (const auto freed = write_state(); !freed) {
      slots_ = slots, active_ = was_active, trial_ = true;
      return freed;
    }
  }
  auto kept = store_->set(kSlotKeys[target], as_bytes(text));
  if (kept) {
    const std::uint8_t proven = active_;
    slots_[target] = slot, active_ = target, trial_ = true;
    kept = write_state();
    if (kept) return {};
    active_ = proven, trial_ = false;
  }
  slots_[target] = {};  // whatever is in there now
  if (replaces_trial) {
    // What was on trial is not in the store any more.
    trial_until_ = Instant::never();
    load_active(now);
    watch_from(now);
  }
  save(now);
  return kept;
}

void Keeper::load_active(Instant now) {
  if (active_ != kNoSlot && load_slot(active_, now)) return;
  active_ = kNoSlot;
  load_own(now);
}

bool Keeper::load_slot(std::uint8_t slot, Instant now) {
  const Slot& wanted = slots_[slot];
  if (store_ == nullptr || wanted.version == 0) return false;
  const auto got = store_->get(kSlotKeys[slot], text_);
  if (!got || *got != wanted.size || checksum_of(text_.first(*got)) != wanted.checksum) return false;
  Problem problem;
  if (!engine_.load(as_text(text_.first(*got)), now, problem)) return false;
  running_ = wanted;
  return true;
}

void Keeper::load_own(Instant now) {
  Problem problem;
  running_ = {};
  if (options_.own.empty() || !engine_.load(options_.own, now, problem)) return engine_.clear(now);
  running_ = {running(), checksum_of(as_bytes(options_.own)), static_cast<std::uint32_t>(options_.own.size())};
}

/// The bad set's slot is given up; the other one is loaded, or the firmware's own, or none when that was the bad one.
void Keeper::roll_back(RollbackCause cause, Instant now) {
  const std::uint8_t bad = active_;
  const bool was_own = bad == kNoSlot && running_.version != 0 && running_.size == options_.own.size() &&
                       running_.checksum == checksum_of(as_bytes(options_.own));
  condemned_ = bad != kNoSlot ? slots_[bad].version : running_.version;
  cause_ = cause;
  report_due_ = true, trial_ = false;
  trial_until_ = Instant::never();
  active_ = kNoSlot;
  if (bad != kNoSlot) {
    slots_[bad] = {};
    const std::uint8_t other = bad == 0 ? 1 : 0;
    if (load_slot(other, now)) active_ = other;
  }
  if (active_ == kNoSlot) {
    running_ = {};
    if (was_own)
      engine_.clear(now);
    else
      load_own(now);
  }
  // If the power goes before there was room for the state, the set is tried and rolled back once more.
  save(now);
  watch_from(now);
  report_rollback(now);
}

void Keeper::begin_trial(Instant now) {
  trial_ = true;
  trial_until_ = now + options_.trial;
}

void Keeper::watch_from(Instant now) {
  hour_ = now;
  failures_before_ = engine_.health().failed_actions;
}

void Keeper::run(Instant now) {
  if (now - hour_ >= kHour) watch_from(now);
  engine_.run(now);
  const Health& health = engine_.health();
  if (health.deferrals != 0)
    roll_back(RollbackCause::budget, now);
  else if (health.failed_actions - failures_before_ >= options_.most_failures)
    roll_back(RollbackCause::failures, now);
  if (now >= trial_until_) {
    trial_ = false, trial_until_ = Instant::never();
    save(now);
  } else if (now >= save_at_) {
    save(now);
  }
  report_rollback(now);
}

Instant Keeper::next_deadline() const { return std::min({engine_.next_deadline(), trial_until_, save_at_}); }

void Keeper::save(Instant now) { save_at_ = write_state() ? Instant::never() : now + kSaveAgain; }

void Keeper::report_rollback(Instant now) {
  if (!report_due_) return;
  if (!events_.on_report({Report::Outcome::rolled_back, condemned_, running(), cause_, {}})) return;
  report_due_ = false;
  save(now);
}

bool Keeper::read_state() {
  std::array<std::uint8_t, kStateBytes> bytes{};
  if (store_ == nullptr) return false;
  const auto got = store_->get(kStateKey, bytes);
  if (!got || *got != bytes.size()) return false;
  Reader in{bytes};
  if (in.u8() != kFormat) return false;
  active_ = in.u8();
  trial_ = in.u8() != 0;
  report_due_ = in.u8() != 0;
  const std::uint8_t cause = in.u8();
  for (Slot& slot : slots_) slot.version = in.u32(), slot.checksum = in.u32(), slot.size = in.u32();
  condemned_ = in.u32();
  if (in.u32() != checksum_of(Bytes{bytes}.first(kStateBytes - 4))) return false;
  if (cause > static_cast<std::uint8_t>(RollbackCause::unreadable)) return false;
  cause_ = static_cast<RollbackCause>(cause);
  return active_ == kNoSlot || active_ < slots_.size();
}

Result<void> Keeper::write_state() {
  if (store_ == nullptr) return {};
  std::array<std::uint8_t, kStateBytes> bytes{};
  Writer out{bytes};
  out.u8(kFormat), out.u8(active_), out.u8(trial_), out.u8(report_due_), out.u8(static_cast<std::uint8_t>(cause_));
  for (const Slot& slot : slots_) out.u32(slot.version), out.u32(slot.checksum), out.u32(slot.size);
  out.u32(condemned_);
  out.u32(checksum_of(out.written()));
  return store_->set(kStateKey, out.written());
}

}  // namespace tercet::edge
