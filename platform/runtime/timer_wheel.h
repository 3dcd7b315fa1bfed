#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

#include "platform/runtime/loop.h"
#include "tercet/base/time.h"

namespace tercet::runtime {

/// The deadlines of one loop: eight levels of 64 slots, a millisecond wide at the bottom, each level 64 times coarser
/// than the one below. Setting and cancelling are O(1) and allocate nothing: a slot is a list through the timers
/// themselves. A deadline moved later stays where it is filed and is filed anew when that slot comes up, so that a
/// keep-alive which every packet postpones costs two stores per packet. 4.2 KB.
class TimerWheel {
 public:
  explicit TimerWheel(Instant start) : tick_(start.since_start.count()) {}
  ~TimerWheel();  ///< timers still set are unset
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  void set(Timer& timer, Loop& loop, Instant at);
  void cancel(Timer& timer);
  /// Fires what is due, in order of deadline to the millisecond. What a callback sets at or before the tick being fired
  /// waits for the next call. Gives the number fired.
  std::size_t advance(Instant now);
  /// No timer is due before this; never() when there is none. May be early: a coarse slot has to be filed anew.
  Instant next_wake() const;
  std::size_t size() const { return size_; }

 private:
  static constexpr unsigned kBits = 6;
  static constexpr unsigned kSlots = 1U << kBits;
  static constexpr unsigned kLevels = 8;
  struct Level {
    std::uint64_t occupied = 0;  ///< one bit per slot
    std::array<Timer*, kSlots> slots{};
  };
  struct Place {
    unsigned level;
    unsigned slot;
    std::int64_t tick;  ///< when the slot begins
  };

  void file(Timer& timer);
  bool first_place(Place& place) const;
  std::size_t fire_due();
  void open(const Place& place);
  static void link(Timer*& head, Timer& timer);
  static void unlink(Timer& timer);
  void unset_all(Timer*& head);

  std::int64_t tick_;         ///< everything up to here has been fired
  Timer* overdue_ = nullptr;  ///< set at or before tick_
  Timer* due_ = nullptr;      ///< being fired
  std::size_t size_ = 0;
  std::array<Level, kLevels> levels_{};
};

}  // namespace tercet::runtime
