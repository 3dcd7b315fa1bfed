#include "tercet/alink/topic.h"

#include <algorithm>
#include <array>

namespace tercet::alink {
namespace {

/// A topic below `/sys/{pk}/{dn}/` without a name of its own.
struct Fixed {
  std::string_view tail;
  Kind kind;
  Direction direction;  ///< of the request
  bool replied;         ///< answered on `_reply`
  std::string_view method;
};

using enum Direction;
// Sorted by tail, for the search.
constexpr std::array kFixed{
    Fixed{"_thing/diag/post", Kind::network_diagnosis, up, true, ""},
    Fixed{"_thing/event/notify", Kind::private_notify, down, false, ""},
    Fixed{"_thing/service/post", Kind::private_service, up, true, ""},
    Fixed{"codec/topic/update", Kind::codec_update, up, true, ""},
    Fixed{"secure_tunnel/notify", Kind::tunnel_notify, down, false, ""},
    Fixed{"secure_tunnel/proxy/request", Kind::tunnel_proxy, up, true, ""},
    Fixed{"thing/bootstrap/config/push", Kind::bootstrap_config_push, down, false, "thing.bootstrap.config.push"},
    Fixed{"thing/bootstrap/notify", Kind::bootstrap_notify, down, true, "thing.bootstrap.notify"},
    Fixed{"thing/config/get", Kind::config_get, up, true, "thing.config.get"},
    Fixed{"thing/config/log/get", Kind::log_config_get, up, true, "thing.config.log.get"},
    Fixed{"thing/config/log/push", Kind::log_config_push, down, false, "thing.config.log.push"},
    Fixed{"thing/config/push", Kind::config_push, down, true, "thing.config.push"},
    Fixed{"thing/delete", Kind::remove, down, true, "thing.delete"},
    Fixed{"thing/deviceinfo/delete", Kind::tags_delete, up, true, "thing.deviceinfo.delete"},
    Fixed{"thing/deviceinfo/get", Kind::tags_get, up, true, "thing.deviceinfo.get"},
    Fixed{"thing/deviceinfo/update", Kind::tags_update, up, true, "thing.deviceinfo.update"},
    Fixed{"thing/disable", Kind::disable, down, true, "thing.disable"},
    Fixed{"thing/dsltemplate/get", Kind::tsl_get, up, true, "thing.dsltemplate.get"},
    Fixed{"thing/dynamicTsl/get", Kind::dynamic_tsl_get, up, true, "thing.dynamicTsl.get"},
    Fixed{"thing/enable", Kind::enable, down, true, "thing.enable"},
    Fixed{"thing/event/property/batch/post", Kind::property_batch_post, up, true, "thing.event.property.batch.post"},
    Fixed{"thing/event/property/history/post", Kind::property_history_post, up, true,
          "thing.event.property.history.post"},
    Fixed{"thing/event/property/pack/post", Kind::property_pack_post, up, true, "thing.event.property.pack.post"},
    Fixed{"thing/event/property/post", Kind::property_post, up, true, "thing.event.property.post"},
    Fixed{"thing/file/download", Kind::file_download, up, true, ""},
    Fixed{"thing/file/upload/mqtt/cancel", Kind::file_upload_cancel, up, true, ""},
    Fixed{"thing/file/upload/mqtt/init", Kind::file_upload_init, up, true, ""},
    Fixed{"thing/file/upload/mqtt/send", Kind::file_upload_send, up, true, ""},
    Fixed{"thing/gateway/permit", Kind::gateway_permit, down, true, "thing.gateway.permit"},
    Fixed{"thing/job/get", Kind::job_get, up, true, ""},
    Fixed{"thing/job/notify", Kind::job_notify, down, true, ""},
    Fixed{"thing/job/update", Kind::job_update, up, true, ""},
    Fixed{"thing/list/found", Kind::list_found, up, true, "thing.list.found"},
    Fixed{"thing/log/post", Kind::log_post, up, true, "thing.log.post"},
    Fixed{"thing/model/config/push", Kind::model_config_push, down, false, "thing.model.config.push"},
    Fixed{"thing/model/down_raw", Kind::raw_down, down, true, ""},
    Fixed{"thing/model/up_raw", Kind::raw_up, up, true, ""},
    Fixed{"thing/ota/firmware/get", Kind::ota_firmware_get, up, true, "thing.ota.firmware.get"},
    Fixed{"thing/property/desired/delete", Kind::desired_delete, up, true, "thing.property.desired.delete"},
    Fixed{"thing/property/desired/get", Kind::desired_get, up, true, "thing.property.desired.get"},
    Fixed{"thing/proxy/provisioning/product_register", Kind::product_register, up, true,
          "thing.proxy.provisioning.product_register"},
    Fixed{"thing/reset", Kind::reset, up, true, "thing.reset"},
    Fixed{"thing/service/property/get", Kind::property_get, down, true, "thing.service.property.get"},
    Fixed{"thing/service/property/set", Kind::property_set, down, true, "thing.service.property.set"},
    Fixed{"thing/sub/register", Kind::sub_register, up, true, "thing.sub.register"},
    Fixed{"thing/sub/unregister", Kind::sub_unregister, up, true, "thing.sub.unregister"},
    Fixed{"thing/topo/add", Kind::topo_add, up, true, "thing.topo.add"},
    Fixed{"thing/topo/add/notify", Kind::topo_add_notify, down, true, "thing.topo.add.notify"},
    Fixed{"thing/topo/change", Kind::topo_change, down, true, "thing.topo.change"},
    Fixed{"thing/topo/delete", Kind::topo_delete, up, true, "thing.topo.delete"},
    Fixed{"thing/topo/get", Kind::topo_get, up, true, "thing.topo.get"},
};
static_assert(std::is_sorted(kFixed.begin(), kFixed.end(),
                             [](const Fixed& a, const Fixed& b) { return a.tail < b.tail; }));

/// A topic of the other families: `front`, then product and device, then `back`.
struct Framed {
  std::string_view front;
  std::string_view back;
  Kind kind;
  Direction direction;
};
constexpr std::array kFramed{
    Framed{"/ext/ntp", "/request", Kind::ntp, up},
    Framed{"/ext/session", "/combine/login", Kind::session_login, up},
    Framed{"/ext/session", "/combine/logout", Kind::session_logout, up},
    Framed{"/ext/session", "/combine/batch_login", Kind::session_batch_login, up},
    Framed{"/ext/session", "/combine/batch_logout", Kind::session_batch_logout, up},
    Framed{"/ext/error", "", Kind::session_error, down},
    Framed{"/ota/device/inform", "", Kind::ota_inform, up},
    Framed{"/ota/device/progress", "", Kind::ota_progress, up},
    Framed{"/ota/device/upgrade", "", Kind::ota_upgrade, down},
    Framed{"/ota/device/request", "", Kind::ota_request, both},
    Framed{"/shadow/update", "", Kind::shadow_update, up},
    Framed{"/shadow/get", "", Kind::shadow_get, down},
};

constexpr std::string_view kReply = "_reply";

const Fixed* find_fixed(std::string_view tail) {
  const auto at = std::lower_bound(kFixed.begin(), kFixed.end(), tail,
                                   [](const Fixed& row, std::string_view wanted) { return row.tail < wanted; });
  return at != kFixed.end() && at->tail == tail ? &*at : nullptr;
}

const Fixed* find_fixed(Kind kind) {
  const auto at = std::find_if(kFixed.begin(), kFixed.end(), [kind](const Fixed& row) { return row.kind == kind; });
  return at != kFixed.end() ? &*at : nullptr;
}

const Framed* find_framed(Kind kind) {
  const auto at = std::find_if(kFramed.begin(), kFramed.end(), [kind](const Framed& row) { return row.kind == kind; });
  return at != kFramed.end() ? &*at : nullptr;
}

bool is_session(Kind kind) { return kind >= Kind::session_login && kind <= Kind::session_batch_logout; }

/// No empty level, no wildcard, no NUL.
bool is_publishable(std::string_view path) {
  if (path.size() < 2 || path.front() != '/' || path.back() == '/') return false;
  char before = 0;
  for (const char c : path) {
    if (c == '+' || c == '#' || c == '\0' || (c == '/' && before == '/')) return false;
    before = c;
  }
  return true;
}

/// Takes "/level" off the front; "" when there is none.
std::string_view take_level(std::string_view& rest) {
  if (rest.empty()) return {};
  const std::size_t end = std::min(rest.find('/', 1), rest.size());
  const std::string_view level = rest.substr(1, end - 1);
  rest.remove_prefix(end);
  return level;
}

bool take_front(std::string_view& text, std::string_view front) {
  if (!text.starts_with(front)) return false;
  text.remove_prefix(front.size());
  return true;
}
bool take_back(std::string_view& text, std::string_view back) {
  if (!text.ends_with(back)) return false;
  text.remove_suffix(back.size());
  return true;
}

bool is_level(std::string_view text) { return !text.empty() && text.find('/') == std::string_view::npos; }

/// Topics whose name is a level of their own.
void read_named(Topic& topic, std::string_view tail) {
  const auto is = [&](std::string_view name, Kind kind) {
    if (!is_level(name)) return false;
    topic.kind = kind;
    topic.name = name;
    return true;
  };
  std::string_view name = tail;
  if (take_front(name, "thing/event/") && take_back(name, "/post") && is(name, Kind::event_post)) return;
  name = tail;
  if (take_front(name, "thing/service/") && is(name, Kind::service)) return;
  // Message ids are whole levels, whatever they end in.
  tail = topic.is_reply ? std::string_view(tail.data(), tail.size() + kReply.size()) : tail;
  name = tail;
  if (take_front(name, "rrpc/request/") && is(name, Kind::rrpc_request)) return void(topic.is_reply = false);
  name = tail;
  if (take_front(name, "rrpc/response/") && is(name, Kind::rrpc_response)) return void(topic.is_reply = true);
  name = tail;
  if (take_front(name, "broadcast/request/") && is(name, Kind::broadcast_request)) return void(topic.is_reply = false);
  for (const std::string_view pairing : {"thing/awss/", "thing/lan/", "thing/cipher/"})
    if (tail.starts_with(pairing)) topic.kind = Kind::living_link;
}

void read_sys(Topic& topic, std::string_view rest) {
  topic.product = take_level(rest);
  topic.device = take_level(rest);
  if (topic.device.empty() || rest.empty()) return;
  std::string_view tail = rest.substr(1);
  if (tail == "thing/event/property/post") {  // nine of ten messages
    topic.kind = Kind::property_post;
    return;
  }
  topic.is_reply = take_back(tail, kReply);
  if (const Fixed* fixed = find_fixed(tail))
    topic.kind = fixed->kind;
  else
    read_named(topic, tail);
}

void read_rrpc_custom(Topic& topic, std::string_view rest) {
  const std::string_view id = take_level(rest);
  if (id.empty() || rest.empty()) return;
  topic.kind = Kind::rrpc_custom;
  topic.name = id;
  topic.inner = rest;
  std::string_view names = rest;
  if (names.starts_with("/sys/")) take_level(names);
  topic.product = take_level(names);
  topic.device = take_level(names);
}

bool read_framed(Topic& topic) {
  for (const Framed& row : kFramed) {
    std::string_view rest = topic.path;
    if (!take_front(rest, row.front) || !rest.starts_with('/')) continue;
    const std::string_view product = take_level(rest);
    const std::string_view device = take_level(rest);
    topic.is_reply = is_session(row.kind) ? take_back(rest, kReply) : row.kind == Kind::ntp && rest == "/response";
    if (device.empty() || (rest != row.back && !topic.is_reply)) continue;
    if (is_session(row.kind) && rest != row.back) continue;
    topic.kind = row.kind;
    topic.product = product;
    topic.device = device;
    return true;
  }
  topic.is_reply = false;
  return false;
}

void read_ext(Topic& topic) {
  if (topic.path == "/ext/register") return void(topic.kind = Kind::registered);
  if (topic.path == "/ext/regnwl") return void(topic.kind = Kind::registered_token);
  if (topic.path == "/ext/auth/identity/response") return void(topic.kind = Kind::identity_response);
  if (topic.path.starts_with("/ext/rrpc/")) return read_rrpc_custom(topic, topic.path.substr(9));
  read_framed(topic);
}

void read_broadcast(Topic& topic, std::string_view rest) {
  topic.product = take_level(rest);
  if (rest.empty()) return;
  topic.kind = Kind::product_broadcast;
  topic.name = rest.substr(1);
}

void read_custom(Topic& topic) {
  std::string_view rest = topic.path;
  topic.product = take_level(rest);
  topic.device = take_level(rest);
  if (topic.device.empty() || rest.empty()) return;
  topic.kind = Kind::custom;
  topic.name = rest.substr(1);
}

void write_named(Writer& out, std::string_view front, std::string_view name, std::string_view back = {}) {
  out.text(front), out.text(name), out.text(back);
}

void write_sys(Writer& out, std::string_view product, std::string_view device) {
  out.text("/sys/"), out.text(product), out.ch('/'), out.text(device), out.ch('/');
}

/// What follows `/sys/{pk}/{dn}/` for the kinds with a name; false for others.
bool write_named_tail(Writer& out, Kind kind, std::string_view name) {
  switch (kind) {
    case Kind::event_post:
      return write_named(out, "thing/event/", name, "/post"), true;
    case Kind::service:
      return write_named(out, "thing/service/", name), true;
    case Kind::rrpc_request:
      return write_named(out, "rrpc/request/", name), true;
    case Kind::rrpc_response:
      return write_named(out, "rrpc/response/", name), true;
    case Kind::broadcast_request:
      return write_named(out, "broadcast/request/", name), true;
    default:
      return false;
  }
}

Result<TopicName> finish(const Writer& out) {
  if (!out.ok()) return fail(Error::too_large);
  return TopicName::from(out.text());
}

std::string_view unframed(Kind kind) {
  if (kind == Kind::registered) return "/ext/register";
  if (kind == Kind::registered_token) return "/ext/regnwl";
  return kind == Kind::identity_response ? "/ext/auth/identity/response" : "";
}

}  // namespace

bool Topic::wants_script() const {
  for (std::string_view rest = query; !rest.empty();) {
    const std::size_t end = std::min(rest.find('&'), rest.size());
    if (rest.substr(0, end) == "_sn=default") return true;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return false;
}

Result<Topic> parse_topic(std::string_view text) {
  Topic topic;
  const std::size_t question = text.find('?');
  topic.path = text.substr(0, question);
  if (question != std::string_view::npos) topic.query = text.substr(question + 1);
  if (!is_publishable(topic.path)) return fail(Error::malformed);
  if (topic.path.starts_with("/sys/")) {
    read_sys(topic, topic.path.substr(4));
  } else if (topic.path.starts_with("/ext/")) {
    read_ext(topic);
  } else if (topic.path.starts_with("/ota/") || topic.path.starts_with("/shadow/")) {
    read_framed(topic);
  } else if (topic.path.starts_with("/broadcast/")) {
    read_broadcast(topic, topic.path.substr(10));
  } else {
    read_custom(topic);
  }
  return topic;
}

Direction direction(const Topic& topic) {
  const auto reply = [&topic](Direction request) {
    if (!topic.is_reply || request == both) return request;
    return request == up ? down : up;
  };
  if (const Fixed* fixed = find_fixed(topic.kind)) return reply(fixed->direction);
  if (const Framed* framed = find_framed(topic.kind)) return reply(framed->direction);
  switch (topic.kind) {
    case Kind::event_post:
      return reply(up);
    case Kind::service:
      return reply(down);
    case Kind::rrpc_response:
      return up;
    case Kind::rrpc_request:
    case Kind::broadcast_request:
    case Kind::product_broadcast:
    case Kind::registered:
    case Kind::registered_token:
    case Kind::identity_response:
      return down;
    default:
      return both;
  }
}

bool is_delivered_unasked(const Topic& topic, bool auto_subscribe, unsigned ext) {
  switch (topic.kind) {
    case Kind::registered:
    case Kind::registered_token:
    case Kind::identity_response:
    case Kind::broadcast_request:
      return true;
    case Kind::unknown:
    case Kind::custom:
    case Kind::product_broadcast:
      return false;
    case Kind::rrpc_custom:
      return (ext & 1U) != 0;
    case Kind::session_error:
      return auto_subscribe || (ext & 2U) != 0;
    default:
      return auto_subscribe && direction(topic) != up;
  }
}

Result<std::string_view> method_of(const Topic& topic, std::span<char> out) {
  if (const Fixed* fixed = find_fixed(topic.kind)) return fixed->method;
  if (topic.kind != Kind::event_post && topic.kind != Kind::service) return std::string_view{};
  Writer text{{reinterpret_cast<std::uint8_t*>(out.data()), out.size()}};
  if (topic.kind == Kind::event_post)
    write_named(text, "thing.event.", topic.name, ".post");
  else
    write_named(text, "thing.service.", topic.name);
  if (!text.ok()) return fail(Error::no_space);
  return text.text();
}

Result<TopicName> request_topic(Kind kind, const DeviceId& device, std::string_view name) {
  std::array<std::uint8_t, kMaxBuiltTopic> buffer;
  Writer out{buffer};
  if (const Framed* framed = find_framed(kind)) {
    out.text(framed->front), out.ch('/'), out.text(device.product.str());
    out.ch('/'), out.text(device.device.str()), out.text(framed->back);
    return finish(out);
  }
  if (const std::string_view whole = unframed(kind); !whole.empty()) return TopicName::from(whole);
  write_sys(out, device.product.str(), device.device.str());
  if (const Fixed* fixed = find_fixed(kind)) {
    out.text(fixed->tail);
    return finish(out);
  }
  if (!is_level(name) || !write_named_tail(out, kind, name)) return fail(Error::bad_argument);
  return finish(out);
}

bool write_reply_topic(Writer& out, const Topic& request) {
  if (request.is_reply) return false;
  if (const Fixed* fixed = find_fixed(request.kind)) {
    if (!fixed->replied) return false;
    return write_named(out, request.path, kReply), true;
  }
  switch (request.kind) {
    case Kind::event_post:
    case Kind::service:
    case Kind::session_login:
    case Kind::session_logout:
    case Kind::session_batch_login:
    case Kind::session_batch_logout:
      return write_named(out, request.path, kReply), true;
    case Kind::rrpc_custom:
    case Kind::ota_request:
      return out.text(request.path), true;
    case Kind::rrpc_request:
      write_sys(out, request.product, request.device);
      return write_named(out, "rrpc/response/", request.name), true;
    case Kind::ntp:
      write_named(out, "/ext/ntp/", request.product, "/");
      return write_named(out, request.device, "/response"), true;
    case Kind::shadow_update:
      write_named(out, "/shadow/get/", request.product, "/");
      return out.text(request.device), true;
    default:
      return false;
  }
}

Result<TopicName> reply_topic(const Topic& request) {
  std::array<std::uint8_t, kMaxBuiltTopic> buffer;
  Writer out{buffer};
  if (!write_reply_topic(out, request)) return fail(Error::bad_argument);
  return finish(out);
}

Result<TopicName> rrpc_custom_topic(std::string_view message_id, std::string_view topic) {
  if (!is_level(message_id) || !is_publishable(topic)) return fail(Error::bad_argument);
  std::array<std::uint8_t, kMaxBuiltTopic> buffer;
  Writer out{buffer};
  write_named(out, "/ext/rrpc/", message_id, topic);
  return finish(out);
}

Result<TopicName> user_topic(const DeviceId& device, std::string_view rest) {
  if (rest.empty() || rest.front() == '/') return fail(Error::bad_argument);
  std::array<std::uint8_t, kMaxBuiltTopic> buffer;
  Writer out{buffer};
  write_named(out, "/", device.product.str(), "/");
  write_named(out, device.device.str(), "/user/", rest);
  if (out.ok() && !is_publishable(out.text())) return fail(Error::bad_argument);
  return finish(out);
}

}  // namespace tercet::alink
