#include <algorithm>
#include <chrono>

#include "platform/broker/identity.h"
#include "platform/thing/commands.h"
#include "platform/thing/device_logs.h"
#include "platform/thing/history.h"
#include "platform/thing/shard.h"

// What a device tells about itself: its own log (8.6), and how its network is (8.7).
namespace tercet::thing {

using alink::Code;
using auth::Cause;
using Taken = broker::Ingress::Taken;

namespace {

constexpr std::size_t kMaxEntries = 40;    // of one log post
constexpr std::size_t kMaxContent = 4096;  // bytes of logContent
constexpr std::size_t kMaxWord = 128;      // of the other members
constexpr std::size_t kMaxReports = 100;   // of one network post
constexpr std::size_t kMaxReport = 1024;   // bytes of one

bool is_object(const std::optional<json::Value>& value) { return value && value->is(json::Type::object); }

/// A text, or a number as it is written; nothing when it is too long or of another type.
std::optional<std::string> word(const json::Value& object, std::string_view name, std::size_t most) {
  const auto value = object.find(name);
  if (!value) return std::string();
  if (value->is(json::Type::number)) return std::string(value->raw().substr(0, most));
  const auto text = value->text();
  if (!text || text->raw().size() > 6 * most) return std::nullopt;
  std::string plain = value_text(value->raw());
  if (plain.size() > most) return std::nullopt;
  return plain;
}

/// The members of an entry, in the order of its record; empty: it is none.
std::vector<std::string> log_fields(const json::Value& entry) {
  std::vector<std::string> fields;
  if (!entry.is(json::Type::object)) return fields;
  for (const char* const name : {"logLevel", "module", "code", "traceContext", "logContent", "utcTime"}) {
    auto text = word(entry, name, std::string_view(name) == "logContent" ? kMaxContent : kMaxWord);
    if (!text) return {};
    fields.push_back(std::move(*text));
  }
  return fields[0].empty() ? std::vector<std::string>{} : fields;
}

std::optional<int> digits(std::string_view text, std::size_t at, std::size_t count) {
  if (text.size() < at + count) return std::nullopt;
  int value = 0;
  for (const char c : text.substr(at, count)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

}  // namespace

std::optional<UnixMillis> parse_collect_time(std::string_view text) {
  const auto year = digits(text, 0, 4), month = digits(text, 5, 2), day = digits(text, 8, 2);
  const auto hour = digits(text, 11, 2), minute = digits(text, 14, 2), second = digits(text, 17, 2);
  if (!year || !month || !day || !hour || !minute || !second || text[4] != '-' || text[7] != '-' || text[10] != 'T' ||
      text[13] != ':' || text[16] != ':' || *hour > 23 || *minute > 59 || *second > 60)
    return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{*year}, std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  std::int64_t ms = std::int64_t{std::chrono::sys_days(date).time_since_epoch().count()} * 86'400'000 +
                    ((std::int64_t{*hour} * 60 + *minute) * 60 + *second) * 1000;
  std::size_t at = 19;
  if (at < text.size() && text[at] == '.') {
    int unit = 100;
    for (++at; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, unit /= 10) ms += (text[at] - '0') * unit;
  }
  if (at == text.size() || text.substr(at) == "Z") return UnixMillis{ms};
  const bool colon = text.size() == at + 6 && text[at + 3] == ':';
  const auto east_hours = digits(text, at + 1, 2), east_minutes = digits(text, at + (colon ? 4 : 3), 2);
  if (!east_hours || !east_minutes || (text[at] != '+' && text[at] != '-') || text.size() != at + (colon ? 6 : 5))
    return std::nullopt;
  const std::int64_t east = (std::int64_t{*east_hours} * 60 + *east_minutes) * 60'000;
  return UnixMillis{text[at] == '+' ? ms - east : ms + east};
}

/// When it was, as the device says, if that can be; else when it came.
std::int64_t ThingIngress::Shard::time_or_now(std::optional<UnixMillis> said) const {
  constexpr std::int64_t kYear2001 = 978'307'200'000;
  const std::int64_t now = loop_.wall().ms;
  return said && said->ms >= kYear2001 && said->ms <= now + settings_.max_future.count() ? said->ms : now;
}

Taken ThingIngress::Shard::on_log_config_get(const Message& message) {
  const auto request = alink::parse_request(as_text(message.in.payload));
  if (!request) return refuse_unreadable(message);
  const bool has_params = is_object(request->params);
  const auto scope = has_params ? word(*request->params, "configScope", kMaxWord) : std::nullopt;
  const auto type = has_params ? word(*request->params, "getType", kMaxWord) : std::nullopt;
  if (has_params && scope != "device")
    return refuse(message, request->id, Code::bad_config_scope, Cause::params_wrong_type, "configScope is not device");
  if (has_params && type != "content")
    return refuse(message, request->id, Code::bad_get_type, Cause::params_wrong_type, "getType is not content");
  if (!request->wants_reply) return Taken::done;
  const std::string data =
      "{\"getType\":\"content\",\"content\":{\"mode\":" + std::string(message.device.uploads_logs ? "1" : "0") + "}}";
  reply_now(message, {.id = request->id, .data = data, .method = "thing.config.log.get"});
  return Taken::done;
}

Taken ThingIngress::Shard::on_log_post(const Message& message) {
  const auto request = alink::parse_request(as_text(message.in.payload));
  if (!request) return refuse_unreadable(message);
  if (!request->params || !request->params->is(json::Type::array))
    return refuse(message, request->id, Code::parameter_error, Cause::params_wrong_type, "params must be an array");
  std::vector<std::vector<std::string>> entries;
  for (const auto& entry : request->params->elements()) {
    if (entries.size() == kMaxEntries)
      return refuse(message, request->id, Code::parameter_error, Cause::too_many_properties,
                    "more than 40 entries in one log post");
    entries.push_back(log_fields(entry));
    if (entries.back().empty())
      return refuse(message, request->id, Code::parameter_error, Cause::params_wrong_type,
                    "entry " + std::to_string(entries.size()) +
                        " of the log: logLevel must be there, logContent has at most 4096 bytes, the others 128");
  }
  begin_message(message.product);
  for (const auto& fields : entries) {
    record_.clear();
    begin_record(record_, kLive);
    for (const std::string& field : fields) append_field(record_, field);
    put_record(RecordKind::log, message.device.number, time_or_now(parse_collect_time(fields[5])));
  }
  return answer_later(message, *request);
}

Taken ThingIngress::Shard::on_network_post(const Message& message) {
  const auto request = alink::parse_request(as_text(message.in.payload));
  if (!request) return refuse_unreadable(message);
  const auto reports = is_object(request->params) ? request->params->find("p") : std::nullopt;
  if (!reports || (!reports->is(json::Type::object) && !reports->is(json::Type::array)))
    return refuse(message, request->id, Code::parameter_error, Cause::params_wrong_type,
                  "params.p must be a report, or an array of reports");
  std::vector<json::Value> all;
  if (reports->is(json::Type::object)) {
    all.push_back(*reports);
  } else {
    for (const auto& report : reports->elements())
      if (all.size() <= kMaxReports) all.push_back(report);
  }
  const bool bad = std::any_of(all.begin(), all.end(), [](const json::Value& report) {
    return !report.is(json::Type::object) || report.raw().size() > kMaxReport;
  });
  if (bad || all.size() > kMaxReports)
    return refuse(message, request->id, Code::parameter_error, Cause::params_wrong_type,
                  "params.p: at most 100 reports, each an object of at most 1024 bytes");
  begin_message(message.product);
  for (const json::Value& report : all) {
    const auto time = report.find("_time");
    const auto ms = time ? time->integer() : std::nullopt;
    record_.clear();
    begin_record(record_, kLive);
    append_field(record_, compact(report.raw()));
    put_record(RecordKind::network, message.device.number,
               time_or_now(ms ? std::optional(UnixMillis{*ms}) : std::nullopt));
  }
  return answer_later(message, *request);
}

bool ThingIngress::Shard::load_log_upload(DeviceState& device, std::string_view record) {
  if (record.size() != 2 || static_cast<std::uint8_t>(record[0]) != kRecordVersion) return false;
  device.uploads_logs = record[1] != 0;
  return true;
}

bool ThingIngress::Shard::push_log_config(const DeviceState& device) {
  topic_.assign("/sys/").append(device.product->key).append("/").append(device.name).append("/thing/config/log/push");
  const std::string payload = "{\"id\":\"" + std::to_string(next_message_id()) +
                              "\",\"version\":\"1.0\",\"params\":{\"getType\":\"content\",\"content\":{\"mode\":" +
                              (device.uploads_logs ? "1" : "0") + "}},\"method\":\"thing.config.log.push\"}";
  return egress_->is_online(broker::device_key(device.product->key, device.name)) &&
         egress_->send_to(broker::device_key(device.product->key, device.name), topic_, as_bytes(payload), 1);
}

void ThingIngress::Shard::log_upload(std::uint64_t number, std::optional<bool> wanted,
                                     std::function<void(const LogUpload&)> done) {
  DeviceState* const device = find_device(number);
  if (device == nullptr) return done({});
  if (!wanted) {
    const LogUpload now{true, device->uploads_logs, false};
    return commits_.when_durable({[now, done] { done(now); }, [this, number, done] { log_upload(number, {}, done); }});
  }
  commits_.current().log_upload_before.push_back({device, device->uploads_logs});
  device->uploads_logs = *wanted;
  const std::uint64_t refused_before = groups_refused_;
  key_.clear();
  append_log_upload_key(key_, number);
  const char record[2] = {static_cast<char>(kRecordVersion), static_cast<char>(*wanted ? 1 : 0)};
  commits_.current().mutations.put(store::Family::state, key_, std::string_view(record, 2));
  commits_.flush();
  if (groups_refused_ != refused_before) return done({});
  commits_.when_durable({[this, number, done] {
                           const DeviceState* const now = devices_.find(number);
                           if (now == nullptr) return done({});
                           done({true, now->uploads_logs, push_log_config(*now)});
                         },
                         [done] { done({}); }});
}

}  // namespace tercet::thing
