#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "platform/registry/records.h"
#include "platform/upgrade/task.h"
#include "tercet/base/time.h"

namespace tercet::upgrade {

/// Why a call was refused: the cloud's business code where it has one, else `tercet.ota.*`; the detail has the remedy.
using registry::Answer;
using registry::Page;
using registry::PageRequest;
using registry::RegistryProblem;

inline constexpr std::string_view kDefaultModule = "default";

/// A part of a device that has a version of its own.
struct Module {
  std::string product, name, alias, about;
  UnixMillis created{}, modified{};
};

enum class SignMethod : std::uint8_t { md5, sha256 };
/// The numbers are the cloud's.
enum class FirmwareStatus : std::int8_t { no_check = -1, unverified = 0, verified = 1, verifying = 2, failed = 3 };

struct NewFirmware {
  std::string product, module, name, about, version, source;
  bool diff = false;
  SignMethod method = SignMethod::md5;
  std::string key;          ///< of the upload
  std::string sign;         ///< what the caller says the digest is; "" = not said
  std::string signature;    ///< base64, made with the maker's private key; "" = none
  std::string udi;          ///< handed to devices as it is
  std::uint64_t bytes = 0;  ///< what the caller says; 0 = not said
  bool verify = true;
};

struct Firmware {
  std::uint64_t number = 0;
  std::string id, product, module, name, about, version, source, sign, md5, sha256, signature, udi, file;
  bool diff = false;
  SignMethod method = SignMethod::md5;
  FirmwareStatus status = FirmwareStatus::unverified;
  std::uint64_t bytes = 0;
  UnixMillis created{}, modified{};
};

/// Only what is set changes.
struct FirmwareChange {
  std::optional<std::string> name, about, udi;
};
struct JobChange {
  std::optional<int> per_minute, timeout_minutes;
  std::optional<std::vector<std::string>> sources;  ///< of a dynamic job
  std::optional<std::vector<std::pair<std::string, std::string>>> tags;
};

enum class JobKind : std::uint8_t { verify, fixed, dynamic };
enum class JobStatus : std::uint8_t { planned, in_progress, completed, canceled };
std::string_view name(JobStatus status);  ///< "IN_PROGRESS"
enum class Selection : std::uint8_t { all, specific, gray, group };

/// What a job was made with. Times are wall milliseconds, 0 = not given.
struct JobOptions {
  Selection selection = Selection::all;
  std::string gray_percent;          ///< as it was given, "33.33"
  std::vector<std::string> devices;  ///< names; specific, verify
  std::string list;                  ///< of an upload: more names, a line each; specific. Not kept with the job
  std::string group;                 ///< GroupId; of a dynamic job too, which has no other selection
  std::vector<std::string> sources;  ///< versions it is for; none = every one
  std::vector<std::pair<std::string, std::string>> tags;
  std::int64_t start = 0, finish = 0;
  int retries = 0, retry_minutes = 0;
  int timeout_minutes = 1440;
  int per_minute = 10'000;
  bool overwrite = false;       ///< a task that has not begun gives way
  bool newcomers_only = false;  ///< dynamic mode 2
  bool push = true, confirm = false, over_mqtt = false, multi_module = false;
  /// Our extension: the job stops when more than so many percent of its ended tasks failed; 0 = never. Looked at once
  /// `stop_after` have ended.
  int stop_percent = 0, stop_after = 1;

  Patience patience() const {
    return {retries, Millis{std::int64_t{60'000} * retry_minutes}, Millis{std::int64_t{60'000} * timeout_minutes}};
  }
};
std::string to_text(const JobOptions& options);
JobOptions options_of(std::string_view text);  ///< of to_text(); what is missing or wrong has its default

struct Job {
  std::uint64_t number = 0, firmware = 0;
  std::string id;
  JobKind kind = JobKind::fixed;
  JobStatus status = JobStatus::planned;
  std::string text;  ///< why it was stopped
  JobOptions options;
  UnixMillis created{}, modified{}, started{}, ended{};
};

/// How many of a job's tasks are in each state.
struct Tally {
  std::uint64_t of[7] = {};
  std::uint64_t operator[](TaskState state) const { return of[static_cast<std::size_t>(state)]; }
  std::uint64_t total() const {
    std::uint64_t sum = 0;
    for (const auto one : of) sum += one;
    return sum;
  }
  std::uint64_t open() const {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < 4; ++i) sum += of[i];
    return sum;
  }
};

/// A task as lists show it.
struct TaskRow {
  Task task;
  Job job;
  Firmware firmware;
};

struct ModuleVersion {
  std::string module, version;
  UnixMillis at{};
};

/// Which tasks a query is for; what is empty does not matter.
struct TaskFilter {
  std::uint64_t job = 0, device = 0;
  std::vector<TaskState> states;
  std::vector<std::string> names;
  std::string module;
  bool unfinished = false;
};

}  // namespace tercet::upgrade
