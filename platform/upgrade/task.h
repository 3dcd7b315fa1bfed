#pragma once
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "tercet/base/time.h"

namespace tercet::upgrade {

/// What one device is at with one job. The numbers are stored.
///
///   confirm --ConfirmOTATask--> queued --push--> notified --progress--> in_progress
///      |                          ^                 |                      |
///      |                          | re-upgrade      | target version       | target version
///      v                          |                 v                      v
///   canceled                    failed <---+    succeeded               succeeded
///                                          +--- a negative step, another version, the time is over (in_progress)
///
/// A retry shows as the state it began in: only `due` and `retries` change.
enum class TaskState : std::uint8_t { confirm, queued, notified, in_progress, succeeded, failed, canceled };
constexpr bool is_final(TaskState state) { return state >= TaskState::succeeded; }
std::string_view name(TaskState state);  ///< "IN_PROGRESS"

inline constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

/// How a job treats failures and silence.
struct Patience {
  int retries = 0;
  Millis retry_after{0};
  Millis timeout{0};  ///< from the first progress on; 0: none
};

struct Task {
  std::uint64_t number = 0;
  std::string id;
  std::uint64_t job = 0, device = 0;
  std::string device_name;
  std::string source;  ///< version at the start; "" not known
  TaskState state = TaskState::queued;
  int progress = 0;             ///< percent
  std::string text;             ///< what the device or we said last
  int retries = 0;              ///< used up
  std::int64_t due = kNever;    ///< when to push (again), wall milliseconds
  std::int64_t progressed = 0;  ///< the first progress; 0: none yet
  std::int64_t created = 0, modified = 0;

  // Not stored.
  int refused_pushes = 0;   ///< one after another that the device was not there for
  bool has_slot = false;    ///< `due` is the place that the pacing has given it
  std::int64_t agenda = 0;  ///< under which time it is looked at next; 0: not at all

  /// When something happens by itself: a push or the timeout.
  std::int64_t next(const Patience& patience) const;
};

/// Transitions. Each says whether anything has changed; final states change by re-upgrade alone. `now` is wall time.
bool pushed(Task& task, std::int64_t now);
bool confirmed(Task& task, std::int64_t now);
/// 1..100 percent, or the failures -1..-4 of 7.3. Another number is as if it had not come.
bool progressed(Task& task, int step, std::string_view text, const Patience& patience, std::int64_t now);
/// The device runs this version.
bool version_reported(Task& task, std::string_view version, std::string_view target, const Patience& patience,
                      std::int64_t now);
/// Fails the task when its time is over.
bool time_passed(Task& task, const Patience& patience, std::int64_t now);
bool canceled(Task& task, std::string_view why, std::int64_t now);
bool failed(Task& task, std::string_view why, std::int64_t now);  ///< for good: no retry
bool again(Task& task, std::int64_t now);                         ///< re-upgrade of a failed or canceled task
/// The device is there, or came back: what waits for it is pushed at `at`.
bool woken(Task& task, std::int64_t at);

}  // namespace tercet::upgrade
