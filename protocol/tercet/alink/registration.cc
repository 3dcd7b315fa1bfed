#include "tercet/alink/registration.h"

#include "tercet/json/object_reader.h"

namespace tercet::alink {

Result<Registered> parse_registered(std::string_view topic, Bytes payload) {
  if (topic != kRegisterTopic && topic != kUnlistedTopic) return fail(Error::malformed);
  Registered got;
  bool plain = true;
  json::ObjectReader in{as_text(payload), json::Grammar::trailing_commas};
  const auto text = [&]() -> std::string_view {
    const auto value = in.value().text();
    if (value && !value->has_escapes()) return value->raw();
    plain = false;
    return {};
  };
  while (in.next()) {
    if (in.name() == "productKey") got.product = text();
    if (in.name() == "deviceName") got.device = text();
    if (in.name() == "deviceSecret") got.secret = text();
    if (in.name() == "clientId") got.client_id = text();
    if (in.name() == "deviceToken") got.token = text();
  }
  const bool whole = !got.secret.empty() || (!got.client_id.empty() && !got.token.empty());
  if (!in.ok() || !plain || got.product.empty() || got.device.empty() || !whole) return fail(Error::malformed);
  return got;
}

void write_registered(Writer& out, const Registered& registered) {
  out.text("{\"productKey\":\""), out.text(registered.product);
  out.text("\",\"deviceName\":\""), out.text(registered.device);
  if (registered.is_unlisted()) {
    out.text("\",\"clientId\":\""), out.text(registered.client_id);
    out.text("\",\"deviceToken\":\""), out.text(registered.token);
  } else {
    out.text("\",\"deviceSecret\":\""), out.text(registered.secret);
  }
  out.text("\"}");
}

}  // namespace tercet::alink
