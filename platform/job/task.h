#pragma once
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "tercet/base/time.h"

namespace tercet::job {

/// What one device is at with one job. The numbers are stored.
///
///   queued --notify, or the device asks--> sent --update--> in_progress --update--> succeeded, failed, rejected
///      |                                    |                    |  in_progress too long, or no answer --> timed_out
///      +---- CancelJob --> cancelled <------+--------------------+
///   DeleteJob: removed, from every state. RerunJob: queued, from failed, rejected, cancelled and timed_out.
enum class TaskState : std::uint8_t {
  queued,
  sent,
  in_progress,
  succeeded,
  failed,
  rejected,
  cancelled,
  removed,
  timed_out
};
inline constexpr std::size_t kTaskStates = 9;
constexpr bool is_final(TaskState state) { return state >= TaskState::succeeded; }
std::string_view name(TaskState state);  ///< "IN_PROGRESS"
std::optional<TaskState> task_state(std::string_view name);
/// The table of transitions. in_progress to itself: more progress.
bool is_permitted(TaskState from, TaskState to);

inline constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

struct Task {
  std::uint64_t number = 0;
  std::string id;
  std::uint64_t job = 0, device = 0;
  std::string product, device_name;
  TaskState state = TaskState::queued;
  int progress = 0;           ///< percent
  std::string details;        ///< JSON, of the device
  std::string text;           ///< what we said last: why it failed
  int tries = 0;              ///< commands that the device did not answer
  std::int64_t due = kNever;  ///< when to send (again), wall milliseconds
  std::int64_t started = 0;   ///< in_progress since; 0: not yet
  bool owed = false;          ///< it is over, and the device is to be told (CANCELLED, REMOVED)
  std::int64_t created = 0, modified = 0;

  // Not stored.
  int refused = 0;          ///< sends, one after another, that the device was not there for
  bool has_slot = false;    ///< `due` is the place that the pacing has given it
  bool in_flight = false;   ///< a command's answer is waited for
  std::int64_t agenda = 0;  ///< under which time it is looked at next; 0: not at all

  bool is_open() const { return !is_final(state) || owed; }
  /// When something happens by itself: a message, or the timeout (0: none).
  std::int64_t next(Millis timeout) const;
};

/// Transitions; false: nothing has changed. `now` is wall time.
bool sent(Task& task, std::int64_t now);
enum class Reported : std::uint8_t {
  taken,
  known,    ///< the same end once more: answered as before
  refused,  ///< the task is over
};
/// The device says so. progress -1 and details "": it said none.
Reported reported(Task& task, TaskState state, int progress, std::string_view details, std::int64_t now);
/// The platform says so: failed, cancelled, removed, timed_out, or succeeded with a device's answer.
bool ended(Task& task, TaskState state, std::string_view why, std::int64_t now);
bool time_passed(Task& task, Millis timeout, std::int64_t now);
bool again(Task& task, std::int64_t now);  ///< RerunJob
/// The device is there, or came back: what it has not begun, or has to be told, is sent at `at`.
bool woken(Task& task, std::int64_t at);

}  // namespace tercet::job
