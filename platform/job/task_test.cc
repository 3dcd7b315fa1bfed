#include "platform/job/task.h"

#include <doctest/doctest.h>

using namespace tercet;
using namespace tercet::job;

namespace {

constexpr std::int64_t kNow = 1'000'000;
using S = TaskState;

Task at(TaskState state) {
  Task task;
  task.state = state;
  if (state == S::queued) task.due = kNow;
  if (state == S::in_progress) task.started = kNow;
  return task;
}
TaskState state(std::size_t i) { return static_cast<TaskState>(i); }

}  // namespace

TEST_CASE("the table of transitions is the documented one, cell by cell") {
  // A row per state, a column per state in the same order; x: permitted.
  const char* const rows[kTaskStates] = {
      ".xxxxxxx.",  // QUEUED
      "..xxxxxxx",  // SENT
      "..xxxxxxx",  // IN_PROGRESS
      ".......x.",  // SUCCEEDED
      "x......x.",  // FAILED
      "x......x.",  // REJECTED
      "x......x.",  // CANCELLED
      ".........",  // REMOVED
      "x......x.",  // TIMED_OUT
  };
  for (std::size_t from = 0; from < kTaskStates; ++from)
    for (std::size_t to = 0; to < kTaskStates; ++to) {
      CAPTURE(name(state(from)));
      CAPTURE(name(state(to)));
      CHECK(is_permitted(state(from), state(to)) == (rows[from][to] == 'x'));
    }
}

TEST_CASE("every event in every state leads where the diagram says, and nowhere else") {
  struct Row {
    const char* event;
    bool (*act)(Task&);
    S after[kTaskStates];
  };
  const Row rows[] = {
      {"sent",
       [](Task& t) { return sent(t, kNow); },
       {S::sent, S::sent, S::in_progress, S::succeeded, S::failed, S::rejected, S::cancelled, S::removed,
        S::timed_out}},
      {"begins",
       [](Task& t) { return reported(t, S::in_progress, 40, "", kNow) == Reported::taken; },
       {S::in_progress, S::in_progress, S::in_progress, S::succeeded, S::failed, S::rejected, S::cancelled, S::removed,
        S::timed_out}},
      {"succeeds",
       [](Task& t) { return reported(t, S::succeeded, -1, "", kNow) == Reported::taken; },
       {S::succeeded, S::succeeded, S::succeeded, S::succeeded, S::failed, S::rejected, S::cancelled, S::removed,
        S::timed_out}},
      {"fails",
       [](Task& t) { return reported(t, S::failed, -1, "", kNow) == Reported::taken; },
       {S::failed, S::failed, S::failed, S::succeeded, S::failed, S::rejected, S::cancelled, S::removed, S::timed_out}},
      {"rejects",
       [](Task& t) { return reported(t, S::rejected, -1, "", kNow) == Reported::taken; },
       {S::rejected, S::rejected, S::rejected, S::succeeded, S::failed, S::rejected, S::cancelled, S::removed,
        S::timed_out}},
      {"time",
       [](Task& t) { return time_passed(t, Millis{60'000}, kNow + 60'000); },
       {S::queued, S::sent, S::timed_out, S::succeeded, S::failed, S::rejected, S::cancelled, S::removed,
        S::timed_out}},
      {"cancel",
       [](Task& t) { return ended(t, S::cancelled, "asked for", kNow); },
       {S::cancelled, S::cancelled, S::cancelled, S::succeeded, S::failed, S::rejected, S::cancelled, S::removed,
        S::timed_out}},
      {"remove",
       [](Task& t) { return ended(t, S::removed, "asked for", kNow); },
       {S::removed, S::removed, S::removed, S::removed, S::removed, S::removed, S::removed, S::removed, S::removed}},
      {"again",
       [](Task& t) { return again(t, kNow); },
       {S::queued, S::sent, S::in_progress, S::succeeded, S::queued, S::queued, S::queued, S::removed, S::queued}},
  };
  for (const Row& row : rows)
    for (std::size_t i = 0; i < kTaskStates; ++i) {
      Task task = at(state(i));
      const bool changed = row.act(task);
      CAPTURE(row.event);
      CAPTURE(name(state(i)));
      CHECK(name(task.state) == name(row.after[i]));
      if (task.state != state(i)) CHECK(changed);
      if (!changed) CHECK(task.state == state(i));
    }
}

TEST_CASE("the same end once more is known, another end is refused") {
  for (const S end : {S::succeeded, S::failed, S::rejected}) {
    Task task = at(S::sent);
    CHECK(reported(task, end, -1, "", kNow) == Reported::taken);
    CHECK(reported(task, end, -1, "", kNow + 1) == Reported::known);
    CHECK(task.modified == kNow);
    for (const S other : {S::in_progress, S::succeeded, S::failed, S::rejected})
      if (other != end) CHECK(reported(task, other, 10, "{}", kNow + 1) == Reported::refused);
    CHECK(task.details.empty());
  }
}

TEST_CASE("a device that knows of a task is to be told of its end, one that does not is not") {
  for (const S end : {S::cancelled, S::removed}) {
    Task waiting = at(S::queued), known = at(S::sent), begun = at(S::in_progress), over = at(S::succeeded);
    ended(waiting, end, "", kNow), ended(known, end, "", kNow), ended(begun, end, "", kNow), ended(over, end, "", kNow);
    CHECK(!waiting.is_open());
    CHECK(known.owed);
    CHECK(known.due == kNow);
    CHECK(begun.is_open());
    CHECK(!over.is_open());
  }
  Task cancelled = at(S::sent);
  ended(cancelled, S::cancelled, "", kNow);
  ended(cancelled, S::removed, "", kNow);  // before it was told
  CHECK(cancelled.owed);
}

TEST_CASE("time runs from the first report, not from later ones") {
  Task task = at(S::sent);
  reported(task, S::in_progress, 10, "", kNow);
  reported(task, S::in_progress, 20, R"({"step":2})", kNow + 30'000);
  CHECK(task.progress == 20);
  CHECK(task.details == R"({"step":2})");
  CHECK(task.next(Millis{60'000}) == kNow + 60'000);
  CHECK(task.next(Millis{0}) == kNever);
  CHECK(!time_passed(task, Millis{60'000}, kNow + 59'999));
  CHECK(!time_passed(task, Millis{0}, kNow + 999'999));
  CHECK(time_passed(task, Millis{60'000}, kNow + 60'000));
}

TEST_CASE("a device that comes back is told of what it has not begun, and of what it owes an end") {
  for (const S before : {S::queued, S::sent}) {
    Task task = at(before);
    task.due = kNever;
    CHECK(woken(task, kNow + 1000));
    CHECK(task.due == kNow + 1000);
    CHECK(!woken(task, kNow + 2000));
  }
  Task owed = at(S::in_progress);
  CHECK(!woken(owed, kNow));
  ended(owed, S::cancelled, "", kNow + 5000);
  CHECK(woken(owed, kNow));
  Task command = at(S::sent);
  command.in_flight = true;
  CHECK(!woken(command, kNow));
}

TEST_CASE("states have the names of the protocol") {
  for (std::size_t i = 0; i < kTaskStates; ++i) CHECK(task_state(name(state(i))) == state(i));
  CHECK(name(S::timed_out) == "TIMED_OUT");
  CHECK(!task_state("DONE"));
}
