// Gateways, on their own shard: logins of sub-devices, which their home shards decide, and what is handed on to whoever
// keeps the topology (device-protocol 9).
#include <algorithm>

#include "platform/broker/identity.h"
#include "platform/thing/shard.h"
#include "tercet/alink/sub_device.h"
#include "tercet/json/writer.h"

namespace tercet::thing {

using alink::Code;
using alink::Kind;
using auth::Cause;
using Taken = broker::Ingress::Taken;

namespace {

std::optional<std::string> copy_of(const std::optional<std::string_view>& text) {
  return text ? std::optional<std::string>(*text) : std::nullopt;
}

std::string name_of(const SubLogin& login) { return login.product + "/" + login.device; }

/// `{"deviceName":…,"productKey":…}`, or a list of them.
std::string data_of(const std::vector<std::pair<std::string, std::string>>& devices, bool is_list) {
  std::string out;
  std::size_t room = 8;
  for (const auto& [product, device] : devices) room += 6 * (product.size() + device.size()) + 64;
  append_written(out, room, [&](auto& bytes) {
    json::Writer json{bytes};
    if (is_list) json.begin_array();
    for (const auto& [product, device] : devices) alink::write_sub_device(json, product, device);
    if (is_list) json.end_array();
  });
  return out.empty() ? "{}" : out;
}

std::optional<GatewayMessage::Kind> topology_kind(Kind kind) {
  using To = GatewayMessage::Kind;
  switch (kind) {
    case Kind::topo_add:
      return To::topo_add;
    case Kind::topo_delete:
      return To::topo_delete;
    case Kind::topo_get:
      return To::topo_get;
    case Kind::list_found:
      return To::list_found;
    case Kind::sub_register:
      return To::sub_register;
    case Kind::sub_unregister:
      return To::sub_unregister;
    case Kind::product_register:
      return To::product_register;
    default:
      return std::nullopt;
  }
}

Code code_of(broker::RideEnd why) {
  switch (why) {
    case broker::RideEnd::elsewhere:
      return Code::connected_elsewhere;
    case broker::RideEnd::disabled:
      return Code::device_forbidden;
    case broker::RideEnd::removed:
      return Code::device_deleted;
    default:
      return Code::topo_not_exist;
  }
}

Cause cause_of(broker::RideEnd why) {
  switch (why) {
    case broker::RideEnd::elsewhere:
      return Cause::sub_device_elsewhere;
    case broker::RideEnd::disabled:
      return Cause::sub_device_disabled;
    case broker::RideEnd::removed:
      return Cause::sub_device_unknown;
    default:
      return Cause::sub_device_not_in_topology;
  }
}

}  // namespace

/// One message of logins: first all are examined, then all are taken in; on the gateway's shard.
struct ThingIngress::Shard::LoginBatch {
  broker::SessionRef session;
  std::uint64_t gateway = 0;
  std::string topic, id;
  std::uint8_t qos = 0;
  bool is_list = false;
  SubDeviceHome::Step step = SubDeviceHome::Step::examine;
  std::size_t missing = 0;
  std::vector<SubLogin> logins;
  std::vector<std::optional<SubLoginAnswer>> answers;
};

// --- topology: decided elsewhere ---

Taken ThingIngress::Shard::on_topology(const Message& message) {
  const auto request = alink::parse_request(as_text(message.in.payload));
  if (!request) return refuse_unreadable(message);
  if (!message.product.is_gateway) return refuse(message, request->id, Code::topo_not_exist, Cause::not_a_gateway, {});
  char method[96];
  GatewayMessage out;
  out.kind = *topology_kind(message.topic.kind);
  out.device = message.device.number;
  out.product = message.product.key, out.name = message.device.name;
  out.id = request->id;
  out.method = alink::method_of(message.topic, method).value_or(std::string_view{});
  out.topic = std::string(message.topic.path) + "_reply";
  out.params = request->params ? std::string(request->params->raw()) : "null";
  out.wants_reply = request->wants_reply;
  out.qos = std::min<std::uint8_t>(message.in.qos, 1);
  if (!gateways_) return decline(message);
  if (gateways_(std::move(out))) return Taken::done;
  return refuse(message, request->id, Code::too_many_requests, Cause::server_full, {});
}

// --- logins ---

Taken ThingIngress::Shard::on_sub_login(const Message& message) {
  const bool is_list = message.topic.kind == Kind::session_batch_login;
  const auto request = alink::parse_request(as_text(message.in.payload));
  if (!request) return refuse_unreadable(message);
  if (!message.product.is_gateway || neighbours_ == nullptr)
    return refuse(message, request->id, Code::no_session, Cause::not_a_gateway, {});
  if (!request->params) return refuse(message, request->id, Code::parameter_error, Cause::params_missing, {});
  alink::SubDevices entries{*request->params};
  if (!entries.ok())
    return refuse(message, request->id, Code::parameter_error, Cause::params_wrong_type,
                  is_list ? "params must be {\"deviceList\":[...]}" : "params must name a sub-device");
  if (entries.count() > (is_list ? alink::kMaxSubDevicesPerLogin : 1))
    return refuse(message, request->id, Code::parameter_error, Cause::too_many_sub_devices,
                  std::to_string(entries.count()) + " logins in one message");
  for (std::size_t i = 0; i < entries.count(); ++i)
    if (login_rates_[message.device.number].ask(settings_.sub_logins_per_second, loop_.now()) !=
        broker::Rate::Answer::pass)
      return refuse(message, request->id, Code::too_many_requests, Cause::sub_device_login_rate, {});
  if (egress_->sub_devices(message.in.session) + entries.count() > settings_.max_sub_devices)
    return refuse(message, request->id, Code::too_many_subdevices_online, Cause::too_many_sub_devices,
                  std::to_string(egress_->sub_devices(message.in.session)) + " are logged in over this gateway");

  auto batch = std::make_shared<LoginBatch>();
  batch->session = message.in.session;
  batch->gateway = message.device.number;
  batch->topic = std::string(message.topic.path) + "_reply";
  batch->id = request->id;
  batch->qos = message.in.qos;
  batch->is_list = is_list;
  const auto peer = egress_->address_of(message.in.session);
  while (const auto entry = entries.next()) {
    if (!*entry)
      return refuse(message, request->id, Code::parameter_error, Cause::params_wrong_type,
                    "productKey and deviceName must be texts");
    SubLogin login;
    login.gateway = message.device.number;
    login.gateway_name = message.in.identity.name;
    login.gateway_ext = message.in.ext;
    login.ride = {neighbours_->home_of(message.in.identity.key()), message.in.session, ++next_ride_};
    login.peer = peer.value_or(runtime::Address{});
    login.product = (*entry)->product, login.device = (*entry)->device;
    login.client_id = copy_of((*entry)->client_id), login.timestamp = copy_of((*entry)->timestamp);
    login.sign = (*entry)->sign, login.sign_method = (*entry)->sign_method;
    batch->logins.push_back(std::move(login));
  }
  batch->step = is_list ? SubDeviceHome::Step::examine : SubDeviceHome::Step::take_in;
  ask_homes(batch);
  return Taken::done;
}

/// Asks the home shard of each sub-device; the answers come one by one.
void ThingIngress::Shard::ask_homes(const std::shared_ptr<LoginBatch>& batch) {
  batch->answers.assign(batch->logins.size(), std::nullopt);
  batch->missing = batch->logins.size();
  for (std::size_t i = 0; i < batch->logins.size(); ++i) {
    const SubLogin& login = batch->logins[i];
    const std::size_t here = login.ride.shard;
    const bool asked = neighbours_->post(
        neighbours_->home_of(broker::device_key(login.product, login.device)),
        [this, batch_of = batch, i, here, login, step = batch->step, neighbours = neighbours_](SubDeviceHome& home) {
          auto answer = home.log_in(login, step);
          const bool taken_in = step == SubDeviceHome::Step::take_in && answer.code == Code::success;
          const bool told = neighbours->post(here, [this, batch_of, i, answer = std::move(answer)](SubDeviceHome&) {
            on_home_answer(batch_of, i, answer);
          });
          if (!told && taken_in) home.undo(login);
        });
    if (!asked) on_home_answer(batch, i, {Code::too_many_requests, Cause::server_full, name_of(login), {}});
  }
}

void ThingIngress::Shard::on_home_answer(const std::shared_ptr<LoginBatch>& batch, std::size_t i,
                                         const SubLoginAnswer& answer) {
  batch->answers[i] = answer;
  if (--batch->missing > 0) return;
  const bool is_good = std::all_of(batch->answers.begin(), batch->answers.end(),
                                   [](const auto& one) { return one->code == Code::success; });
  if (is_good && batch->step == SubDeviceHome::Step::examine) {
    batch->step = SubDeviceHome::Step::take_in;
    return ask_homes(batch);
  }
  bool is_here = is_good;
  for (std::size_t k = 0; is_here && k < batch->logins.size(); ++k)
    is_here = egress_->admit(batch->answers[k]->session);
  if (is_here) return answer_logins(*batch, Code::success, {});
  // All or none: those that were taken in go again.
  if (batch->step == SubDeviceHome::Step::take_in)
    for (std::size_t k = 0; k < batch->logins.size(); ++k) {
      if (batch->answers[k]->code != Code::success) continue;
      egress_->log_out(batch->session, name_of(batch->logins[k]));
      egress_->give_up(batch->logins[k].ride, name_of(batch->logins[k]));
    }
  if (is_good) return;  // the gateway has gone: nobody waits for an answer
  Code code = Code::success;
  std::vector<std::pair<std::string, std::string>> offending;
  for (std::size_t k = 0; k < batch->logins.size(); ++k) {
    const SubLoginAnswer& one = *batch->answers[k];
    if (one.code == Code::success) continue;
    offending.emplace_back(batch->logins[k].product, batch->logins[k].device);
    if (code != Code::success) continue;
    code = one.code;
    if (DeviceState* const gateway = devices_.find(batch->gateway))
      note(*gateway, nullptr, one.cause, alink::number(one.code), one.evidence);
  }
  ++counts_.refused_messages;
  answer_logins(*batch, code, offending);
}

void ThingIngress::Shard::answer_logins(const LoginBatch& batch, Code code,
                                        std::vector<std::pair<std::string, std::string>> devices) {
  if (code == Code::success)
    for (const SubLogin& login : batch.logins) devices.emplace_back(login.product, login.device);
  const std::string data = data_of(devices, batch.is_list);
  const alink::ReplyFields fields{.id = batch.id, .code = code, .data = data};
  reply_.clear();
  append_written(reply_, reply_bound(fields), [&](auto& out) { alink::write_reply(out, fields); });
  egress_->send(batch.session, batch.topic, as_bytes(reply_), std::min<std::uint8_t>(batch.qos, 1));
}

Taken ThingIngress::Shard::on_sub_logout(const Message& message) {
  const bool is_list = message.topic.kind == Kind::session_batch_logout;
  const auto request = alink::parse_request(as_text(message.in.payload));
  if (!request) return refuse_unreadable(message);
  if (!request->params) return refuse(message, request->id, Code::parameter_error, Cause::params_missing, {});
  alink::SubDevices entries{*request->params};
  if (!entries.ok())
    return refuse(message, request->id, Code::parameter_error, Cause::params_wrong_type,
                  "params must name sub-devices");
  if (entries.count() > (is_list ? alink::kMaxSubDevicesPerLogin : 1))
    return refuse(message, request->id, Code::parameter_error, Cause::too_many_sub_devices,
                  std::to_string(entries.count()) + " logouts in one message");
  std::vector<std::pair<std::string, std::string>> devices, strangers;
  while (const auto entry = entries.next()) {
    if (!*entry)
      return refuse(message, request->id, Code::parameter_error, Cause::params_wrong_type,
                    "productKey and deviceName must be texts");
    std::pair<std::string, std::string> one{(*entry)->product, (*entry)->device};
    const bool known = egress_->speaks_for(message.in.session, one.first + "/" + one.second);
    (known ? devices : strangers).push_back(std::move(one));
  }
  const bool is_good = strangers.empty();
  if (is_good)
    for (const auto& [product, device] : devices) egress_->log_out(message.in.session, product + "/" + device);
  else
    note(message.device, &message.in, Cause::sub_device_not_logged_in, alink::number(Code::no_session),
         strangers.front().first + "/" + strangers.front().second);
  if (!is_good) ++counts_.refused_messages;
  const std::string data = data_of(is_good ? devices : strangers, is_list);
  reply_now(message, {.id = request->id, .code = is_good ? Code::success : Code::no_session, .data = data});
  return Taken::done;
}

// --- what gateways are told unasked ---

bool ThingIngress::Shard::on_stranger(const broker::Inbound& in) {
  DeviceState* const gateway = find_device(in.tag);
  auto topic = alink::parse_topic(in.topic);
  if (gateway == nullptr || !topic) return false;
  ProductBinding& product = *gateway->product;
  if (product.stale) refresh(product);
  if (!product.is_gateway) return false;
  if (topic->kind == Kind::rrpc_custom) topic = alink::parse_topic(topic->inner);
  if (!topic) return false;
  // The answer to a notice that came because the sub-device is logged out: nothing is wrong with it.
  const bool is_notice = topic->kind == Kind::disable || topic->kind == Kind::enable || topic->kind == Kind::remove;
  if (topic->is_reply && is_notice) return true;
  const std::string name = std::string(topic->product) + "/" + std::string(topic->device);
  note(*gateway, &in, Cause::sub_device_not_logged_in, alink::number(Code::no_session), name);
  send_session_error(in.session, *gateway, name, Code::no_session);
  return true;
}

void ThingIngress::Shard::on_ride_over(broker::SessionRef session, std::uint64_t tag, std::string_view name,
                                       broker::RideEnd why) {
  DeviceState* const gateway = find_device(tag);
  if (gateway == nullptr) return;
  note(*gateway, nullptr, cause_of(why), alink::number(code_of(why)), name);
  send_session_error(session, *gateway, name, code_of(why));
}

void ThingIngress::Shard::send_session_error(broker::SessionRef session, const DeviceState& gateway,
                                             std::string_view name, Code code) {
  const auto slash = name.find('/');
  const std::string data = data_of({{std::string(name.substr(0, slash)), std::string(name.substr(slash + 1))}}, false);
  const std::string id = std::to_string(next_message_id());
  const alink::ReplyFields fields{.id = id, .code = code, .data = data};
  topic_.assign("/ext/error/").append(gateway.product->key).append("/").append(gateway.name);
  reply_.clear();
  append_written(reply_, reply_bound(fields), [&](auto& out) { alink::write_reply(out, fields); });
  egress_->send(session, topic_, as_bytes(reply_), 0);
}

}  // namespace tercet::thing
