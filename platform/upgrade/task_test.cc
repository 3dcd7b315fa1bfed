#include "platform/upgrade/task.h"

#include <doctest/doctest.h>

using namespace tercet;
using namespace tercet::upgrade;

namespace {

constexpr std::int64_t kNow = 1'000'000;
const Patience kNone{};
const Patience kTwice{2, Millis{600'000}, Millis{60'000}};

Task at(TaskState state) {
  Task task;
  task.state = state;
  task.source = "1.0";
  if (state == TaskState::queued) task.due = kNow;
  if (state == TaskState::in_progress) task.progressed = kNow;
  return task;
}
constexpr TaskState kAll[] = {TaskState::confirm,   TaskState::queued, TaskState::notified, TaskState::in_progress,
                              TaskState::succeeded, TaskState::failed, TaskState::canceled};

}  // namespace

TEST_CASE("every event in every state leads where the diagram says, and nowhere else") {
  using S = TaskState;
  struct Row {
    const char* event;
    bool (*act)(Task&);
    S after[7];  // in the order of kAll
  };
  const Row rows[] = {
      {"pushed",
       [](Task& t) { return pushed(t, kNow); },
       {S::confirm, S::notified, S::notified, S::in_progress, S::succeeded, S::failed, S::canceled}},
      {"confirmed",
       [](Task& t) { return confirmed(t, kNow); },
       {S::queued, S::queued, S::notified, S::in_progress, S::succeeded, S::failed, S::canceled}},
      {"percent",
       [](Task& t) { return progressed(t, 40, "", kNone, kNow); },
       {S::confirm, S::in_progress, S::in_progress, S::in_progress, S::succeeded, S::failed, S::canceled}},
      {"negative",
       [](Task& t) { return progressed(t, -2, "", kNone, kNow); },
       {S::confirm, S::failed, S::failed, S::failed, S::succeeded, S::failed, S::canceled}},
      {"strange step",
       [](Task& t) { return progressed(t, 101, "", kNone, kNow); },
       {S::confirm, S::queued, S::notified, S::in_progress, S::succeeded, S::failed, S::canceled}},
      {"target",
       [](Task& t) { return version_reported(t, "2.0", "2.0", kNone, kNow); },
       {S::succeeded, S::succeeded, S::succeeded, S::succeeded, S::succeeded, S::failed, S::canceled}},
      {"source",
       [](Task& t) { return version_reported(t, "1.0", "2.0", kNone, kNow); },
       {S::confirm, S::queued, S::notified, S::in_progress, S::succeeded, S::failed, S::canceled}},
      {"third version",
       [](Task& t) { return version_reported(t, "1.5", "2.0", kNone, kNow); },
       {S::confirm, S::queued, S::notified, S::failed, S::succeeded, S::failed, S::canceled}},
      {"time",
       [](Task& t) { return time_passed(t, kTwice, kNow + 60'000); },
       {S::confirm, S::queued, S::notified, S::failed, S::succeeded, S::failed, S::canceled}},
      {"cancel",
       [](Task& t) { return canceled(t, "asked for", kNow); },
       {S::canceled, S::canceled, S::canceled, S::canceled, S::succeeded, S::failed, S::canceled}},
      {"again",
       [](Task& t) { return again(t, kNow); },
       {S::confirm, S::queued, S::notified, S::in_progress, S::succeeded, S::queued, S::queued}},
  };
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < 7; ++i) {
      Task task = at(kAll[i]);
      const bool changed = row.act(task);
      CAPTURE(row.event);
      CAPTURE(name(kAll[i]));
      CHECK(name(task.state) == name(row.after[i]));
      if (task.state != kAll[i]) CHECK(changed);
      if (is_final(task.state)) CHECK(task.next(kTwice) == kNever);
    }
  }
}

TEST_CASE("a failure is tried again after its interval, as often as allowed, and looks as before meanwhile") {
  Task task = at(TaskState::in_progress);
  CHECK(progressed(task, -2, "no route", kTwice, kNow));
  CHECK(task.state == TaskState::in_progress);
  CHECK(task.due == kNow + 600'000);
  CHECK(task.text == "no route");
  CHECK(task.next(kTwice) == task.due);  // no timeout runs while it waits
  CHECK_FALSE(progressed(task, 80, "late", kTwice, kNow + 1));
  CHECK_FALSE(woken(task, kNow + 5));
  CHECK(pushed(task, kNow + 600'000));
  CHECK(task.state == TaskState::in_progress);
  CHECK(progressed(task, 10, "", kTwice, kNow + 600'001));
  CHECK(version_reported(task, "1.5", "2.0", kTwice, kNow + 600'002));
  CHECK(task.retries == 2);
  CHECK(pushed(task, kNow + 1'200'002));
  CHECK(progressed(task, -4, "", kTwice, kNow + 1'200'003));
  CHECK(task.state == TaskState::failed);
  CHECK(task.text == "the flashing failed");
}

TEST_CASE("a task that is out of time fails at once, and is not tried again") {
  Task task = at(TaskState::in_progress);
  CHECK(task.next(kTwice) == kNow + 60'000);
  CHECK_FALSE(time_passed(task, kTwice, kNow + 59'999));
  CHECK(time_passed(task, kTwice, kNow + 60'000));
  CHECK(task.state == TaskState::failed);
  CHECK(task.retries == 0);
}

TEST_CASE("a device that comes back is told again, whatever it was at") {
  for (const TaskState state : {TaskState::queued, TaskState::notified, TaskState::in_progress}) {
    Task task = at(state);
    task.due = kNever;
    CHECK(woken(task, kNow + 1000));
    CHECK(task.due == kNow + 1000);
    CHECK_FALSE(woken(task, kNow + 2000));
  }
  for (const TaskState state : {TaskState::confirm, TaskState::succeeded, TaskState::failed, TaskState::canceled}) {
    Task task = at(state);
    task.due = kNever;
    CHECK_FALSE(woken(task, kNow));
  }
}
