#pragma once
#include <cstdint>
#include <functional>

#include "platform/runtime/loop.h"
#include "platform/store/stream_store.h"
#include "tercet/base/time.h"

namespace tercet::thing {

/// Keeps history bounded: erases what is older than so many days, and all but the newest so many records of a device.
/// Lives on the management loop (its reads block), walks the devices of the history in small steps, and rests between
/// rounds. What is due for erasing may therefore be seen until the next round.
class Retention {
 public:
  struct Settings {
    int days = 30;  ///< 0: for ever
    /// Per device and kind of record; 0: any number. A bound costs a walk over so many keys per device and round.
    std::uint64_t records = 0;
    Millis pause{50};                       ///< between two bursts of steps
    int devices_per_burst = 20;             ///< a burst ends early when records are counted
    Millis rest = std::chrono::hours{1};    ///< between two rounds
    std::size_t records_per_step = 10'000;  ///< keys visited while counting in one step
  };
  Retention(runtime::Loop& loop, store::StreamStore& store, const Settings& settings);
  /// Begins with the first round. Stops when destroyed.
  void start();
  /// One step, as the timer does it. Gives whether the round is over.
  bool step();

 private:
  struct Position {
    std::uint64_t device = 0;
    std::uint8_t kind = 0;
    bool counting = false;  ///< in the midst of counting a device's records, newest first
    std::uint64_t counted = 0;
    std::string below;  ///< counting goes on below this key
  };
  void tick();
  bool next_device();
  void trim_by_age();
  void count_some();

  runtime::Loop& loop_;
  store::StreamStore& store_;
  Settings settings_;
  Position at_;
  runtime::Timer timer_;
};

}  // namespace tercet::thing
