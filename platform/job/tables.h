#pragma once
#include <string>
#include <string_view>

#include "platform/job/jobs.h"
#include "platform/store/sqlite.h"

namespace tercet::job {

/// For the files of Jobs. Rows of job.db, read and written.
struct Jobs::Tables {
  static constexpr std::string_view kJob =
      "j.number, j.id, j.name, j.about, j.type, j.status, j.document, j.url, j.sign, j.method, j.target, j.devices, "
      "j.grp, j.product, j.per_minute, j.timeout, j.qos, j.start, j.created, j.modified, j.file";
  static constexpr std::string_view kTask =
      "t.number, t.id, t.job, t.device, t.product, t.name, t.state, t.progress, t.details, t.text, t.tries, t.due, "
      "t.started, t.owed, t.created, t.modified";
  static constexpr int kTaskColumns = 16;

  static runtime::Outcome<void> prepare(store::Database& database);
  static Job job(const store::Statement& row);
  static Task task(const store::Statement& row);
  static runtime::Outcome<void> put(store::Database& database, const Job& job);
  static runtime::Outcome<void> put(store::Database& database, const Task& task);
};

/// Does something to a task in memory and follows it up: counts, agenda, end of the job. False: it did nothing.
template <typename Act>
bool Jobs::change(std::uint64_t number, Act act) {
  const auto found = tasks_.find(number);
  if (found == tasks_.end()) return false;
  Task& task = found->second;
  const TaskState before = task.state;
  if (!act(task)) return false;
  dirty_tasks_.insert(number);
  schedule(task);
  Live& live = live_.at(task.job);
  --live.tally[before];
  ++live.tally[task.state];
  if (!task.is_open()) over_.insert(number);
  if (live.job.status == JobStatus::in_progress && live.tally.unfinished() == 0) set_status(live, JobStatus::completed);
  return true;
}

}  // namespace tercet::job
