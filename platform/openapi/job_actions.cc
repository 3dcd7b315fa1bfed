#include <boost/json.hpp>
#include <charconv>
#include <optional>

#include "platform/openapi/handlers.h"
#include "platform/openapi/upload.h"
#include "platform/openapi/utc_time.h"

// Jobs for devices (cloud-protocol, Appendix A).
namespace tercet::openapi {
namespace {

namespace json = boost::json;
using job::Job;
using job::TaskState;

constexpr std::size_t kPage = 50, kMaxConfig = 8192;

Answer not_offered() { return refusal("iot.system.SystemException", "This platform keeps no jobs."); }
Answer bad_parameter(std::string_view text) { return refusal("tercet.job.InvalidParameter", text); }

/// A map that a parameter has as JSON text. The cloud's documents spell members both ways: targetType, TargetType.
class Config {
 public:
  /// Nothing: it is no object, or over `most`. Absent: empty.
  static std::optional<Config> of(const Parameters& given, std::string_view name, std::size_t most = kMaxConfig) {
    Config config;
    if (!given.has(name)) return config;
    const std::string_view text = given.text(name);
    boost::system::error_code wrong;
    const auto value = json::parse(json::string_view(text.data(), text.size()), wrong);
    if (wrong || !value.is_object() || text.size() > most) return std::nullopt;
    config.members_ = value.get_object();
    return config;
  }
  explicit Config(json::object members = {}) : members_(std::move(members)) {}
  bool empty() const { return members_.empty(); }

  const json::value* find(std::string name) const {
    if (const auto* value = members_.if_contains(name)) return value;
    name[0] = static_cast<char>(name[0] ^ 0x20);
    return members_.if_contains(name);
  }
  std::string text(const std::string& name) const {
    const auto* value = find(name);
    if (value == nullptr || value->is_null()) return {};
    return value->is_string() ? std::string(value->get_string()) : json::serialize(*value);
  }
  /// -1: no whole number.
  int number(const std::string& name, int usual) const {
    const std::string digits = text(name);
    if (digits.empty()) return usual;
    int value = -1;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return read.ec == std::errc() && read.ptr == digits.data() + digits.size() ? value : -1;
  }

 private:
  json::object members_;
};

Answer bad_config(const std::string& name, const std::string& example) {
  return bad_parameter(name + " is the text of a JSON object: " + example + ".");
}

/// Nothing: the problem.
std::optional<Answer> read_target(const Parameters& given, job::NewJob& wanted) {
  const std::string example =
      R"({"targetType":"DEVICE_LIST","targetDevices":[{"productKey":"...","deviceName":"..."}]})";
  const auto config = Config::of(given, "TargetConfig", 256 * 1024);
  if (!config) return bad_config("TargetConfig", example);
  const std::string type = config->text("targetType");
  wanted.group = config->text("targetGroup");
  wanted.product = config->text("targetProduct");
  if (type == "GROUP_ID") return wanted.target = job::Target::group, std::nullopt;
  if (type == "PRODUCT_KEY") return wanted.target = job::Target::product, std::nullopt;
  const auto* devices = config->find("targetDevices");
  if (type != "DEVICE_LIST" || devices == nullptr || !devices->is_array())
    return bad_parameter(
        "TargetConfig.targetType is DEVICE_LIST with targetDevices, GROUP_ID with targetGroup, or "
        "PRODUCT_KEY with targetProduct: " +
        example + ".");
  for (const auto& one : devices->get_array()) {
    if (!one.is_object()) return bad_config("TargetConfig", example);
    const Config device(one.get_object());
    wanted.devices.push_back({device.text("iotId"), device.text("productKey"), device.text("deviceName")});
  }
  return std::nullopt;
}

std::optional<Answer> read_file(const Parameters& given, job::NewJob& wanted) {
  const auto config = Config::of(given, "JobFile");
  if (!config) return bad_config("JobFile", R"({"fileUrl":"https://...","signMethod":"Sha256","sign":"..."})");
  if (config->empty()) return std::nullopt;
  wanted.file = {config->text("fileUrl"), config->text("sign"), config->text("signMethod"), config->text("fileKey")};
  if (wanted.file.url.empty() && !wanted.file.key.empty()) return std::nullopt;
  if (!wanted.file.key.empty() || (!wanted.file.url.starts_with("https://") && !wanted.file.url.starts_with("http://")))
    return bad_parameter(
        "JobFile has either the fileKey of a file that was uploaded (GenerateFileUploadURL), or the fileUrl of one on "
        "a "
        "server of yours, https://...");
  if (wanted.file.url.size() > 1024) return bad_parameter("JobFile.fileUrl has at most 1024 bytes.");
  return std::nullopt;
}

std::optional<Answer> read_pace(const Parameters& given, job::JobChange& change, std::uint8_t* qos) {
  const auto rollout = Config::of(given, "RolloutConfig");
  if (!rollout) return bad_config("RolloutConfig", R"({"maximumPerMinute":1000})");
  const auto timeout = Config::of(given, "TimeoutConfig");
  if (!timeout) return bad_config("TimeoutConfig", R"({"inProgressTimeoutInMinutes":60})");
  if (rollout->find("maximumPerMinute") != nullptr) change.per_minute = rollout->number("maximumPerMinute", -1);
  if (timeout->find("inProgressTimeoutInMinutes") != nullptr) {
    change.timeout_minutes = timeout->number("inProgressTimeoutInMinutes", -1);
    if (*change.timeout_minutes == 0) change.timeout_minutes = -1;
  }
  if (qos == nullptr) return std::nullopt;
  const std::string level = rollout->text("messageQoS") + rollout->text("messageQos");
  if (!level.empty() && level.size() == 4 && (level.back() == '0' || level.back() == '1'))
    *qos = static_cast<std::uint8_t>(level.back() - '0');
  else if (!level.empty())
    return bad_parameter("RolloutConfig.messageQoS is QoS0 or QoS1.");
  return std::nullopt;
}

template <typename T>
void reply_empty(const Reply& reply, const T& done) {
  reply(done ? success() : refusal(done.problem()));
}

json::object job_row(const Job& job) {
  return {{"Description", job.about},
          {"JobId", job.id},
          {"JobName", job.name},
          {"ScheduledTime", job.start == 0 ? job.created : job.start},
          {"Status", name(job.status)},
          {"Type", name(job.type)},
          {"UtcCreate", utc_millis(UnixMillis{job.created})},
          {"UtcModified", utc_millis(UnixMillis{job.modified})}};
}

json::object task_row(Services& services, const job::TaskRow& row) {
  const auto device = services.registry.device(row.task.device);
  return {{"DeviceName", row.task.device_name},
          {"IotId", device ? device->device.iot_id : std::string{}},
          {"JobId", row.job_id},
          {"JobName", row.job_name},
          {"ProductKey", row.task.product},
          {"Progress", std::to_string(row.task.progress)},
          {"Status", name(row.task.state)},
          {"TaskId", row.task.id},
          {"UtcModified", utc_millis(UnixMillis{row.task.modified})},
          {"UtcQueueTime", utc_millis(UnixMillis{row.task.created})}};
}

json::object target_of(const Job& job) {
  json::array devices;
  const json::value listed = json::parse(job.devices);
  for (const auto& one : listed.as_array())
    devices.push_back(json::object{{"DeviceName", one.at(1)}, {"ProductKey", one.at(0)}});
  constexpr std::string_view kTypes[] = {"DEVICE_LIST", "GROUP_ID", "PRODUCT_KEY"};
  json::object target{{"TargetDevices", json::object{{"targetDevices", std::move(devices)}}},
                      {"TargetType", kTypes[static_cast<std::size_t>(job.target)]}};
  if (job.target == job::Target::group) target["TargetGroup"] = job.group;
  if (job.target == job::Target::product) target["TargetProduct"] = job.product;
  return target;
}

}  // namespace

void create_job(Services& services, const Call& call, Reply reply) {
  if (services.jobs == nullptr) return reply(not_offered());
  const Parameters& given = call.parameters;
  job::NewJob wanted;
  const auto type = job::job_type(given.text("Type"));
  if (!type) return reply(bad_parameter("Type is CUSTOM_JOB, INVOKE_SERVICE or SET_PROPERTY."));
  wanted.type = *type;
  wanted.name = given.text("JobName"), wanted.about = given.text("Description");
  wanted.document = given.text("JobDocument");
  wanted.start = given.number("ScheduledTime").value_or(given.has("ScheduledTime") ? 1 : 0);
  job::JobChange pace;
  for (auto& problem : {read_target(given, wanted), read_file(given, wanted), read_pace(given, pace, &wanted.qos)})
    if (problem) return reply(*problem);
  wanted.per_minute = pace.per_minute.value_or(wanted.per_minute);
  wanted.timeout_minutes = pace.timeout_minutes.value_or(wanted.timeout_minutes);
  const auto made = services.jobs->create(std::move(wanted));
  if (!made) return reply(refusal(made.problem()));
  reply(success({{"JobId", made->id}}));
}

void generate_file_upload_url(Services& services, const Call& call, Reply reply) {
  if (services.upgrades == nullptr) return reply(not_offered());
  const auto form = services.upgrades->make_file_form(call.parameters.text("FileSuffix"));
  if (!form) return reply(refusal(form.problem()));
  reply(success({{"Data", json::object{{"Host", call.base_url + std::string(kUploadPath)},
                                       {"Key", form->key},
                                       {"ObjectStorage", "tercet"},
                                       {"OssAccessKeyId", form->access_key_id},
                                       {"Policy", form->policy},
                                       {"Signature", form->signature}}}}));
}

void update_job(Services& services, const Call& call, Reply reply) {
  if (services.jobs == nullptr) return reply(not_offered());
  job::JobChange change;
  if (const auto problem = read_pace(call.parameters, change, nullptr)) return reply(*problem);
  if (call.parameters.has("Description")) change.about = call.parameters.text("Description");
  reply_empty(reply, services.jobs->update(call.parameters.text("JobId"), change));
}

void cancel_job(Services& services, const Call& call, Reply reply) {
  if (services.jobs == nullptr) return reply(not_offered());
  reply_empty(reply, services.jobs->cancel(call.parameters.text("JobId")));
}

void delete_job(Services& services, const Call& call, Reply reply) {
  if (services.jobs == nullptr) return reply(not_offered());
  reply_empty(reply, services.jobs->remove(call.parameters.text("JobId")));
}

void rerun_job(Services& services, const Call& call, Reply reply) {
  if (services.jobs == nullptr) return reply(not_offered());
  reply_empty(reply, services.jobs->rerun(call.parameters.text("JobId")));
}

void query_job(Services& services, const Call& call, Reply reply) {
  if (services.jobs == nullptr) return reply(not_offered());
  const auto job = services.jobs->job(call.parameters.text("JobId"));
  if (!job) return reply(refusal(job.problem()));
  json::object row = job_row(*job);
  row["JobDocument"] = job->document;
  if (!job->file.empty())
    row["JobFile"] = json::object{
        {"FileUrl", services.jobs->file_url(*job)}, {"Sign", job->file.sign}, {"SignMethod", job->file.method}};
  row["RolloutConfig"] =
      json::object{{"MaximumPerMinute", job->per_minute}, {"MessageQoS", job->qos == 0 ? "QoS0" : "QoS1"}};
  row["TargetConfig"] = target_of(*job);
  if (job->timeout_minutes != 0)
    row["TimeoutConfig"] = json::object{{"InProgressTimeoutInMinutes", job->timeout_minutes}};
  reply(success({{"Data", std::move(row)}}));
}

void list_job(Services& services, const Call& call, Reply reply) {
  if (services.jobs == nullptr) return reply(not_offered());
  const auto page = page_of(call.parameters, "CurrentPage", 10, kPage);
  if (!page) return reply(bad_page(kPage));
  const std::string_view wanted = call.parameters.text("Status");
  const auto status = job::job_status(wanted);
  if (!wanted.empty() && !status)
    return reply(bad_parameter("Status is WAITING, IN_PROGRESS, COMPLETED, CANCELLED or REMOVING."));
  const auto jobs = services.jobs->jobs(status, *page);
  if (!jobs) return reply(refusal(jobs.problem()));
  json::array rows;
  for (const Job& job : jobs->items) rows.push_back(job_row(job));
  reply(success({{"Data", json::object{{"data", std::move(rows)}}},
                 {"Page", page->page},
                 {"PageSize", page->size},
                 {"Total", jobs->total}}));
}

void query_job_statistics(Services& services, const Call& call, Reply reply) {
  if (services.jobs == nullptr) return reply(not_offered());
  const auto job = services.jobs->job(call.parameters.text("JobId"));
  if (!job) return reply(refusal(job.problem()));
  const job::Tally tally = services.jobs->tally(*job);
  reply(success({{"Data", json::object{{"Cancelled", tally[TaskState::cancelled]},
                                       {"Failed", tally[TaskState::failed]},
                                       {"InProgress", tally[TaskState::in_progress]},
                                       {"Queued", tally[TaskState::queued]},
                                       {"Rejected", tally[TaskState::rejected]},
                                       {"Sent", tally[TaskState::sent]},
                                       {"Succeeded", tally[TaskState::succeeded]},
                                       {"TimeOut", tally[TaskState::timed_out]},
                                       {"Total", tally.total()}}}}));
}

void query_task(Services& services, const Call& call, Reply reply) {
  if (services.jobs == nullptr) return reply(not_offered());
  const auto found = services.jobs->task(call.parameters.text("TaskId"));
  if (!found) return reply(refusal(found.problem()));
  json::object row = task_row(services, *found);
  row["Message"] = found->task.text;
  row["StatusDetail"] = found->task.details;
  reply(success({{"Data", std::move(row)}}));
}

void list_task(Services& services, const Call& call, Reply reply) {
  if (services.jobs == nullptr) return reply(not_offered());
  const Parameters& given = call.parameters;
  const auto asked = Config::of(given, "Device");
  const bool by_device = asked && !asked->empty();
  if (!asked || by_device == given.has("JobId"))
    return reply(bad_parameter(
        R"(Give JobId, or Device: {"productKey":"...","deviceName":"..."} or {"iotId":"..."}; not both.)"));
  job::TaskFilter filter;
  if (by_device) {
    const auto device = services.registry.device(
        registry::DeviceRef{asked->text("iotId"), asked->text("productKey"), asked->text("deviceName")});
    if (!device) return reply(refusal(device.problem()));
    filter.device = device->device.number;
  } else {
    const auto job = services.jobs->job(given.text("JobId"));
    if (!job) return reply(refusal(job.problem()));
    filter.job = job->number;
  }
  filter.state = job::task_state(given.text("Status"));
  if (given.has("Status") && !filter.state)
    return reply(bad_parameter(
        "Status is QUEUED, SENT, IN_PROGRESS, SUCCEEDED, FAILED, REJECTED, CANCELLED, REMOVED or TIMED_OUT."));
  const auto limit = given.has("Limit") ? given.number("Limit") : std::optional<std::int64_t>(10);
  if (!limit || *limit < 1 || *limit > static_cast<std::int64_t>(kPage))
    return reply(bad_parameter("Limit is 1 to 50."));
  filter.most = static_cast<std::size_t>(*limit);
  if (given.has("NextToken")) {
    const auto token = given.number("NextToken");
    if (!token || *token < 1) return reply(bad_parameter("NextToken is that of the page before."));
    filter.after = static_cast<std::uint64_t>(*token);
  }
  const auto tasks = services.jobs->tasks(filter);
  if (!tasks) return reply(refusal(tasks.problem()));
  json::array rows;
  for (const auto& one : *tasks) rows.push_back(task_row(services, one));
  json::object answer{{"Data", json::object{{"data", std::move(rows)}}}};
  if (tasks->size() == filter.most) answer["NextToken"] = std::to_string(tasks->back().task.number);
  reply(success(std::move(answer)));
}

}  // namespace tercet::openapi
