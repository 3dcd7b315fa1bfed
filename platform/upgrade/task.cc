#include "platform/upgrade/task.h"

#include <algorithm>

#include "tercet/base/utf8.h"

namespace tercet::upgrade {
namespace {

constexpr std::size_t kMaxText = 256;

void enter(Task& task, TaskState state, std::int64_t now) {
  task.state = state;
  task.modified = now;
  if (is_final(state)) task.due = kNever;
}

std::string_view meaning(int step) {
  switch (step) {
    case -1:
      return "the upgrade failed";
    case -2:
      return "the download failed";
    case -3:
      return "the verification failed";
    default:
      return "the flashing failed";
  }
}

/// A failure that a retry may mend.
void fail_or_retry(Task& task, std::string_view why, const Patience& patience, std::int64_t now) {
  if (task.retries >= patience.retries) return static_cast<void>(failed(task, why, now));
  ++task.retries;
  task.text = utf8_prefix(why, kMaxText);
  task.due = now + patience.retry_after.count();
  task.progressed = 0;
  task.progress = 0;
  task.modified = now;
  task.has_slot = false;
}

}  // namespace

std::string_view name(TaskState state) {
  switch (state) {
    case TaskState::confirm:
      return "CONFIRM";
    case TaskState::queued:
      return "QUEUED";
    case TaskState::notified:
      return "NOTIFIED";
    case TaskState::in_progress:
      return "IN_PROGRESS";
    case TaskState::succeeded:
      return "SUCCEEDED";
    case TaskState::failed:
      return "FAILED";
    case TaskState::canceled:
      return "CANCELED";
  }
  return "";
}

std::int64_t Task::next(const Patience& patience) const {
  if (is_final(state)) return kNever;
  const bool runs = state == TaskState::in_progress && progressed != 0 && patience.timeout.count() > 0;
  return std::min(due, runs ? progressed + patience.timeout.count() : kNever);
}

bool pushed(Task& task, std::int64_t now) {
  if (is_final(task.state) || task.state == TaskState::confirm) return false;
  task.due = kNever;
  task.refused_pushes = 0;
  task.has_slot = false;
  if (task.state == TaskState::queued) enter(task, TaskState::notified, now);
  return true;
}

bool confirmed(Task& task, std::int64_t now) {
  if (task.state != TaskState::confirm) return false;
  enter(task, TaskState::queued, now);
  task.due = now;
  return true;
}

bool progressed(Task& task, int step, std::string_view text, const Patience& patience, std::int64_t now) {
  if (is_final(task.state) || task.state == TaskState::confirm) return false;
  if (step < -4 || step == 0 || step > 100) return false;
  if (step < 0) {
    fail_or_retry(task, text.empty() ? meaning(step) : text, patience, now);
    return true;
  }
  if (task.due != kNever && task.retries > 0) return false;  // late, of the attempt that has failed
  if (task.progressed == 0) task.progressed = now;
  task.progress = step;
  task.text = utf8_prefix(text, kMaxText);
  task.due = kNever;
  enter(task, TaskState::in_progress, now);
  return true;
}

bool version_reported(Task& task, std::string_view version, std::string_view target, const Patience& patience,
                      std::int64_t now) {
  if (is_final(task.state)) return false;
  if (version == target) {
    task.progress = 100;
    task.text = "the device runs the new version";
    enter(task, TaskState::succeeded, now);
    return true;
  }
  if (task.state == TaskState::in_progress && task.progressed != 0 && !task.source.empty() && version != task.source) {
    const std::string why = "the device reports version " + std::string(version);
    fail_or_retry(task, why, patience, now);
    return true;
  }
  if (!task.source.empty() || task.state == TaskState::in_progress) return false;
  task.source = version;
  return true;
}

bool time_passed(Task& task, const Patience& patience, std::int64_t now) {
  if (task.state != TaskState::in_progress || task.progressed == 0 || patience.timeout.count() == 0) return false;
  if (now < task.progressed + patience.timeout.count()) return false;
  return failed(task, "no new version within the time after the first progress", now);
}

bool canceled(Task& task, std::string_view why, std::int64_t now) {
  if (is_final(task.state)) return false;
  task.text = utf8_prefix(why, kMaxText);
  enter(task, TaskState::canceled, now);
  return true;
}

bool failed(Task& task, std::string_view why, std::int64_t now) {
  if (is_final(task.state)) return false;
  task.text = utf8_prefix(why, kMaxText);
  enter(task, TaskState::failed, now);
  return true;
}

bool again(Task& task, std::int64_t now) {
  if (task.state != TaskState::failed && task.state != TaskState::canceled) return false;
  task.progress = task.retries = task.refused_pushes = 0;
  task.progressed = 0;
  task.has_slot = false;
  task.text.clear();
  enter(task, TaskState::queued, now);
  task.due = now;
  return true;
}

bool woken(Task& task, std::int64_t at) {
  if (is_final(task.state) || task.state == TaskState::confirm || task.has_slot) return false;
  task.refused_pushes = 0;
  if (task.due <= at) return false;
  if (task.retries > 0 && task.due != kNever) return false;  // the retry has its own time
  task.due = at;
  return true;
}

}  // namespace tercet::upgrade
