#include <algorithm>

#include "platform/upgrade/tables.h"
#include "tercet/base/utf8.h"

// What the API shows: read from the database, which flush() has brought up to date.
namespace tercet::upgrade {
namespace {

RegistryProblem system_problem(const runtime::Problem& problem) {
  return {problem.code, "iot.system.SystemException", problem.detail};
}

/// Conditions with the texts they are bound to.
struct Where {
  std::string text = "1";
  std::vector<std::string> values;
  void with(std::string_view condition) { text.append(" AND ").append(condition); }
  void with(std::string_view column, std::uint64_t number) {
    if (number != 0) text.append(" AND ").append(column).append("=").append(std::to_string(number));
  }
  void one_of(std::string_view column, const std::vector<std::string>& texts) {
    if (texts.empty()) return;
    text.append(" AND ").append(column).append(" IN (");
    for (std::size_t i = 0; i < texts.size(); ++i) text.append(i == 0 ? "?" : ",?");
    text += ")";
    values.insert(values.end(), texts.begin(), texts.end());
  }
};

constexpr std::size_t kMostValues = 400;

}  // namespace

std::optional<Job> Upgrades::find_job(std::string_view column, std::string_view value) {
  auto read = database_.must_prepare("SELECT " + std::string(Tables::kJob) + " FROM jobs j WHERE j." +
                                     std::string(column) + "=?");
  const auto row = read.bind(value).step();
  if (!row || !*row) return std::nullopt;
  return Tables::job(read);
}

Answer<Job> Upgrades::job(std::string_view id) {
  static_cast<void>(flush());
  if (auto found = find_job("id", id)) return std::move(*found);
  return RegistryProblem{Error::not_found, "tercet.ota.NotExistedJob",
                         "there is no job " + std::string(utf8_prefix(id, 64))};
}

std::optional<Firmware> Upgrades::firmware_of(const Job& job) {
  return find_firmware("number", std::to_string(job.firmware));
}

Tally Upgrades::tally(const Job& job) {
  static_cast<void>(flush());
  Tally counted;
  auto read = database_.must_prepare("SELECT state, count(*) FROM tasks WHERE job=? GROUP BY state");
  read.bind(job.number);
  for (auto row = read.step(); row && *row; row = read.step())
    if (const auto state = read.integer(0); state >= 0 && state < 7)
      counted.of[state] = static_cast<std::uint64_t>(read.integer(1));
  return counted;
}

int Upgrades::verify_progress(const Firmware& firmware) {
  if (firmware.status == FirmwareStatus::verified) return 100;
  static_cast<void>(flush());
  auto read = database_.must_prepare(
      "SELECT coalesce(avg(progress), 0) FROM tasks WHERE job=(SELECT max(number) FROM jobs WHERE firmware=? AND "
      "kind=0)");
  const auto row = read.bind(firmware.number).step();
  return row && *row ? static_cast<int>(read.real(0)) : 0;
}

Answer<Page<Job>> Upgrades::jobs(std::string_view firmware_id, std::uint64_t device, PageRequest page) {
  const auto firmware = this->firmware(firmware_id);
  if (!firmware) return firmware.problem();
  static_cast<void>(flush());
  Page<Job> answer;
  answer.asked = page;
  const std::string where =
      " FROM jobs j WHERE j.firmware=?1 AND (?2=0 OR EXISTS(SELECT 1 FROM tasks t WHERE t.job=j.number AND "
      "t.device=?2))";
  auto count = database_.must_prepare("SELECT count(*)" + where);
  if (const auto row = count.bind(firmware->number, device).step(); !row) return system_problem(row.problem());
  answer.total = static_cast<std::uint64_t>(count.integer(0));
  auto read = database_.must_prepare("SELECT " + std::string(Tables::kJob) + where +
                                     " ORDER BY j.number DESC LIMIT ?3 OFFSET ?4");
  read.bind(firmware->number, device, page.size, (page.page - 1) * page.size);
  for (auto row = read.step(); row && *row; row = read.step()) answer.items.push_back(Tables::job(read));
  return answer;
}

Answer<Page<TaskRow>> Upgrades::tasks(const TaskFilter& filter, PageRequest page) {
  static_cast<void>(flush());
  Where where;
  where.with("t.job", filter.job);
  where.with("t.device", filter.device);
  if (filter.unfinished) where.with("t.state<4");
  if (!filter.states.empty()) {
    std::string states;
    for (const TaskState state : filter.states)
      states.append(states.empty() ? "" : ",").append(std::to_string(static_cast<int>(state)));
    where.with("t.state IN (" + states + ")");
  }
  if (filter.names.size() > kMostValues)
    return refused("tercet.ota.InvalidParameter", "DeviceNames has at most 400 names");
  where.one_of("t.name", filter.names);
  if (!filter.module.empty()) where.one_of("f.module", {filter.module});
  const std::string from =
      " FROM tasks t JOIN jobs j ON j.number=t.job JOIN firmware f ON f.number=j.firmware WHERE " + where.text;
  Page<TaskRow> answer;
  answer.asked = page;
  auto count = database_.must_prepare("SELECT count(*)" + from);
  count.bind_all(where.values);
  if (const auto row = count.step(); !row) return system_problem(row.problem());
  answer.total = static_cast<std::uint64_t>(count.integer(0));
  auto read =
      database_.must_prepare("SELECT " + std::string(Tables::kTask) + ", " + std::string(Tables::kJob) + ", " +
                             std::string(Tables::kFirmware) + from + " ORDER BY t.number LIMIT " +
                             std::to_string(page.size) + " OFFSET " + std::to_string((page.page - 1) * page.size));
  read.bind_all(where.values);
  for (auto row = read.step(); row && *row; row = read.step())
    answer.items.push_back({Tables::task(read), Tables::job(read, Tables::kTaskColumns),
                            Tables::firmware(read, Tables::kTaskColumns + Tables::kJobColumns)});
  return answer;
}

Answer<Page<ModuleVersion>> Upgrades::versions(std::uint64_t device, PageRequest page) {
  static_cast<void>(flush());
  Page<ModuleVersion> answer;
  answer.asked = page;
  auto count = database_.must_prepare("SELECT count(*) FROM versions WHERE device=?");
  if (const auto row = count.bind(device).step(); !row) return system_problem(row.problem());
  answer.total = static_cast<std::uint64_t>(count.integer(0));
  auto read = database_.must_prepare(
      "SELECT module, version, at FROM versions WHERE device=? ORDER BY module LIMIT ? OFFSET ?");
  read.bind(device, page.size, (page.page - 1) * page.size);
  for (auto row = read.step(); row && *row; row = read.step())
    answer.items.push_back({read.text(0), read.text(1), UnixMillis{read.integer(2)}});
  return answer;
}

std::string Upgrades::version(std::uint64_t device, std::string_view module) {
  if (const auto noted = reported_.find(device); noted != reported_.end())
    if (const auto one = noted->second.find(std::string(module)); one != noted->second.end())
      return one->second.version;
  auto read = database_.must_prepare("SELECT version FROM versions WHERE device=? AND module=?");
  const auto row = read.bind(device, module).step();
  return row && *row ? read.text(0) : std::string{};
}

}  // namespace tercet::upgrade
