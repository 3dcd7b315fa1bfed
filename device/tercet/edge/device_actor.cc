#include "tercet/edge/device_actor.h"

#include <array>

#include "tercet/json/reader.h"

namespace tercet::edge {

Result<void> DeviceActor::obey(const device::PropertyValue& value) {
  std::array<std::uint8_t, 144> buffer;
  Writer out{buffer};
  json::Writer json{out};
  json.begin_object().key(value.identifier);
  value.write(json);
  json.end_object();
  const auto params = json::parse(out.text());
  if (!params) return fail(Error::too_large);
  device::PropertySet wanted{*params};
  owner_.on_set(wanted);
  if (wanted.code() != alink::number(alink::Code::success)) return fail(Error::denied);
  // As after a set of the platform: what finds no room is told with a later post.
  if (!wanted.confirmed().empty()) static_cast<void>(device_.post_properties(wanted.confirmed()));
  return {};
}

Result<void> DeviceActor::find_and_call(std::string_view handler, const Cause& cause) {
  for (const Handler& known : handlers_)
    if (known.name == handler && known.call != nullptr) return known.call(known.context, cause);
  return fail(Error::not_found);
}

Result<void> DeviceActor::post(std::string_view event, std::span<const device::PropertyValue> output) {
  const auto posted = device_.post_event(event, output);
  if (!posted) return fail(posted.error());
  return {};
}

}  // namespace tercet::edge
