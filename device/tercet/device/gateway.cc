#include "tercet/device/gateway.h"

#include <algorithm>

#include "tercet/alink/envelope.h"
#include "tercet/alink/sub_device.h"
#include "tercet/auth/sign.h"
#include "tercet/auth/sub_device.h"
#include "tercet/base/writer.h"
#include "tercet/crypto/encoding.h"

namespace tercet::device {
namespace {

constexpr Millis kAnswerWithin{10'000}, kBackoffFirst{1'000}, kBackoffLimit{60'000}, kNoRoom{100};
constexpr std::int32_t kSuccess = alink::number(alink::Code::success),
                       kElsewhere = alink::number(alink::Code::connected_elsewhere),
                       kNoSession = alink::number(alink::Code::no_session),
                       kDeleted = alink::number(alink::Code::device_deleted),
                       kDisabled = alink::number(alink::Code::device_forbidden),
                       kNoDevice = alink::number(alink::Code::device_not_found),
                       kNotAllowed = alink::number(alink::Code::topic_parse_failed),
                       kForbidden = alink::number(alink::Code::device_disabled),
                       kNotInTopology = alink::number(alink::Code::topo_not_exist);
constexpr std::string_view kTopoAdd = "thing/topo/add", kTopoDelete = "thing/topo/delete",
                           kRegister = "thing/sub/register", kLogin = "combine/batch_login";

bool take_front(std::string_view& text, std::string_view front) {
  if (!text.starts_with(front)) return false;
  text.remove_prefix(front.size());
  return true;
}

/// The part before the next '/', which is taken away with it.
std::string_view take_level(std::string_view& text) {
  const std::size_t slash = std::min(text.find('/'), text.size());
  const std::string_view level = text.substr(0, slash);
  text.remove_prefix(std::min(slash + 1, text.size()));
  return level;
}

std::int64_t integer_in(const json::Value& object, std::string_view name, std::int64_t otherwise) {
  const auto value = object.find(name);
  return value ? value->integer().value_or(otherwise) : otherwise;
}

}  // namespace

/// What a sub-device says to prove itself: topo/add and logins sign the same.
struct Gateway::Words {
  std::array<std::uint8_t, 56> client_id_bytes;
  std::array<char, 2 * crypto::kMaxDigestBytes> hex;
  std::string_view client_id, sign;

  bool make(const SubDevice& sub) {
    Writer out{client_id_bytes};
    out.text(sub.id().product.str()), out.ch('.'), out.text(sub.id().device.str());
    client_id = out.text();
    const crypto::Digest digest =
        auth::sign_sub_device(auth::SignMethod::sha256, sub.secret(),
                              {client_id, sub.id().device.str(), sub.id().product.str(), auth::kConstantTimestamp});
    const auto written = crypto::encode_hex(digest.view(), hex);
    if (!out.ok() || digest.empty() || !written) return false;
    sign = *written;
    return true;
  }
  void write(json::Writer& out, const SubDevice& sub, std::string_view method_name) const {
    out.key("productKey").string(sub.id().product.str()).key("deviceName").string(sub.id().device.str());
    out.key("clientId").string(client_id).key("timestamp").string(auth::kConstantTimestamp);
    out.key(method_name).string("hmacSha256").key("sign").string(sign);
  }
};

Gateway::Gateway(Device& device, const Port& port, GatewayEvents& events, std::span<SubDevice> subs,
                 MutableBytes scratch, std::size_t most_logins)
    : device_(device),
      port_(port),
      events_(events),
      subs_(subs),
      scratch_(scratch),
      most_logins_(std::clamp<std::size_t>(most_logins, 1, alink::kMaxSubDevicesPerLogin)) {}

// --- the devices ---

SubDevice* Gateway::named(std::string_view product, std::string_view device) {
  const auto found = std::find_if(subs_.begin(), subs_.end(), [&](const SubDevice& one) {
    return one.state_ != SubState::unused && one.id_->device.str() == device && one.id_->product.str() == product;
  });
  return found == subs_.end() ? nullptr : &*found;
}

SubDevice* Gateway::named(const json::Value& entry) {
  const auto names = alink::parse_sub_device(entry);
  return names ? named(names->product, names->device) : nullptr;
}

SubDevice* Gateway::find(const DeviceId& id) { return named(id.product.str(), id.device.str()); }

Result<SubDevice*> Gateway::add(const DeviceId& id, std::string_view secret) {
  SubDevice* sub = find(id);
  const bool is_back = sub != nullptr && (sub->state_ == SubState::removed || sub->state_ == SubState::deleted);
  if (sub != nullptr && !is_back) return fail(Error::already_exists);
  if (sub == nullptr) {
    const auto slot =
        std::find_if(subs_.begin(), subs_.end(), [](const SubDevice& one) { return one.state_ == SubState::unused; });
    if (slot == subs_.end()) return fail(Error::no_space);
    sub = &*slot;
  }
  if (!secret.empty() && !sub->secret_.assign(secret)) return fail(Error::bad_argument);
  sub->id_ = id;
  sub->asked_ = false;
  sub->refusals_ = 0;
  sub->again_ = {};
  enter(*sub, sub->secret_.empty() ? SubState::unnamed : SubState::ready);
  return sub;
}

void Gateway::remove(SubDevice& sub) {
  if (sub.state_ == SubState::unused || sub.state_ == SubState::leaving) return;
  // The platform has nothing of these.
  if (sub.state_ == SubState::deleted || sub.state_ == SubState::removed || sub.state_ == SubState::unnamed)
    return free(sub);
  sub.refusals_ = 0;
  sub.again_ = {};
  enter(sub, SubState::leaving);
}

void Gateway::free(SubDevice& sub) {
  sub.secret_.wipe();
  sub.asked_ = false;
  enter(sub, SubState::unused);
}

void Gateway::enter(SubDevice& sub, SubState state, std::int32_t code) {
  sub.code_ = code;
  if (state == SubState::online) sub.refusals_ = 0;
  if (sub.state_ == state) return;
  sub.state_ = state;
  events_.on_sub_state(sub);
}

/// Longer each time, with a random part, so that gateways that fell together do not return together.
void Gateway::refuse(SubDevice& sub, std::int32_t code, Instant now) {
  const int doublings = std::min<int>(sub.refusals_, 6);
  const Millis most = std::min(kBackoffLimit, kBackoffFirst * (1 << doublings));
  std::array<std::uint8_t, 2> random;
  port_.random.fill(random);
  const auto part = static_cast<std::int64_t>(random[0] << 8 | random[1]);
  sub.again_ = now + most / 2 + Millis{most.count() / 2 * part / 65'536};
  if (sub.refusals_ < 255) ++sub.refusals_;
  sub.code_ = code;
}

// --- requests ---

void Gateway::session_began() {
  end_request();
  for (SubDevice& sub : subs_) {
    sub.again_ = {};
    sub.refusals_ = 0;
    if (sub.state_ == SubState::disabled) enter(sub, SubState::ready);  // it may have been enabled meanwhile
  }
}

void Gateway::end_request() {
  request_ = Request::none;
  answer_until_ = Instant::never();
  for (SubDevice& sub : subs_) sub.asked_ = false;
}

void Gateway::run() {
  const Instant now = port_.clock.now();
  const bool is_online = device_.is_online() && id_;
  if (is_online != was_online_) {
    was_online_ = is_online;
    if (is_online) session_began();
    for (SubDevice& sub : subs_)
      if (sub.state_ == SubState::online) enter(sub, SubState::ready);
  }
  if (!is_online) return;
  if (now < answer_until_ && answer_until_ != Instant::never()) return;  // an answer is waited for, or room
  if (request_ != Request::none) {                                       // nobody has answered
    for (SubDevice& sub : subs_)
      if (sub.asked_) refuse(sub, 0, now);
  }
  end_request();
  static_cast<void>(ask_next(now));
}

Instant Gateway::next_deadline() const {
  if (!was_online_) return device_.is_online() && id_ ? Instant{} : Instant::never();
  if (!device_.is_online()) return Instant{};
  if (answer_until_ != Instant::never()) return answer_until_;
  Instant soonest = Instant::never();
  for (const SubDevice& sub : subs_) {
    const bool has_wish = sub.state_ == SubState::unnamed || sub.state_ == SubState::ready ||
                          sub.state_ == SubState::absent || sub.state_ == SubState::leaving;
    if (has_wish) soonest = std::min(soonest, sub.again_);
  }
  return soonest;
}

/// Marks up to `most` that are in this state and due. One that was refused before goes alone, lest it spoil the
/// others'.
std::size_t Gateway::choose(SubState state, std::size_t most, Instant now) {
  std::size_t count = 0;
  for (SubDevice& sub : subs_) {
    if (sub.state_ != state || now < sub.again_) continue;
    if (sub.refusals_ != 0 && count != 0) continue;
    sub.asked_ = true;
    if (++count == most || sub.refusals_ != 0) break;
  }
  return count;
}

bool Gateway::ask_next(Instant now) {
  const std::size_t fitting = scratch_.size() < 80 ? 0 : (scratch_.size() - 80) / kLoginBytes;
  if (choose(SubState::leaving, 1, now) != 0) return send(Request::removal, now);
  if (choose(SubState::unnamed,
             std::min<std::size_t>(alink::kMaxSubDevicesPerRegistration, std::max<std::size_t>(fitting, 1)), now) != 0)
    return send(Request::registration, now);
  if (choose(SubState::absent, 1, now) != 0) return send(Request::adding, now);
  if (choose(SubState::ready, std::clamp<std::size_t>(fitting, 1, most_logins_), now) != 0)
    return send(Request::login, now);
  return false;
}

bool Gateway::send(Request kind, Instant now) {
  const MessageId id = next_id();
  std::array<std::uint8_t, 12> digits;
  Writer number{digits};
  number.decimal(std::uint64_t{id});
  Writer out{scratch_};
  Result<void> sent = fail(Error::too_large);
  if (kind == Request::login) {
    json::Writer message{out};
    message.begin_object().key("id").string(number.text()).key("params").begin_object().key("deviceList").begin_array();
    for (const SubDevice& sub : subs_) {
      Words words;
      if (!sub.asked_) continue;
      if (!words.make(sub)) out.refuse();
      message.begin_object();
      words.write(message, sub, "signMethod");
      message.key("cleanSession").string("false").end_object();
    }
    message.end_array().end_object().end_object();
    if (out.ok()) sent = publish_to("/ext/session/", *id_, kLogin, out.written());
  } else {
    const std::string_view method = kind == Request::registration ? "thing.sub.register"
                                    : kind == Request::adding     ? "thing.topo.add"
                                                                  : "thing.topo.delete";
    const std::string_view tail = kind == Request::registration ? kRegister
                                  : kind == Request::adding     ? kTopoAdd
                                                                : kTopoDelete;
    alink::RequestWriter request{out, number.text(), method};
    request.params().begin_array();
    for (const SubDevice& sub : subs_) {
      if (!sub.asked_) continue;
      if (kind != Request::adding) {
        alink::write_sub_device(request.params(), sub.id().product.str(), sub.id().device.str());
        continue;
      }
      Words words;
      if (!words.make(sub)) out.refuse();
      request.params().begin_object();
      words.write(request.params(), sub, "signmethod");
      request.params().end_object();
    }
    request.params().end_array();
    request.finish();
    if (out.ok()) sent = publish_to("/sys/", *id_, tail, out.written());
  }
  if (!sent) {
    const bool is_large = sent.error() == Error::too_large;
    if (is_large && kind == Request::login && most_logins_ > 1) {
      most_logins_ /= 2;
    } else if (is_large) {
      for (SubDevice& sub : subs_)
        if (sub.asked_) refuse(sub, 0, now);
    }
    end_request();
    answer_until_ = now + kNoRoom;
    return false;
  }
  request_ = kind;
  asked_ = id;
  answer_until_ = now + kAnswerWithin;
  return true;
}

Result<void> Gateway::publish_to(std::string_view head, const DeviceId& id, std::string_view tail, Bytes payload) {
  std::array<std::uint8_t, 160> bytes;
  Writer topic{bytes};
  topic.text(head), topic.text(id.product.str()), topic.ch('/'), topic.text(id.device.str()), topic.ch('/');
  topic.text(tail);
  if (!topic.ok()) return fail(Error::too_large);
  return device_.publish(topic.text(), payload, mqtt::Qos::at_most_once);
}

// --- answers ---

void Gateway::on_answer(Bytes payload, Instant now) {
  const auto reply = alink::parse_reply(as_text(payload));
  if (!reply || request_ == Request::none || parse_id(reply->id) != asked_) return;  // late, or nobody's
  const json::Value data = reply->data.value_or(json::Value{});
  if (reply->code == kSuccess) {
    if (request_ == Request::registration && data.is(json::Type::array))
      for (const json::Value& entry : data.elements()) take_secret(entry);
    for (SubDevice& sub : subs_)
      if (sub.asked_) settle(sub, kSuccess, now);
    end_request();
    return;
  }
  // Of a batch, only those that are named were refused.
  bool is_named = false;
  if (data.is(json::Type::array)) {
    for (const json::Value& entry : data.elements()) {
      SubDevice* const sub = named(entry);
      if (sub == nullptr || !sub->asked_) continue;
      is_named = true;
      sub->asked_ = false;
      settle(*sub, reply->code, now);
    }
  }
  for (SubDevice& sub : subs_)
    if (sub.asked_ && !is_named) settle(sub, reply->code, now);
  end_request();
}

void Gateway::take_secret(const json::Value& entry) {
  SubDevice* const sub = named(entry);
  const auto value = entry.find("deviceSecret");
  const auto secret = value ? value->text() : std::nullopt;
  if (sub == nullptr || !sub->asked_ || !secret || secret->has_escapes() || secret->raw().empty()) return;
  if (!sub->secret_.assign(secret->raw())) return;
  events_.on_sub_registered(*sub);
}

/// What the answer to request_ means for one of those that it was about.
void Gateway::settle(SubDevice& sub, std::int32_t code, Instant now) {
  if (sub.state_ == SubState::leaving && request_ != Request::removal) return;  // remove() came meanwhile
  switch (request_) {
    case Request::registration:
      if (!sub.secret_.empty()) return enter(sub, SubState::ready);
      break;
    case Request::adding:
      if (code == kSuccess) return enter(sub, SubState::ready);
      break;
    case Request::login:
      if (code == kSuccess) return enter(sub, SubState::online);
      if (code == kNotInTopology) return enter(sub, SubState::absent, code);
      break;
    case Request::removal:
      if (code == kSuccess || code == kNotInTopology || code == kNoDevice || code == kNotAllowed) return free(sub);
      return refuse(sub, code, now);
    default:
      return;
  }
  if (code == kDisabled || code == kForbidden) return enter(sub, SubState::disabled, code);
  if (code == kDeleted || code == kNoDevice) return enter(sub, SubState::deleted, code);
  refuse(sub, code, now);
}

// --- what comes by itself ---

bool Gateway::on_message(std::string_view topic, Bytes payload) {
  if (!id_) return false;
  const Instant now = port_.clock.now();
  std::string_view rest = topic;
  const bool is_session = take_front(rest, "/ext/session/");
  const bool is_error = !is_session && take_front(rest, "/ext/error/");
  const bool is_system = !is_session && !is_error && take_front(rest, "/sys/");
  if (!is_session && !is_error && !is_system && !take_front(rest, "/")) return false;
  const std::string_view product = take_level(rest), device = take_level(rest);
  const bool is_own = product == id_->product.str() && device == id_->device.str();
  if (is_session) {
    if (is_own && rest == "combine/batch_login_reply" && request_ == Request::login) on_answer(payload, now);
    return is_own;
  }
  if (is_error) {
    if (is_own) on_error(payload);
    return is_own;
  }
  if (is_own) return is_system && on_own(rest, payload, now);
  SubDevice* const sub = named(product, device);
  if (sub == nullptr) return false;
  if (is_system)
    on_sub(*sub, topic, rest, payload);
  else
    events_.on_sub_message(*sub, rest, payload);
  return true;
}

bool Gateway::on_own(std::string_view tail, Bytes payload, Instant now) {
  const Request answered = tail == "thing/topo/add_reply"       ? Request::adding
                           : tail == "thing/topo/delete_reply"  ? Request::removal
                           : tail == "thing/sub/register_reply" ? Request::registration
                                                                : Request::none;
  if (answered != Request::none) {
    if (answered == request_) on_answer(payload, now);
    return true;
  }
  if (tail == "thing/list/found_reply") return true;
  const bool is_change = tail == "thing/topo/change";
  if (!is_change && tail != "thing/topo/add/notify") return false;
  const auto request = alink::parse_request(as_text(payload));
  if (!request) return true;
  const json::Value params = request->params.value_or(json::Value{});
  if (is_change) on_change(params);
  if (!is_change && params.is(json::Type::array)) {
    for (const json::Value& entry : params.elements()) {
      const auto names = alink::parse_sub_device(entry);
      const auto product = names ? ProductKey::parse(names->product) : fail(Error::malformed);
      const auto device = names ? DeviceName::parse(names->device) : fail(Error::malformed);
      if (product && device) events_.on_invited({*product, *device});
    }
  }
  std::array<std::uint8_t, 160> bytes;
  Writer topic{bytes};
  topic.text("/sys/"), topic.text(id_->product.str()), topic.ch('/'), topic.text(id_->device.str()), topic.ch('/');
  topic.text(tail);
  if (topic.ok()) answer(topic.text(), request->id, kSuccess);
  return true;
}

/// A login has ended, or there was none.
void Gateway::on_error(Bytes payload) {
  const auto reply = alink::parse_reply(as_text(payload));
  const auto data = reply ? reply->data : std::nullopt;
  SubDevice* const sub = data ? named(*data) : nullptr;
  if (sub == nullptr || sub->state_ == SubState::leaving) return;
  switch (reply->code) {
    case kDeleted:
      return enter(*sub, SubState::deleted, reply->code);
    case kDisabled:
      return enter(*sub, SubState::disabled, reply->code);
    case kNotInTopology:
      return enter(*sub, SubState::removed, reply->code);
    case kElsewhere:
    case kNoSession:
      if (sub->state_ != SubState::online) return;
      refuse(*sub, reply->code, port_.clock.now());  // not at once: two gateways would take it from each other for ever
      return enter(*sub, SubState::ready, reply->code);
    default:
      return;
  }
}

/// thing/topo/change: 0 added, 1 taken away, 2 enabled, 8 disabled, by somebody else.
void Gateway::on_change(const json::Value& params) {
  const std::int64_t status = integer_in(params, "status", -1);
  const auto list = params.find("subList");
  if (!list || !list->is(json::Type::array)) return;
  for (const json::Value& entry : list->elements()) {
    SubDevice* const sub = named(entry);
    if (sub == nullptr) {
      const auto names = alink::parse_sub_device(entry);
      const auto product = names ? ProductKey::parse(names->product) : fail(Error::malformed);
      const auto device = names ? DeviceName::parse(names->device) : fail(Error::malformed);
      if (status == 0 && product && device) events_.on_invited({*product, *device});
      continue;
    }
    if (sub->state_ == SubState::leaving) continue;
    const bool is_away = sub->state_ == SubState::removed || sub->state_ == SubState::absent;
    if (status == 0 && is_away) enter(*sub, SubState::ready);
    if (status == 1) enter(*sub, SubState::removed);
    if (status == 2 && sub->state_ == SubState::disabled) enter(*sub, SubState::ready);
    if (status == 8) enter(*sub, SubState::disabled);
  }
}

void Gateway::on_sub(SubDevice& sub, std::string_view topic, std::string_view tail, Bytes payload) {
  std::string_view rest = tail;
  if (tail == "thing/disable" || tail == "thing/enable" || tail == "thing/delete") {
    const auto request = alink::parse_request(as_text(payload));
    if (request) answer(topic, request->id, kSuccess);
    if (sub.state_ == SubState::leaving) return;
    if (tail == "thing/disable") return enter(sub, SubState::disabled, kDisabled);
    if (tail == "thing/delete") return enter(sub, SubState::deleted, kDeleted);
    if (sub.state_ == SubState::disabled) enter(sub, SubState::ready);
    return;
  }
  if (tail == "thing/service/property/set") return on_sub_set(sub, topic, payload);
  if (take_front(rest, "thing/service/") && rest.find('/') == std::string_view::npos && !rest.ends_with("_reply"))
    return on_sub_call(sub, topic, rest, payload);
  rest = tail;
  if (take_front(rest, "thing/event/") && rest.ends_with("/post_reply")) {
    const auto reply = alink::parse_reply(as_text(payload));
    if (!reply) return;
    PostReply told;
    told.id = parse_id(reply->id);
    told.code = reply->code;
    told.message = reply->message;
    told.data = reply->data ? reply->data->raw() : std::string_view("{}");
    if (told.code == kNoSession && sub.state_ == SubState::online) enter(sub, SubState::ready, told.code);
    return events_.on_sub_reply(sub, told);
  }
  events_.on_sub_message(sub, tail, payload);
}

/// As Device::on_set(): obeys, answers, then posts what now holds.
void Gateway::on_sub_set(SubDevice& sub, std::string_view topic, Bytes payload) {
  const auto request = alink::parse_request(as_text(payload));
  if (!request) return;
  PropertySet set{request->params.value_or(json::Value{})};
  events_.on_sub_set(sub, set);
  if (request->wants_reply) answer(topic, request->id, set.code());
  if (set.code() == kSuccess && !set.confirmed().empty()) static_cast<void>(post_properties(sub, set.confirmed()));
}

void Gateway::on_sub_call(SubDevice& sub, std::string_view topic, std::string_view service, Bytes payload) {
  const auto request = alink::parse_request(as_text(payload));
  if (!request) return;
  ServiceCall call{service, request->params.value_or(json::Value{})};
  events_.on_sub_service(sub, call);
  Writer data{scratch_};
  json::Writer outputs{data};
  call.write_outputs(outputs);
  if (!data.ok()) return answer(topic, request->id, alink::number(alink::Code::system_exception));
  answer(topic, request->id, call.code(), data.text());
}

void Gateway::answer(std::string_view topic, std::string_view id, std::int32_t code, std::string_view data) {
  std::array<std::uint8_t, 512> bytes;
  std::array<std::uint8_t, 160> topic_bytes;
  Writer out{bytes}, where{topic_bytes};
  alink::write_device_reply(out, id, code, data);
  where.text(topic), where.text("_reply");
  // Lost when there is no room: the platform asks again, or says that nobody has answered.
  if (out.ok() && where.ok()) static_cast<void>(device_.publish(where.text(), out.written(), mqtt::Qos::at_most_once));
}

// --- what the devices say ---

Result<MessageId> Gateway::post_properties(SubDevice& sub, std::span<const PropertyValue> values,
                                           std::optional<UnixMillis> at) {
  return post(sub, "thing/event/property/post", "thing.event.property.post", values, at, false);
}

Result<MessageId> Gateway::post_event(SubDevice& sub, std::string_view event, std::span<const PropertyValue> output,
                                      std::optional<UnixMillis> at) {
  std::array<std::uint8_t, 96> tail_bytes, method_bytes;
  Writer tail{tail_bytes}, method{method_bytes};
  tail.text("thing/event/"), tail.text(event), tail.text("/post");
  method.text("thing.event."), method.text(event), method.text(".post");
  const bool is_name = !event.empty() && event.find_first_of("/+#") == std::string_view::npos;
  if (!is_name || !tail.ok() || !method.ok()) return fail(Error::bad_argument);
  return post(sub, tail.text(), method.text(), output, at, true);
}

Result<MessageId> Gateway::post(SubDevice& sub, std::string_view tail, std::string_view method,
                                std::span<const PropertyValue> values, std::optional<UnixMillis> at, bool is_event) {
  if (sub.state_ != SubState::online) return fail(Error::bad_state);
  if (!at && device_.time().is_set()) at = port_.clock.wall();
  const MessageId id = next_id();
  std::array<std::uint8_t, 12> digits;
  Writer number{digits};
  number.decimal(std::uint64_t{id});
  Writer out{scratch_};
  alink::RequestWriter request{out, number.text(), method, alink::RequestWriter::Ack::yes};
  if (is_event) {
    request.params().begin_object().key("value");
    write_properties(request.params(), values, std::nullopt);
    if (at) request.params().key("time").number(at->ms);
    request.params().end_object();
  } else {
    write_properties(request.params(), values, at);
  }
  request.finish();
  if (!out.ok()) return fail(Error::too_large);
  if (const auto sent = publish_to("/sys/", sub.id(), tail, out.written()); !sent) return fail(sent.error());
  return id;
}

Result<void> Gateway::publish(SubDevice& sub, std::string_view tail, Bytes payload) {
  if (sub.state_ != SubState::online) return fail(Error::bad_state);
  return publish_to("/", sub.id(), tail, payload);
}

Result<void> Gateway::report_found(std::span<const DeviceId> found) {
  if (!device_.is_online() || !id_) return fail(Error::bad_state);
  std::array<std::uint8_t, 12> digits;
  Writer number{digits};
  number.decimal(std::uint64_t{next_id()});
  Writer out{scratch_};
  alink::RequestWriter request{out, number.text(), "thing.list.found"};
  request.params().begin_array();
  for (const DeviceId& one : found) alink::write_sub_device(request.params(), one.product.str(), one.device.str());
  request.params().end_array();
  request.finish();
  if (!out.ok()) return fail(Error::too_large);
  return publish_to("/sys/", *id_, "thing/list/found", out.written());
}

}  // namespace tercet::device
