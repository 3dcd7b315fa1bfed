#include "tercet/ota/report.h"

#include <array>

#include "tercet/alink/envelope.h"
#include "tercet/json/writer.h"

namespace tercet::ota {
namespace {

/// A number as a JSON string.
void quoted(json::Writer& out, std::string_view key, std::int64_t number) {
  std::array<std::uint8_t, 20> digits;
  Writer text{digits};
  text.decimal(number);
  out.key(key).string(text.text());
}

void module_of(json::Writer& out, std::string_view module) {
  if (!module.empty()) out.key("module").string(module);
}

}  // namespace

void write_topic(Writer& out, Channel channel, const DeviceId& id) {
  constexpr std::string_view kOta[] = {"inform", "progress", "upgrade", "request"};
  constexpr std::string_view kThing[] = {"ota/firmware/get", "ota/firmware/get_reply", "file/download",
                                         "file/download_reply"};
  const auto index = static_cast<std::size_t>(channel);
  if (index < std::size(kOta)) out.text("/ota/device/"), out.text(kOta[index]), out.ch('/');
  if (index >= std::size(kOta)) out.text("/sys/");
  out.text(id.product.str()), out.ch('/'), out.text(id.device.str());
  if (index >= std::size(kOta)) out.text("/thing/"), out.text(kThing[index - std::size(kOta)]);
}

void write_version_report(Writer& out, std::uint32_t id, std::string_view version, std::string_view module) {
  json::Writer json{out};
  json.begin_object();
  quoted(json, "id", id);
  json.key("params").begin_object().key("version").string(version);
  module_of(json, module);
  json.end_object().end_object();
}

void write_progress(Writer& out, std::uint32_t id, int step, std::string_view description, std::string_view module) {
  json::Writer json{out};
  json.begin_object();
  quoted(json, "id", id);
  json.key("params").begin_object();
  quoted(json, "step", step);
  json.key("desc").string(description);
  module_of(json, module);
  json.end_object().end_object();
}

void write_pull(Writer& out, std::uint32_t id, std::string_view module) {
  std::array<std::uint8_t, 10> digits;
  Writer number{digits};
  number.decimal(std::uint64_t{id});
  alink::RequestWriter request{out, number.text(), "thing.ota.firmware.get"};
  request.params().begin_object();
  module_of(request.params(), module);
  request.params().end_object();
  request.finish();
}

}  // namespace tercet::ota
