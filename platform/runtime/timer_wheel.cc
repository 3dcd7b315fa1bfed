#include "platform/runtime/timer_wheel.h"

#include <algorithm>
#include <bit>

namespace tercet::runtime {

void Timer::set(Loop& loop, Instant at) {
  if (at == Instant::never()) return cancel();
  if (loop_ != nullptr && loop_ != &loop) cancel();
  loop.timers().set(*this, loop, at);
}

void Timer::cancel() {
  if (loop_ != nullptr) loop_->timers().cancel(*this);
}

TimerWheel::~TimerWheel() {
  unset_all(overdue_);
  unset_all(due_);
  for (Level& level : levels_)
    for (Timer*& slot : level.slots) unset_all(slot);
}

void TimerWheel::unset_all(Timer*& head) {
  while (head != nullptr) {
    Timer& timer = *head;
    unlink(timer);
    timer.loop_ = nullptr;
  }
}

void TimerWheel::link(Timer*& head, Timer& timer) {
  timer.next_ = head;
  timer.link_ = &head;
  if (head != nullptr) head->link_ = &timer.next_;
  head = &timer;
}

void TimerWheel::unlink(Timer& timer) {
  *timer.link_ = timer.next_;
  if (timer.next_ != nullptr) timer.next_->link_ = timer.link_;
  timer.next_ = nullptr;
  timer.link_ = nullptr;
}

void TimerWheel::set(Timer& timer, Loop& loop, Instant at) {
  if (timer.loop_ != nullptr) {
    // Filed at or before at_, always: a later deadline needs no move now.
    const bool later = at >= timer.at_;
    timer.at_ = at;
    if (later) return;
    unlink(timer);
  } else {
    timer.loop_ = &loop;
    timer.at_ = at;
    ++size_;
  }
  file(timer);
}

void TimerWheel::cancel(Timer& timer) {
  unlink(timer);
  timer.loop_ = nullptr;
  --size_;
}

/// The level is that of the highest base-64 digit in which the deadline differs from now; so all slots in use at a
/// level lie after the current one, and those of a lower level come before those of a higher.
void TimerWheel::file(Timer& timer) {
  const std::int64_t at = timer.at_.since_start.count();
  if (at <= tick_) return link(overdue_, timer);
  constexpr std::int64_t kFarthest = (std::int64_t{1} << (kBits * kLevels)) - 1;  // some 8,900 years of uptime
  const std::int64_t tick = std::min(at, kFarthest);
  const auto differ = static_cast<std::uint64_t>(tick ^ tick_);
  const unsigned level = (63U - static_cast<unsigned>(std::countl_zero(differ))) / kBits;
  const auto slot = static_cast<unsigned>(tick >> (kBits * level)) & (kSlots - 1);
  levels_[level].occupied |= std::uint64_t{1} << slot;
  link(levels_[level].slots[slot], timer);
}

bool TimerWheel::first_place(Place& place) const {
  for (unsigned level = 0; level < kLevels; ++level) {
    const std::uint64_t occupied = levels_[level].occupied;
    if (occupied == 0) continue;
    const auto slot = static_cast<unsigned>(std::countr_zero(occupied));
    const std::int64_t block = tick_ & ~((std::int64_t{1} << (kBits * (level + 1))) - 1);
    place = {level, slot, block | (static_cast<std::int64_t>(slot) << (kBits * level))};
    return true;
  }
  return false;
}

Instant TimerWheel::next_wake() const {
  if (overdue_ != nullptr) return Instant{Millis{tick_}};
  Place place{};
  if (size_ == 0 || !first_place(place)) return Instant::never();
  return Instant{Millis{place.tick}};
}

std::size_t TimerWheel::advance(Instant now) {
  const std::int64_t until = now.since_start.count();
  std::size_t fired = 0;
  if (overdue_ != nullptr) {
    due_ = overdue_;
    due_->link_ = &due_;
    overdue_ = nullptr;
    fired += fire_due();
  }
  Place place{};
  while (first_place(place) && place.tick <= until) {
    tick_ = place.tick;
    open(place);
    fired += fire_due();
  }
  tick_ = std::max(tick_, until);
  return fired;
}

/// Moves what the slot holds to due_ or, when its deadline has not come, to where it belongs now.
void TimerWheel::open(const Place& place) {
  Level& level = levels_[place.level];
  level.occupied &= ~(std::uint64_t{1} << place.slot);
  Timer*& head = level.slots[place.slot];
  while (head != nullptr) {
    Timer& timer = *head;
    unlink(timer);
    if (timer.at_.since_start.count() <= tick_)
      link(due_, timer);
    else
      file(timer);
  }
}

std::size_t TimerWheel::fire_due() {
  std::size_t fired = 0;
  while (due_ != nullptr) {
    Timer& timer = *due_;
    unlink(timer);
    if (timer.at_.since_start.count() > tick_) {  // postponed since it was filed
      file(timer);
      continue;
    }
    timer.loop_ = nullptr;
    --size_;
    ++fired;
    timer.fire_(timer.owner_);
  }
  return fired;
}

}  // namespace tercet::runtime
