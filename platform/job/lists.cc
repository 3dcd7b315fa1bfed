#include "platform/job/tables.h"
#include "tercet/base/utf8.h"

// What the API shows: read from the database, which flush() has brought up to date.
namespace tercet::job {
namespace {

RegistryProblem system_problem(const runtime::Problem& problem) {
  return {problem.code, "iot.system.SystemException", problem.detail};
}

}  // namespace

std::optional<Job> Jobs::find_job(std::string_view id) {
  auto read = database_.must_prepare("SELECT " + std::string(Tables::kJob) + " FROM jobs j WHERE j.id=?");
  const auto row = read.bind(id).step();
  if (!row || !*row) return std::nullopt;
  return Tables::job(read);
}

Answer<Job> Jobs::job(std::string_view id) {
  static_cast<void>(flush());
  if (auto found = find_job(id)) return std::move(*found);
  return RegistryProblem{Error::not_found, "tercet.job.NotExistedJob",
                         "there is no job " + std::string(utf8_prefix(id, 64)) + ": ListJob shows those there are"};
}

Answer<TaskRow> Jobs::task(std::string_view id) {
  static_cast<void>(flush());
  auto read = database_.must_prepare("SELECT " + std::string(Tables::kTask) +
                                     ", j.id, j.name FROM tasks t JOIN jobs j ON j.number=t.job WHERE t.id=?");
  const auto row = read.bind(id).step();
  if (!row) return system_problem(row.problem());
  if (!*row)
    return RegistryProblem{Error::not_found, "tercet.job.NotExistedTask",
                           "there is no task " + std::string(utf8_prefix(id, 64)) + ": ListTask shows those of a job"};
  return TaskRow{Tables::task(read), read.text(Tables::kTaskColumns), read.text(Tables::kTaskColumns + 1)};
}

Answer<Page<Job>> Jobs::jobs(std::optional<JobStatus> status, PageRequest page) {
  static_cast<void>(flush());
  Page<Job> answer;
  answer.asked = page;
  const int wanted = status ? static_cast<int>(*status) : -1;
  auto count = database_.must_prepare("SELECT count(*) FROM jobs j WHERE ?1<0 OR j.status=?1");
  if (const auto row = count.bind(wanted).step(); !row) return system_problem(row.problem());
  answer.total = static_cast<std::uint64_t>(count.integer(0));
  auto read =
      database_.must_prepare("SELECT " + std::string(Tables::kJob) +
                             " FROM jobs j WHERE ?1<0 OR j.status=?1 ORDER BY j.number DESC LIMIT ?2 OFFSET ?3");
  read.bind(wanted, page.size, (page.page - 1) * page.size);
  for (auto row = read.step(); row && *row; row = read.step()) answer.items.push_back(Tables::job(read));
  return answer;
}

Answer<std::vector<TaskRow>> Jobs::tasks(const TaskFilter& filter) {
  static_cast<void>(flush());
  auto read = database_.must_prepare(
      "SELECT " + std::string(Tables::kTask) +
      ", j.id, j.name FROM tasks t JOIN jobs j ON j.number=t.job WHERE t.number>?1 AND (?2=0 OR t.job=?2) AND (?3=0 "
      "OR t.device=?3) AND (?4<0 OR t.state=?4) ORDER BY t.number LIMIT ?5");
  read.bind(filter.after, filter.job, filter.device, filter.state ? static_cast<int>(*filter.state) : -1, filter.most);
  std::vector<TaskRow> rows;
  for (;;) {
    const auto row = read.step();
    if (!row) return system_problem(row.problem());
    if (!*row) return rows;
    rows.push_back({Tables::task(read), read.text(Tables::kTaskColumns), read.text(Tables::kTaskColumns + 1)});
  }
}

Tally Jobs::tally(const Job& job) {
  static_cast<void>(flush());
  Tally counted;
  auto read = database_.must_prepare("SELECT state, count(*) FROM tasks WHERE job=? GROUP BY state");
  read.bind(job.number);
  for (auto row = read.step(); row && *row; row = read.step())
    if (const auto state = read.integer(0); state >= 0 && state < static_cast<std::int64_t>(kTaskStates))
      counted.of[state] = static_cast<std::uint64_t>(read.integer(1));
  return counted;
}

}  // namespace tercet::job
