#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "platform/job/task.h"
#include "platform/registry/records.h"
#include "tercet/base/time.h"

namespace tercet::job {

/// Why a call was refused: `tercet.job.*`; the detail has the remedy.
using registry::Answer;
using registry::Page;
using registry::PageRequest;
using registry::RegistryProblem;

enum class JobType : std::uint8_t {
  custom,    ///< the device is notified and reports (device-protocol 8.11)
  service,   ///< a service call per device; its answer is the result
  property,  ///< a property set per device; its answer is the result
};
std::string_view name(JobType type);  ///< "CUSTOM_JOB"
std::optional<JobType> job_type(std::string_view name);

enum class JobStatus : std::uint8_t { waiting, in_progress, completed, cancelled, removing };
inline constexpr std::size_t kJobStatuses = 5;
std::string_view name(JobStatus status);  ///< "IN_PROGRESS"
std::optional<JobStatus> job_status(std::string_view name);
constexpr bool is_over(JobStatus status) { return status >= JobStatus::completed; }

enum class Target : std::uint8_t { devices, group, product };

/// A file that goes with a job: the device fetches it.
struct JobFile {
  std::string url, sign, method;  ///< method: Md5 or Sha256
  std::string key;                ///< of a file that was uploaded here; then the url is made anew for each device
  bool empty() const { return url.empty() && key.empty(); }
};

/// What a job is made of.
struct NewJob {
  std::string name, about;
  JobType type = JobType::custom;
  std::string document;  ///< JSON object
  JobFile file;          ///< may be empty
  Target target = Target::devices;
  std::vector<registry::DeviceRef> devices;
  std::string group, product;
  int per_minute = 1000;
  int timeout_minutes = 0;  ///< after IN_PROGRESS; 0: none
  std::uint8_t qos = 1;     ///< of notifications
  std::int64_t start = 0;   ///< wall milliseconds; 0: at once
};

struct Job {
  std::uint64_t number = 0;
  std::string id, name, about;
  JobType type = JobType::custom;
  JobStatus status = JobStatus::waiting;
  std::string document;
  JobFile file;
  Target target = Target::devices;
  std::string devices;         ///< JSON: [["product","name"],...], as they were given
  std::string group, product;  ///< of the target
  int per_minute = 1000, timeout_minutes = 0;
  std::uint8_t qos = 1;
  std::int64_t start = 0;
  std::int64_t created = 0, modified = 0;

  Millis timeout() const { return Millis{std::int64_t{60'000} * timeout_minutes}; }
};

/// Only what is set changes.
struct JobChange {
  std::optional<std::string> about;
  std::optional<int> per_minute, timeout_minutes;
};

/// How many of a job's tasks are in each state.
struct Tally {
  std::uint64_t of[kTaskStates] = {};
  std::uint64_t operator[](TaskState state) const { return of[static_cast<std::size_t>(state)]; }
  std::uint64_t& operator[](TaskState state) { return of[static_cast<std::size_t>(state)]; }
  std::uint64_t total() const {
    std::uint64_t sum = 0;
    for (const auto one : of) sum += one;
    return sum;
  }
  std::uint64_t unfinished() const { return of[0] + of[1] + of[2]; }
};

struct TaskRow {
  Task task;
  std::string job_id, job_name;
};

/// Which tasks a list is for.
struct TaskFilter {
  std::uint64_t job = 0, device = 0;  ///< 0: any
  std::optional<TaskState> state;
  std::uint64_t after = 0;  ///< number of the last task of the page before
  std::size_t most = 10;
};

}  // namespace tercet::job
