#include <boost/json/array.hpp>
#include <optional>

#include "platform/openapi/handlers.h"
#include "platform/openapi/utc_time.h"

// Upgrade jobs and their tasks (cloud-protocol 2.12).
namespace tercet::openapi {
namespace {

namespace json = boost::json;
using upgrade::Job;
using upgrade::JobKind;
using upgrade::JobOptions;
using upgrade::Selection;
using upgrade::TaskState;

constexpr std::size_t kJobPage = 200, kTaskPage = 100, kMostTags = 10, kMostNames = 200;

Answer bad_parameter(std::string_view text) { return refusal("tercet.ota.InvalidParameter", text); }

std::optional<TaskState> state_of(std::string_view text) {
  for (int i = 0; i <= static_cast<int>(TaskState::canceled); ++i)
    if (name(static_cast<TaskState>(i)) == text) return static_cast<TaskState>(i);
  return std::nullopt;
}

std::string_view selection_name(const Job& job) {
  if (job.options.selection == Selection::gray) return "GRAY";
  if (!job.options.group.empty()) return "GROUP";
  return job.options.selection == Selection::specific ? "SPECIFIC" : "ALL";
}

int whole(const Parameters& given, std::string_view name, int usual) {
  if (!given.has(name)) return usual;
  const auto number = given.number(name);
  return number && *number >= 0 && *number <= 1'000'000 ? static_cast<int>(*number) : -1;
}

using Tags = std::vector<std::pair<std::string, std::string>>;

/// Name.N.Key and Name.N.Value. Nothing: too many, or too long.
std::optional<Tags> tags_in(const Parameters& given, const std::string& name) {
  Tags tags;
  for (std::size_t i = 1;; ++i) {
    const std::string front = name + "." + std::to_string(i);
    const std::string_view key = given.text(front + ".Key"), value = given.text(front + ".Value");
    if (key.empty()) return tags;
    if (key.size() > 30 || value.size() > 128 || i > kMostTags) return std::nullopt;
    tags.emplace_back(key, value);
  }
}

/// What all three kinds of jobs take. Nothing: `problem` says why.
std::optional<JobOptions> options_of(const Call& call, Answer& problem) {
  const Parameters& given = call.parameters;
  JobOptions o;
  const std::string_view target = given.text("TargetSelection");
  if (target == "GRAY") o.selection = Selection::gray;
  if (target == "SPECIFIC") o.selection = Selection::specific;
  if (target == "GROUP") o.selection = Selection::group;
  if (!target.empty() && target != "ALL" && o.selection == Selection::all) {
    problem = bad_parameter("TargetSelection is ALL, SPECIFIC, GRAY or GROUP.");
    return std::nullopt;
  }
  o.group = given.text("GroupId");
  const bool takes_group = o.selection == Selection::group || call.action == "CreateOTADynamicUpgradeJob";
  const std::string_view type = given.text("GroupType");
  if ((!o.group.empty() && !takes_group) || (!type.empty() && type != "LINK_PLATFORM")) {
    problem = bad_parameter("GroupId goes with TargetSelection GROUP; GroupType is LINK_PLATFORM.");
    return std::nullopt;
  }
  if (given.has("DnListFileUrl")) {
    const std::string_view url = given.text("DnListFileUrl");
    o.list = url.substr(url.find_last_of('/') + 1);
    o.list.resize(std::min(o.list.size(), o.list.find('?')));
    if (o.selection != Selection::specific || given.has("TargetDeviceName.1")) {
      problem = bad_parameter("DnListFileUrl goes with TargetSelection SPECIFIC, in place of TargetDeviceName.N.");
      return std::nullopt;
    }
  }
  const std::string_view protocol = given.text("DownloadProtocol");
  if (!protocol.empty() && protocol != "HTTPS" && protocol != "MQTT") {
    problem = bad_parameter("DownloadProtocol is HTTPS or MQTT.");
    return std::nullopt;
  }
  o.over_mqtt = protocol == "MQTT";
  o.gray_percent = given.text("GrayPercent");
  o.devices = given.list("TargetDeviceName");
  o.sources = given.list("SrcVersion");
  if (o.devices.size() > kMostNames) {
    problem = bad_parameter("At most 200 TargetDeviceName.");
    return std::nullopt;
  }
  auto tags = tags_in(given, "Tag");
  if (!tags) {
    problem = bad_parameter("At most 10 tags; Key has at most 30 bytes, Value 128.");
    return std::nullopt;
  }
  o.tags = std::move(*tags);
  o.start = given.number("ScheduleTime").value_or(0);
  o.finish = given.number("ScheduleFinishTime").value_or(0);
  o.retries = whole(given, "RetryCount", 0);
  o.retry_minutes = whole(given, "RetryInterval", 0);
  o.timeout_minutes = whole(given, "TimeoutInMinutes", 1440);
  o.per_minute = whole(given, "MaximumPerMinute", 10'000);
  o.overwrite = given.text("OverwriteMode") == "2";
  o.newcomers_only = given.text("DynamicMode") == "2";
  o.push = given.flag("NeedPush").value_or(true);
  o.confirm = given.flag("NeedConfirm").value_or(false);
  o.multi_module = given.flag("MultiModuleMode").value_or(false);
  o.stop_percent = whole(given, "StopFailurePercent", 0);
  o.stop_after = whole(given, "StopAfter", 1);
  return o;
}

void create(JobKind kind, Services& services, const Call& call, const Reply& reply) {
  Answer problem;
  auto options = options_of(call, problem);
  if (!options) return reply(problem);
  const auto made = services.upgrades->create_job(kind, call.parameters.text("FirmwareId"),
                                                  call.parameters.text("ProductKey"), std::move(*options));
  if (!made) return reply(refusal(made.problem()));
  reply(success({{"Data", json::object{{"JobId", made->id}, {"UtcCreate", utc_millis(made->created)}}}}));
}

json::object tags_of(const Job& job) {
  json::array tags;
  for (const auto& tag : job.options.tags) tags.push_back(json::object{{"Key", tag.first}, {"Value", tag.second}});
  return {{"OtaTagDTO", std::move(tags)}};
}

/// What lists and QueryOTAJob have in common.
json::object job_row(const Job& job, const upgrade::Firmware& firmware) {
  return {{"FirmwareId", firmware.id},
          {"JobId", job.id},
          {"JobStatus", name(job.status)},
          {"JobType", job.kind == JobKind::verify ? "VERIFY_FIRMWARE" : "UPGRADE_FIRMWARE"},
          {"ProductKey", firmware.product},
          {"SelectionType", job.kind == JobKind::dynamic ? "DYNAMIC" : "STATIC"},
          {"Tags", tags_of(job)},
          {"TargetSelection", selection_name(job)},
          {"UtcCreate", utc_millis(job.created)},
          {"UtcEndTime", utc_millis(job.ended)},
          {"UtcModified", utc_millis(job.modified)},
          {"UtcStartTime", utc_millis(job.started)}};
}

void list_jobs(Services& services, const Call& call, std::uint64_t device, const Reply& reply) {
  const auto page = page_of(call.parameters, "CurrentPage", 10, kJobPage);
  if (!page) return reply(bad_page(kJobPage));
  const auto firmware = services.upgrades->firmware(call.parameters.text("FirmwareId"));
  if (!firmware) return reply(refusal(firmware.problem()));
  const auto jobs = services.upgrades->jobs(firmware->id, device, *page);
  if (!jobs) return reply(refusal(jobs.problem()));
  json::array rows;
  for (const Job& job : jobs->items) rows.push_back(job_row(job, *firmware));
  reply(success({{"CurrentPage", page->page},
                 {"Data", json::object{{"SimpleOTAJobInfo", std::move(rows)}}},
                 {"PageCount", jobs->page_count()},
                 {"PageSize", page->size},
                 {"Total", jobs->total}}));
}

json::object task_row(Services& services, const upgrade::TaskRow& row) {
  const auto device = services.registry.device(row.task.device);
  const auto product = services.registry.product(row.firmware.product);
  const std::string progress = std::to_string(row.task.progress) + ".00";
  return {
      {"DestVersion", row.firmware.version},
      {"DeviceName", row.task.device_name},
      {"FirmwareId", row.firmware.id},
      {"IotId", device ? device->device.iot_id : std::string{}},
      {"JobId", row.job.id},
      {"ModuleName", row.firmware.module},
      {"ProductKey", row.firmware.product},
      {"ProductName", product ? product->product.name : std::string{}},
      {"Progress", progress},
      {"SrcVersion", row.task.source},
      {"TaskDesc", row.task.text},
      {"TaskId", row.task.id},
      {"TaskStatus", name(row.task.state)},
      {"Timeout", row.job.options.timeout_minutes == 0 ? json::value()
                                                       : json::value(std::to_string(row.job.options.timeout_minutes))},
      {"UtcCreate", utc_millis(UnixMillis{row.task.created})},
      {"UtcModified", utc_millis(UnixMillis{row.task.modified})}};
}

template <typename T>
void reply_empty(const Reply& reply, const T& done) {
  reply(done ? success() : refusal(done.problem()));
}

}  // namespace

void create_ota_verify_job(Services& services, const Call& call, Reply reply) {
  create(JobKind::verify, services, call, reply);
}
void create_ota_static_upgrade_job(Services& services, const Call& call, Reply reply) {
  create(JobKind::fixed, services, call, reply);
}
void create_ota_dynamic_upgrade_job(Services& services, const Call& call, Reply reply) {
  create(JobKind::dynamic, services, call, reply);
}

void list_ota_job_by_firmware(Services& services, const Call& call, Reply reply) {
  list_jobs(services, call, 0, reply);
}

void list_ota_job_by_device(Services& services, const Call& call, Reply reply) {
  const auto device = services.registry.device(call.device());
  if (!device) return reply(refusal(device.problem()));
  list_jobs(services, call, device->device.number, reply);
}

void query_ota_job(Services& services, const Call& call, Reply reply) {
  const auto job = services.upgrades->job(call.parameters.text("JobId"));
  if (!job) return reply(refusal(job.problem()));
  const auto firmware = services.upgrades->firmware_of(*job);
  if (!firmware) return reply(refusal("tercet.ota.NotExistedFirmware", "The job's firmware was deleted."));
  const JobOptions& o = job->options;
  json::object row = job_row(*job, *firmware);
  json::array sources;
  for (const std::string& one : o.sources) sources.emplace_back(one);
  json::object tasks;
  const upgrade::Tally tally = services.upgrades->tally(*job);
  for (int i = 0; i <= static_cast<int>(TaskState::canceled); ++i) {
    const auto state = static_cast<TaskState>(i);
    tasks[name(state)] = tally[state];
  }
  row["DestVersion"] = firmware->version;
  row["DownloadProtocol"] = o.over_mqtt ? "MQTT" : "HTTPS";
  row["DynamicMode"] = job->kind == JobKind::dynamic ? json::value(o.newcomers_only ? 2 : 1) : json::value();
  row["GrayPercent"] = o.gray_percent;
  if (!o.group.empty()) {
    const auto group = services.registry.group(std::string_view(o.group));
    row["GroupId"] = o.group;
    row["GroupName"] = group ? group->name : std::string{};
  }
  row["JobDesc"] = job->text;
  row["MaximumPerMinute"] = o.per_minute;
  row["MultiModuleMode"] = o.multi_module;
  row["Name"] = firmware->name;
  row["NeedConfirm"] = o.confirm;
  row["NeedPush"] = o.push;
  row["OverwriteMode"] = o.overwrite ? 2 : 1;
  row["RetryCount"] = o.retries;
  row["RetryInterval"] = o.retry_minutes;
  row["SrcVersions"] = json::object{{"SrcVersion", std::move(sources)}};
  row["StopAfter"] = o.stop_after;
  row["StopFailurePercent"] = o.stop_percent;
  row["Tasks"] = std::move(tasks);
  row["TimeoutInMinutes"] = o.timeout_minutes;
  row["UtcScheduleFinishTime"] = utc_millis(UnixMillis{o.finish});
  row["UtcScheduleTime"] = utc_millis(UnixMillis{o.start});
  reply(success({{"Data", std::move(row)}}));
}

void update_ota_job(Services& services, const Call& call, Reply reply) {
  const Parameters& given = call.parameters;
  const auto job = services.upgrades->job(given.text("JobId"));
  if (!job) return reply(refusal(job.problem()));
  const std::string_view target = given.text("TargetSelection"), type = given.text("UpgradeType");
  const std::string_view is = job->kind == JobKind::dynamic ? "DYNAMIC" : "STATIC";
  if ((!target.empty() && target != selection_name(*job)) || (!type.empty() && type != is))
    return reply(bad_parameter("TargetSelection and UpgradeType of a job stay as they are: make another job."));
  upgrade::JobChange change;
  if (given.has("MaximumPerMinute")) change.per_minute = whole(given, "MaximumPerMinute", -1);
  if (given.has("TimeoutInMinutes")) change.timeout_minutes = whole(given, "TimeoutInMinutes", -1);
  if (auto versions = given.list("SrcVersionList"); !versions.empty()) change.sources = std::move(versions);
  auto tags = tags_in(given, "Tags");
  if (!tags) return reply(bad_parameter("At most 10 tags; Key has at most 30 bytes, Value 128."));
  if (!tags->empty()) change.tags = std::move(*tags);
  reply_empty(reply, services.upgrades->change_job(job->id, change));
}

void list_ota_task_by_job(Services& services, const Call& call, Reply reply) {
  const auto job = services.upgrades->job(call.parameters.text("JobId"));
  if (!job) return reply(refusal(job.problem()));
  const auto page = page_of(call.parameters, "CurrentPage", 10, kTaskPage);
  if (!page) return reply(bad_page(kTaskPage));
  upgrade::TaskFilter filter;
  filter.job = job->number;
  filter.names = call.parameters.list("DeviceNames");
  if (const std::string_view status = call.parameters.text("TaskStatus"); !status.empty()) {
    const auto state = state_of(status);
    if (!state)
      return reply(
          bad_parameter("TaskStatus is QUEUED, NOTIFIED, IN_PROGRESS, SUCCEEDED, FAILED, CANCELED or CONFIRM."));
    filter.states = {*state};
  }
  const auto tasks = services.upgrades->tasks(filter, *page);
  if (!tasks) return reply(refusal(tasks.problem()));
  json::array rows;
  for (const auto& one : tasks->items) rows.push_back(task_row(services, one));
  reply(success({{"CurrentPage", page->page},
                 {"Data", json::object{{"SimpleOTATaskInfo", std::move(rows)}}},
                 {"PageCount", tasks->page_count()},
                 {"PageSize", page->size},
                 {"Total", tasks->total}}));
}

void list_ota_unfinished_task_by_device(Services& services, const Call& call, Reply reply) {
  const auto device = services.registry.device(call.device());
  if (!device) return reply(refusal(device.problem()));
  upgrade::TaskFilter filter;
  filter.device = device->device.number;
  filter.unfinished = true;
  filter.module = call.parameters.text("ModuleName");
  auto wanted = call.parameters.list("TaskStatusList");
  if (call.parameters.has("TaskStatus")) wanted.emplace_back(call.parameters.text("TaskStatus"));
  for (const std::string& one : wanted) {
    const auto state = state_of(one);
    if (!state) return reply(bad_parameter("TaskStatus is QUEUED, NOTIFIED, IN_PROGRESS or CONFIRM."));
    filter.states.push_back(*state);
  }
  const auto tasks = services.upgrades->tasks(filter, {1, 1000});
  if (!tasks) return reply(refusal(tasks.problem()));
  json::array rows;
  for (const auto& one : tasks->items) rows.push_back(task_row(services, one));
  reply(success({{"Data", json::object{{"SimpleOTATaskInfo", std::move(rows)}}}}));
}

void cancel_ota_strategy_by_job(Services& services, const Call& call, Reply reply) {
  reply_empty(reply, services.upgrades->end_strategy(call.parameters.text("JobId")));
}

void cancel_ota_task_by_job(Services& services, const Call& call, Reply reply) {
  const auto asked = [&](std::string_view name) { return call.parameters.flag(name).value_or(false); };
  upgrade::Upgrades::Which which;
  which.scheduled = asked("CancelScheduledTask");
  which.queued = asked("CancelQueuedTask");
  which.notified = asked("CancelNotifiedTask");
  which.in_progress = asked("CancelInProgressTask");
  which.unconfirmed = asked("CancelUnconfirmedTask");
  reply_empty(reply, services.upgrades->cancel_job(call.parameters.text("JobId"), which));
}

void cancel_ota_task_by_device(Services& services, const Call& call, Reply reply) {
  const auto names = call.parameters.list("DeviceName");
  if (names.size() > kMostNames) return reply(bad_parameter("At most 200 DeviceName."));
  std::vector<std::uint64_t> devices;
  for (const auto& one : services.registry.devices(call.parameters.text("ProductKey"), names))
    devices.push_back(one.device.number);
  if (devices.empty()) return reply(refusal("iot.device.NotExistedDevice", "The product has none of these devices."));
  reply_empty(reply, services.upgrades->cancel_devices(call.parameters.text("FirmwareId"), devices,
                                                       call.parameters.text("JobId")));
}

void reupgrade_ota_task(Services& services, const Call& call, Reply reply) {
  reply_empty(reply, services.upgrades->upgrade_again(call.parameters.text("JobId"), call.parameters.list("TaskId")));
}

void confirm_ota_task(Services& services, const Call& call, Reply reply) {
  reply_empty(reply, services.upgrades->confirm(call.parameters.list("TaskId")));
}

}  // namespace tercet::openapi
