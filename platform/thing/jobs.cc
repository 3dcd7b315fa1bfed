// Jobs of devices (device-protocol 8.11), taken apart; they are kept elsewhere.
#include <charconv>

#include "platform/thing/history.h"
#include "platform/thing/shard.h"

namespace tercet::thing {

using alink::Code;
using alink::Kind;
using auth::Cause;
using Taken = broker::Ingress::Taken;

namespace {

constexpr std::size_t kMaxTask = 64, kMaxStatus = 32, kMaxDetails = 4096, kMaxId = 128;

/// The text of a member; "" when it is missing or something else.
std::string word(const json::Value& params, std::string_view name, std::size_t most) {
  const auto value = params.find(name);
  if (!value || !value->is(json::Type::string)) return {};
  std::string text = value_text(value->raw());
  return text.size() > most ? std::string() : text;
}

/// A whole number of percent, also as text; nothing for anything else.
std::optional<int> percent_of(const json::Value& value) {
  const std::string text = value.is(json::Type::string) ? value_text(value.raw()) : std::string(value.raw());
  int percent = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), percent);
  if (text.empty() || read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
  return percent >= 0 && percent <= 100 ? std::optional(percent) : std::nullopt;
}

}  // namespace

JobMessage ThingIngress::Shard::job_message(JobMessage::Kind kind, const DeviceState& device) const {
  JobMessage message;
  message.kind = kind;
  message.device = device.number;
  message.product = device.product->key;
  message.name = device.name;
  return message;
}

Taken ThingIngress::Shard::on_job(const Message& message) {
  const auto request = alink::parse_request(as_text(message.in.payload));
  if (!request || request->id.size() > kMaxId) return refuse_unreadable(message);
  const auto wrong = [&](std::string_view what) {
    return refuse(message, request->id, Code::parameter_error,
                  request->params ? Cause::params_wrong_type : Cause::params_missing, what);
  };
  const bool is_update = message.topic.kind == Kind::job_update;
  JobMessage out = job_message(is_update ? JobMessage::Kind::update : JobMessage::Kind::get, message.device);
  const bool has_params = request->params && request->params->is(json::Type::object);
  if (has_params) out.task = word(*request->params, "taskId", kMaxTask);
  if (out.task.empty()) {
    if (is_update || (has_params && request->params->find("taskId")))
      return wrong("params.taskId must be a text of 1 to 64 bytes: the id that thing/job/notify or get_reply gave");
    out.task = "$next";
  }
  if (is_update) {
    out.status = word(*request->params, "status", kMaxStatus);
    if (out.status != "IN_PROGRESS" && out.status != "SUCCEEDED" && out.status != "FAILED" && out.status != "REJECTED")
      return wrong("params.status must be IN_PROGRESS, SUCCEEDED, FAILED or REJECTED");
    if (const auto details = request->params->find("statusDetails"); details && !details->is(json::Type::null)) {
      out.details = details->raw();
      if (details->raw() == R"("")" || out.details.size() > kMaxDetails)
        return wrong("params.statusDetails must have 1 to 4096 bytes: leave it out when there is nothing to say");
    }
    if (const auto progress = request->params->find("progress"); progress && !progress->is(json::Type::null)) {
      const auto percent = percent_of(*progress);
      if (!percent) return wrong("params.progress must be a whole number, 0 to 100");
      out.progress = *percent;
    }
  }
  out.id = request->id;
  out.topic = std::string(message.topic.path) + "_reply";
  out.wants_reply = request->wants_reply;
  out.qos = std::min<std::uint8_t>(message.in.qos, 1);
  jobs_(std::move(out));
  return Taken::done;
}

}  // namespace tercet::thing
