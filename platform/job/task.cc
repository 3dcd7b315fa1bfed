#include "platform/job/task.h"

#include <algorithm>

#include "tercet/base/utf8.h"

namespace tercet::job {
namespace {

constexpr std::size_t kMaxText = 512;
constexpr std::string_view kNames[kTaskStates] = {"QUEUED",   "SENT",      "IN_PROGRESS", "SUCCEEDED", "FAILED",
                                                  "REJECTED", "CANCELLED", "REMOVED",     "TIMED_OUT"};

constexpr bool kPermitted[kTaskStates][kTaskStates] = {
    // to: queued, sent, in_progress, succeeded, failed, rejected, cancelled, removed, timed_out
    {false, true, true, true, true, true, true, true, false},         // queued
    {false, false, true, true, true, true, true, true, true},         // sent
    {false, false, true, true, true, true, true, true, true},         // in_progress
    {false, false, false, false, false, false, false, true, false},   // succeeded
    {true, false, false, false, false, false, false, true, false},    // failed
    {true, false, false, false, false, false, false, true, false},    // rejected
    {true, false, false, false, false, false, false, true, false},    // cancelled
    {false, false, false, false, false, false, false, false, false},  // removed
    {true, false, false, false, false, false, false, true, false},    // timed_out
};

void enter(Task& task, TaskState state, std::int64_t now) {
  task.state = state;
  task.modified = now;
  if (is_final(state)) task.due = kNever;
}

}  // namespace

std::string_view name(TaskState state) { return kNames[static_cast<std::size_t>(state)]; }

std::optional<TaskState> task_state(std::string_view name) {
  for (std::size_t i = 0; i < kTaskStates; ++i)
    if (kNames[i] == name) return static_cast<TaskState>(i);
  return std::nullopt;
}

bool is_permitted(TaskState from, TaskState to) {
  return kPermitted[static_cast<std::size_t>(from)][static_cast<std::size_t>(to)];
}

std::int64_t Task::next(Millis timeout) const {
  if (!is_open()) return kNever;
  const bool runs = state == TaskState::in_progress && started != 0 && timeout.count() > 0;
  return std::min(due, runs ? started + timeout.count() : kNever);
}

bool sent(Task& task, std::int64_t now) {
  if (is_final(task.state)) return false;
  task.due = kNever;
  task.refused = 0;
  task.has_slot = false;
  if (task.state == TaskState::queued) enter(task, TaskState::sent, now);
  return true;
}

Reported reported(Task& task, TaskState state, int progress, std::string_view details, std::int64_t now) {
  if (!is_permitted(task.state, state))
    return is_final(task.state) && task.state == state ? Reported::known : Reported::refused;
  if (state == TaskState::in_progress && task.started == 0) task.started = now;
  if (progress >= 0) task.progress = progress;
  if (state == TaskState::succeeded) task.progress = 100;
  if (!details.empty()) task.details = details;
  task.due = kNever;
  enter(task, state, now);
  return Reported::taken;
}

bool ended(Task& task, TaskState state, std::string_view why, std::int64_t now) {
  if (!is_permitted(task.state, state)) return false;
  // The device knows of it: it is to stop.
  const bool knows = task.state == TaskState::sent || task.state == TaskState::in_progress || task.owed;
  task.owed = knows && (state == TaskState::cancelled || state == TaskState::removed);
  task.text = utf8_prefix(why, kMaxText);
  if (state == TaskState::succeeded) task.progress = 100;
  task.has_slot = false;
  enter(task, state, now);
  if (task.owed) task.due = now;
  return true;
}

bool time_passed(Task& task, Millis timeout, std::int64_t now) {
  if (task.state != TaskState::in_progress || task.started == 0 || timeout.count() == 0) return false;
  if (now < task.started + timeout.count()) return false;
  return ended(task, TaskState::timed_out, "the device did not end it within the job's time after it began", now);
}

bool again(Task& task, std::int64_t now) {
  if (!is_permitted(task.state, TaskState::queued)) return false;
  task.progress = task.tries = task.refused = 0;
  task.started = 0;
  task.has_slot = task.owed = false;
  task.text.clear(), task.details.clear();
  enter(task, TaskState::queued, now);
  task.due = now;
  return true;
}

bool woken(Task& task, std::int64_t at) {
  if (!task.is_open() || task.state == TaskState::in_progress || task.in_flight) return false;
  task.refused = 0;
  task.has_slot = false;
  if (task.due <= at) return false;
  task.due = at;
  return true;
}

}  // namespace tercet::job
