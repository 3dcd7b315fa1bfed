// Any payload is refused or understood as request, reply, clock request or post; what is answered is JSON again.
#include <array>
#include <cstdlib>

#include "tercet/alink/batch.h"
#include "tercet/alink/envelope.h"
#include "tercet/alink/ntp.h"
#include "tercet/alink/property.h"
#include "tercet/alink/registration.h"
#include "tercet/alink/sub_device.h"

using namespace tercet;
using namespace tercet::alink;

namespace {

std::array<std::uint8_t, 1 << 16> buffer;

void check_json(const Writer& out) {
  if (!out.ok() || !json::parse(out.text())) std::abort();
}

void walk(const std::optional<json::Value>& group) {
  if (!group) return;
  Samples samples{*group};
  while (const auto sample = samples.next()) (void)split_identifier(sample->identifier.raw());
}

void walk_params(const json::Value& params) {
  Properties properties{params};
  while (const auto property = properties.next())
    if (property->posted.bad_time && property->posted.time) std::abort();
  (void)unwrap_event(params);
  if (const auto batch = parse_batch(params)) walk(batch->properties), walk(batch->events);
  SubDevices sub_devices{params};
  std::size_t seen = 0;
  while (const auto device = sub_devices.next()) {
    ++seen;
    if (*device && ((*device)->product.empty() || (*device)->device.empty())) std::abort();
  }
  if (seen != sub_devices.count()) std::abort();
  HistoryDevices devices{params};
  while (const auto device = devices.next())
    if (*device) walk((*device)->properties), walk((*device)->events);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view payload = as_text({data, size});
  if (const auto request = parse_request(payload)) {
    Writer out{buffer};
    write_reply(out, {.id = request->id, .method = "thing.event.property.post"});
    check_json(out);
    const auto reply = parse_reply(out.text());
    if (!reply || reply->code != 200 || reply->id != request->id) std::abort();
    if (request->params) walk_params(*request->params);
  }
  if (const auto reply = parse_reply(payload)) {
    Writer out{buffer};
    write_device_reply(out, reply->id, reply->code);
    check_json(out);
  }
  if (const auto clock = parse_ntp_request(payload)) {
    Writer out{buffer};
    write_ntp_response(out, *clock, UnixMillis{1}, UnixMillis{2});
    if (!out.ok()) std::abort();
  }
  if (const auto clock = parse_ntp_response(payload)) (void)ntp_now(*clock, UnixMillis{1});
  if (const auto registered = parse_registered(kUnlistedTopic, {data, size})) {
    Writer out{buffer};
    write_registered(out, *registered);
    const auto again = parse_registered(kUnlistedTopic, as_bytes(out.text()));
    if (!again || again->secret != registered->secret || again->device != registered->device) std::abort();
  }
  return 0;
}
