#include "platform/thing/announcements.h"

#include "tercet/base/check.h"
#include "tercet/base/writer.h"
#include "tercet/json/writer.h"

namespace tercet::thing {

using registry::Device;
using registry::Lifecycle;

namespace {

/// The members of a flat JSON object, one after the other.
class Object {
 public:
  Object& text(std::string_view name, std::string_view value) {
    std::string written(6 * value.size() + 2, '\0');
    tercet::Writer out({reinterpret_cast<std::uint8_t*>(written.data()), written.size()});
    json::Writer{out}.string(value);
    TERCET_CHECK(out.ok());
    return raw(name, out.text());
  }
  Object& number(std::string_view name, std::int64_t value) { return raw(name, std::to_string(value)); }
  Object& raw(std::string_view name, std::string_view json) {
    text_.append(text_.empty() ? "{\"" : ",\"").append(name).append("\":").append(json);
    return *this;
  }
  std::string finish() { return text_.empty() ? "{}" : std::move(text_.append("}")); }

 private:
  std::string text_;
};

Object names_of(const Device& device) {
  return Object().text("iotId", device.iot_id).text("productKey", device.product).text("deviceName", device.name);
}

Announcement about(const Device& device, Source source, std::string_view tail, Object& payload) {
  Announcement made;
  made.source = source;
  made.device = device.number;
  made.product = device.product, made.device_name = device.name;
  made.topic = "/" + device.product + "/" + device.name + std::string(tail);
  made.payload = payload.finish();
  return made;
}

std::string_view action_of(Lifecycle change) {
  switch (change) {
    case Lifecycle::created:
      return "create";
    case Lifecycle::deleted:
      return "delete";
    case Lifecycle::enabled:
      return "enable";
    default:
      return "disable";
  }
}

Object upgrade(const Device& device, const UpgradeStep& step, std::string_view status, std::string_view text,
               UnixMillis now) {
  return names_of(device)
      .text("status", status)
      .number("messageCreateTime", now.ms)
      .text("srcVersion", step.source)
      .text("destVersion", step.target)
      .text("desc", text)
      .text("jobId", step.job)
      .text("taskId", step.task);
}

}  // namespace

Announcement lifecycle_message(const Device& device, Lifecycle change, UnixMillis now) {
  Object payload;
  payload.text("action", action_of(change)).text("iotId", device.iot_id).text("productKey", device.product);
  payload.text("deviceName", device.name).text("deviceSecret", "").number("messageCreateTime", now.ms);
  return about(device, Source::lifecycle, "/thing/lifecycle", payload);
}

Announcement tags_message(const Device& device, std::span<const registry::Tag> changed, UnixMillis now) {
  std::string list;
  for (const registry::Tag& tag : changed)
    list.append(list.empty() ? "" : ",")
        .append(Object().text("attrKey", tag.key).text("attrValue", tag.value).finish());
  Object payload = names_of(device).raw("value", "[" + list + "]").number("messageCreateTime", now.ms);
  return about(device, Source::tags, "/thing/deviceinfo/update", payload);
}

Announcement upgrade_result_message(const Device& device, const UpgradeStep& step, bool succeeded, UnixMillis now) {
  Object payload = upgrade(device, step, succeeded ? "SUCCEEDED" : "FAILED",
                           succeeded ? std::string_view("success") : step.text, now);
  return about(device, Source::ota_result, "/ota/upgrade", payload);
}

Announcement upgrade_progress_message(const Device& device, const UpgradeStep& step, int percent, UnixMillis now) {
  Object payload = upgrade(device, step, "IN_PROGRESS", step.text, now).number("step", percent);
  return about(device, Source::ota_progress, "/ota/progress/post", payload);
}

Announcement version_message(const Device& device, std::string_view module, std::string_view version, UnixMillis now) {
  Object payload;
  payload.text("iotId", device.iot_id).text("deviceName", device.name).text("productKey", device.product);
  payload.text("moduleName", module).text("moduleVersion", version).number("messageCreateTime", now.ms);
  return about(device, Source::ota_version, "/ota/version/post", payload);
}

Announcement job_message(std::string_view product, std::string_view module, std::string_view firmware,
                         std::string_view job, std::string_view status, UnixMillis now) {
  Object payload;
  payload.text("productKey", product).text("moduleName", module).text("packageId", firmware).text("jobId", job);
  payload.text("status", status).number("messageCreateTime", now.ms);
  Announcement made;
  made.source = Source::ota_job;
  made.product = product;
  made.topic.append("/").append(product).append("/").append(firmware).append("/").append(job).append("/ota/job/status");
  made.payload = payload.finish();
  return made;
}

}  // namespace tercet::thing
