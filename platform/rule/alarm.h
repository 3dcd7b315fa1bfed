#pragma once
#include <cstdint>

#include "platform/rule/evaluate.h"
#include "platform/rule/queue.h"

namespace tercet::rule {

/// A rule whose condition is a state of the device, not a property of a message: its actions run when the state begins,
/// again while it lasts if wanted, and when it ends. Times in milliseconds.
struct AlarmSettings {
  std::int64_t silence = 0;  ///< at least so long between two beginnings that are told: a value that flaps tells once
  std::int64_t remind = 0;   ///< while it lasts, told again after each such time; 0: not
  bool recovery = true;      ///< its end is told too
};

/// What to tell for a message that was decided so, and the memory's new state.
///
///   quiet --met--> raised --not met--> quiet        unknown and failed change nothing
///
/// A beginning within `silence` of the last one that was told is not told, and neither is its end.
/// memory.told_at is 0 while a raised alarm was not told.
AlarmState advance_alarm(const AlarmSettings& settings, Verdict verdict, std::int64_t now, DeviceMemory& memory,
                         bool& changed);

}  // namespace tercet::rule
