#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "platform/upgrade/tables.h"

// Jobs: made, begun, stopped, ended; and their tasks.
namespace tercet::upgrade {
namespace {

constexpr std::string_view kBusy = "the device had another upgrade of this module under way";
constexpr std::int64_t kMinute = 60'000, kHour = 60 * kMinute;

bool has(const std::vector<std::string>& list, std::string_view one) {
  return std::find(list.begin(), list.end(), one) != list.end();
}

}  // namespace

Answer<void> Upgrades::check_options(JobKind kind, const Firmware& firmware, const JobOptions& o) {
  const auto bad = [this](std::string_view name, std::string_view range) -> Answer<void> {
    return refused("tercet.ota.InvalidParameter", std::string(name) + " is " + std::string(range));
  };
  if (o.retries != 0 && o.retries != 1 && o.retries != 2 && o.retries != 5) return bad("RetryCount", "1, 2 or 5");
  constexpr int kIntervals[] = {0, 10, 30, 60, 1440};
  if (std::find(std::begin(kIntervals), std::end(kIntervals), o.retry_minutes) == std::end(kIntervals))
    return bad("RetryInterval", "0, 10, 30, 60 or 1440 minutes");
  if (o.timeout_minutes < 0 || o.timeout_minutes > 1440) return bad("TimeoutInMinutes", "1 to 1440");
  if (o.per_minute < 10 || o.per_minute > 10'000) return bad("MaximumPerMinute", "10 to 10000");
  if (o.stop_percent < 0 || o.stop_percent > 100 || o.stop_after < 1)
    return bad("StopFailurePercent", "1 to 100, and StopAfter at least 1");
  if (o.multi_module && o.overwrite) return bad("OverwriteMode", "1 when MultiModuleMode is true");
  if (o.start != 0 && (o.start < now() + 5 * kMinute || o.start > now() + 7 * 24 * kHour))
    return bad("ScheduleTime", "5 minutes to 7 days from now, in milliseconds since 1970");
  const std::int64_t from = o.start != 0 ? o.start : now();
  if (o.finish != 0 && (o.finish < from + kHour || o.finish > from + 30 * 24 * kHour))
    return bad("ScheduleFinishTime", "1 hour to 30 days after the start");
  const double percent = std::strtod(o.gray_percent.c_str(), nullptr);
  if (o.selection == Selection::gray && !(percent > 0 && percent <= 100))
    return bad("GrayPercent", "over 0, up to 100");
  if (o.selection == Selection::specific && kind != JobKind::dynamic && o.devices.empty() && o.list.empty())
    return bad("TargetDeviceName", "needed: at least one device, or a list of them in DnListFileUrl");
  if (o.selection == Selection::group || !o.group.empty())
    if (const auto known = wiring_.registry.group(o.group); !known) return known.problem();
  if (firmware.diff && kind != JobKind::verify && !has(o.sources, firmware.source))
    return bad("SrcVersion", "the version that the differential package is for, " + firmware.source);
  if (o.over_mqtt && firmware.bytes > settings_.image_bytes_over_mqtt)
    return bad("DownloadProtocol", "HTTPS: over MQTT a file has at most 16 MB");
  if (!o.over_mqtt && link(firmware).empty())
    return refused("tercet.ota.FilesNotOffered",
                   "devices have no address to fetch files from: set [files] in the configuration of tercet serve, or "
                   "say DownloadProtocol MQTT");
  if (kind == JobKind::dynamic)
    for (const auto& [number, live] : live_)
      if (live.firmware.number == firmware.number && live.job.kind == JobKind::dynamic &&
          live.job.status == JobStatus::in_progress)
        return refused("tercet.ota.DynamicJobExists",
                       "the firmware has the dynamic job " + live.job.id + ": end it first (CancelOTAStrategyByJob)");
  const bool good = firmware.status == FirmwareStatus::no_check || firmware.status == FirmwareStatus::verified;
  if (kind != JobKind::verify && !good)
    return refused(
        "tercet.ota.NotVerified",
        "the firmware has passed no verification job yet: CreateOTAVerifyJob with one device first, or create "
        "it with NeedToVerify=false");
  return {};
}

/// Whether the device's version is one that the job is for.
bool Upgrades::suits(const Job& job, const Firmware& firmware, std::uint64_t device) {
  const std::string runs = version(device, firmware.module);
  if (runs == firmware.version) return false;
  if (!job.options.group.empty() && !wiring_.registry.is_in_group(device, job.options.group)) return false;
  return job.options.sources.empty() || has(job.options.sources, runs);
}

Answer<std::vector<registry::DeviceName>> Upgrades::targets(const Job& job, const Firmware& firmware) {
  const bool named = job.options.selection == Selection::specific && job.kind != JobKind::dynamic;
  std::vector<registry::DeviceName> found;
  if (named) {
    const auto names = names_of(job.options);
    if (!names) return names.problem();
    for (auto& record : wiring_.registry.devices(firmware.product, *names))
      found.push_back({record.device.number, record.device.name});
  } else if (!job.options.group.empty()) {
    const auto members = wiring_.registry.group_members(job.options.group);
    if (!members) return members.problem();
    for (const auto& device : *members)
      if (device.product == firmware.product && device.enabled) found.push_back({device.number, device.name});
  } else {
    found = wiring_.registry.device_names(firmware.product);
  }
  std::erase_if(found, [&](const registry::DeviceName& one) { return !suits(job, firmware, one.number); });
  if (job.options.selection != Selection::gray || found.empty()) return found;
  const double share = std::strtod(job.options.gray_percent.c_str(), nullptr) / 100;
  const auto wanted =
      std::max<std::size_t>(1, static_cast<std::size_t>(std::floor(share * double(found.size()) + 1e-9)));
  for (std::size_t i = 0; i < wanted; ++i)  // the first of a shuffle
    std::swap(found[i], found[i + wiring_.loop.random().next() % (found.size() - i)]);
  found.resize(wanted);
  return found;
}

Answer<Job> Upgrades::create_job(JobKind kind, std::string_view firmware_id, std::string_view product,
                                 JobOptions options) {
  const auto firmware = this->firmware(firmware_id);
  if (!firmware) return firmware.problem();
  if (firmware->product != product)
    return refused("tercet.ota.NotExistedFirmware", "the firmware belongs to another product");
  if (kind == JobKind::verify) options.selection = Selection::specific;
  if (const auto good = check_options(kind, *firmware, options); !good) return good.problem();
  Live live;
  live.job.number = next_job_;
  live.job.firmware = firmware->number;
  live.job.id = new_id();
  live.job.kind = kind;
  live.job.options = std::move(options);
  live.job.created.ms = live.job.modified.ms = now();
  live.firmware = *firmware;
  std::vector<registry::DeviceName> devices;
  if (kind != JobKind::dynamic || !live.job.options.newcomers_only) {
    auto found = targets(live.job, *firmware);
    if (!found) return found.problem();
    devices = std::move(*found);
  }
  if (kind != JobKind::dynamic && devices.empty())
    return refused("tercet.ota.NoDevices",
                   "no device is left: the names are unknown, or the group has none of this product; or they run "
                   "another version than SrcVersion, or the new one");
  if (devices.size() > settings_.job_devices)
    return refused("tercet.ota.TooManyDevices", "the job is for more than " + std::to_string(settings_.job_devices) +
                                                    " devices: use GRAY or SPECIFIC");
  if (live.job.options.start == 0) {
    live.job.status = JobStatus::in_progress;
    live.job.started.ms = now();
  }
  if (kind == JobKind::verify) {
    live.firmware.status = FirmwareStatus::verifying;
    live.firmware.modified.ms = now();
    if (const auto put = Tables::put(database_, live.firmware); !put)
      return RegistryProblem{put.problem().code, "iot.system.SystemException", put.problem().detail};
  }
  ++next_job_;
  const std::uint64_t number = live.job.number;
  Live& placed = live_.emplace(number, std::move(live)).first->second;
  dirty_jobs_.insert(number);
  tell_job(placed);
  for (const registry::DeviceName& device : devices) add_task(placed, device);
  const Job made = placed.job;
  settle(placed);
  if (const auto done = saved(); !done) return done.problem();
  return made;
}

Task* Upgrades::conflicting(const Live& live, std::uint64_t device) {
  const auto open = by_device_.find(device);
  if (open == by_device_.end()) return nullptr;
  for (const auto number : open->second) {
    Task& other = tasks_.at(number);
    const Live* const theirs = live_of(other);
    if (theirs == nullptr || theirs->job.number == live.job.number) continue;
    if (theirs->firmware.module == live.firmware.module) return &other;
  }
  return nullptr;
}

void Upgrades::add_task(Live& live, const registry::DeviceName& device) {
  if (Task* const other = conflicting(live, device.number)) {
    if (live.job.options.overwrite && other->state != TaskState::in_progress)
      change(other->number, [&](Task& t, const Patience&) { return canceled(t, "a later job took its place", now()); });
  }
  Task task;
  task.number = next_task_++;
  task.id = new_id();
  task.job = live.job.number;
  task.device = device.number;
  task.device_name = device.name;
  task.source = version(device.number, live.firmware.module);
  task.created = task.modified = now();
  if (conflicting(live, device.number) != nullptr) {
    static_cast<void>(failed(task, kBusy, now()));
    task.progressed = -1;  // no fault of the firmware
    ++live.conflicts;
    over_.push_back(task.number);
  } else {
    task.state = live.job.options.confirm ? TaskState::confirm : TaskState::queued;
    if (task.state == TaskState::queued && live.job.options.push) task.due = std::max(now(), live.job.options.start);
    live.open.insert(task.number);
    by_device_[device.number].push_back(task.number);
  }
  ++live.tally.of[static_cast<std::size_t>(task.state)];
  dirty_tasks_.insert(task.number);
  schedule(tasks_.emplace(task.number, std::move(task)).first->second);
}

Upgrades::Live* Upgrades::live_of(const Task& task) {
  const auto live = live_.find(task.job);
  return live == live_.end() ? nullptr : &live->second;
}

void Upgrades::schedule(Task& task) {
  if (task.agenda != 0) agenda_.erase({task.agenda, task.number});
  const Live* const live = live_of(task);
  const std::int64_t next = live == nullptr ? kNever : task.next(live->job.options.patience());
  task.agenda = next == kNever ? 0 : std::max<std::int64_t>(next, 1);
  if (task.agenda != 0) agenda_.emplace(task.agenda, task.number);
}

/// After a task has ended: is the job over, or does it fail too often?
void Upgrades::settle(Live& live) {
  stop_if_failing(live);
  if (live.job.status != JobStatus::in_progress || !live.open.empty()) return;
  if (live.job.kind == JobKind::verify) {
    const bool good = live.tally[TaskState::succeeded] == live.tally.total();
    live.firmware.status = good ? FirmwareStatus::verified : FirmwareStatus::failed;
    live.firmware.modified.ms = now();
    static_cast<void>(Tables::put(database_, live.firmware));
  }
  if (live.job.kind != JobKind::dynamic) end(live, JobStatus::completed, {});
}

void Upgrades::stop_if_failing(Live& live) {
  const JobOptions& o = live.job.options;
  if (o.stop_percent == 0 || live.job.status != JobStatus::in_progress) return;
  const std::uint64_t bad = live.tally[TaskState::failed] - std::min(live.conflicts, live.tally[TaskState::failed]);
  const std::uint64_t ended = bad + live.tally[TaskState::succeeded];
  if (ended < static_cast<std::uint64_t>(o.stop_after)) return;
  if (bad * 100 <= static_cast<std::uint64_t>(o.stop_percent) * ended) return;
  const std::string why = "stopped: " + std::to_string(bad) + " of " + std::to_string(ended) +
                          " ended tasks failed, more than " + std::to_string(o.stop_percent) + " percent";
  end(live, JobStatus::canceled, why);
  cancel_open(live, {true, true, true, false, true}, why);
}

void Upgrades::end(Live& live, JobStatus status, std::string_view why) {
  live.job.status = status;
  live.job.text = why;
  live.job.ended.ms = live.job.modified.ms = now();
  dirty_jobs_.insert(live.job.number);
  tell_job(live);
  if (live.job.kind == JobKind::verify && live.firmware.status == FirmwareStatus::verifying) {
    live.firmware.status = FirmwareStatus::failed;
    static_cast<void>(Tables::put(database_, live.firmware));
  }
}

void Upgrades::cancel_open(Live& live, const Which& which, std::string_view why) {
  const bool scheduled = which.scheduled && live.job.options.start > now();
  for (const auto number : std::vector<std::uint64_t>(live.open.begin(), live.open.end())) {
    change(number, [&](Task& task, const Patience&) {
      const bool wanted = scheduled || (task.state == TaskState::queued && which.queued) ||
                          (task.state == TaskState::notified && which.notified) ||
                          (task.state == TaskState::in_progress && which.in_progress) ||
                          (task.state == TaskState::confirm && which.unconfirmed);
      return wanted && canceled(task, why, now());
    });
  }
}

Answer<void> Upgrades::cancel_job(std::string_view id, const Which& which) {
  const auto found = job(id);
  if (!found) return found.problem();
  if (!which.scheduled && !which.queued && !which.notified && !which.in_progress && !which.unconfirmed)
    return refused("tercet.ota.NothingToCancel",
                   "say which tasks: CancelScheduledTask, CancelQueuedTask, CancelNotifiedTask, CancelInProgressTask, "
                   "CancelUnconfirmedTask");
  const auto live = live_.find(found->number);
  if (live == live_.end()) return {};
  const JobStatus before = live->second.job.status;
  // First the job, so that its tasks' end is not taken for its completion.
  const bool waits = before == JobStatus::planned;
  if (before == JobStatus::in_progress) live->second.job.status = JobStatus::planned;
  cancel_open(live->second, which, "canceled by the operator");
  live->second.job.status = before;
  if (live->second.open.empty() && (waits || before == JobStatus::in_progress) &&
      live->second.job.kind != JobKind::dynamic)
    end(live->second, JobStatus::canceled, "canceled by the operator");
  return saved();
}

Answer<void> Upgrades::end_strategy(std::string_view id) {
  const auto found = job(id);
  if (!found) return found.problem();
  if (found->kind != JobKind::dynamic)
    return refused("tercet.ota.NotDynamic", "only a dynamic job has a strategy: CancelOTATaskByJob for the others");
  const auto live = live_.find(found->number);
  if (live != live_.end() && live->second.job.status < JobStatus::completed)
    end(live->second, JobStatus::canceled, "the strategy was ended by the operator");
  const auto done = saved();
  forget_if_over(found->number);
  return done;
}

Answer<void> Upgrades::cancel_devices(std::string_view firmware_id, const std::vector<std::uint64_t>& devices,
                                      std::string_view job_id) {
  const auto firmware = this->firmware(firmware_id);
  if (!firmware) return firmware.problem();
  for (const auto device : devices) {
    const auto open = by_device_.find(device);
    if (open == by_device_.end()) continue;
    for (const auto number : std::vector<std::uint64_t>(open->second)) {
      const Live* const live = live_of(tasks_.at(number));
      if (live == nullptr || live->firmware.number != firmware->number) continue;
      if (!job_id.empty() && live->job.id != job_id) continue;
      change(number, [&](Task& t, const Patience&) { return canceled(t, "canceled by the operator", now()); });
    }
  }
  return saved();
}

Answer<void> Upgrades::upgrade_again(std::string_view job_id, const std::vector<std::string>& wanted) {
  const auto found = job(job_id);
  if (!found) return found.problem();
  if (const auto done = saved(); !done) return done.problem();
  const auto firmware = firmware_of(*found);
  if (!firmware) return refused("tercet.ota.NotExistedFirmware", "the job's firmware was deleted");
  auto placed = live_.find(found->number);
  if (placed == live_.end()) {
    Live live;
    live.job = *found;
    live.firmware = *firmware;
    live.tally = tally(*found);
    placed = live_.emplace(found->number, std::move(live)).first;
  }
  Live& live = placed->second;
  auto read = database_.must_prepare("SELECT " + std::string(Tables::kTask) +
                                     " FROM tasks t WHERE t.job=? AND t.state IN (5, 6)");
  read.bind(found->number);
  std::vector<Task> tasks;
  for (auto row = read.step(); row && *row; row = read.step()) {
    Task task = Tables::task(read);
    if (wanted.empty() ? task.state == TaskState::failed : has(wanted, task.id)) tasks.push_back(std::move(task));
  }
  for (Task& task : tasks) {
    if (conflicting(live, task.device) != nullptr) continue;
    --live.tally.of[static_cast<std::size_t>(task.state)];
    if (task.progressed < 0 && live.conflicts > 0) --live.conflicts;
    static_cast<void>(again(task, now()));
    ++live.tally.of[static_cast<std::size_t>(task.state)];
    live.open.insert(task.number);
    by_device_[task.device].push_back(task.number);
    dirty_tasks_.insert(task.number);
    tasks_[task.number] = std::move(task);
    schedule(tasks_[task.number]);
  }
  if (!tasks.empty() && live.job.kind != JobKind::dynamic) {
    live.job.status = JobStatus::in_progress;
    live.job.modified.ms = now();
    live.job.ended = {};
    live.job.text.clear();
    tell_job(live);
    if (live.job.kind == JobKind::verify) {
      live.firmware.status = FirmwareStatus::verifying;
      static_cast<void>(Tables::put(database_, live.firmware));
    }
    dirty_jobs_.insert(live.job.number);
  }
  const auto done = saved();
  forget_if_over(found->number);
  return done;
}

Answer<void> Upgrades::confirm(const std::vector<std::string>& wanted) {
  for (const std::string& id : wanted) {
    const auto found = std::find_if(tasks_.begin(), tasks_.end(), [&](const auto& one) { return one.second.id == id; });
    if (found == tasks_.end()) return refused("tercet.ota.NotExistedTask", "no task that waits has the id " + id);
    change(found->first, [&](Task& task, const Patience&) { return confirmed(task, now()); });
  }
  return saved();
}

void Upgrades::forget(std::uint64_t device) {
  if (const auto open = by_device_.find(device); open != by_device_.end())
    for (const auto number : std::vector<std::uint64_t>(open->second))
      change(number, [&](Task& task, const Patience&) { return canceled(task, "the device was deleted", now()); });
  reported_.erase(device);
  auto erase = database_.must_prepare("DELETE FROM versions WHERE device=?");
  static_cast<void>(erase.bind(device).run());
  static_cast<void>(flush());
}

/// Planned jobs begin, and those whose window is over end.
void Upgrades::begin_and_end_jobs() {
  std::vector<std::uint64_t> ending;
  for (auto& [number, live] : live_) {
    if (live.job.status == JobStatus::planned && live.job.options.start <= now()) {
      live.job.status = JobStatus::in_progress;
      live.job.started.ms = live.job.modified.ms = now();
      dirty_jobs_.insert(number);
      tell_job(live);
    }
    const std::int64_t finish = live.job.options.finish;
    if (live.job.status == JobStatus::in_progress && finish != 0 && finish <= now()) ending.push_back(number);
  }
  for (const auto number : ending) {
    Live& live = live_.at(number);
    cancel_open(live, {true, true, true, false, true}, "the time of the job was over");
    if (live.job.kind == JobKind::dynamic) end(live, JobStatus::completed, "the time of the job was over");
  }
}

}  // namespace tercet::upgrade
