// A sub-device on its own home shard: who may log it in, and over whom it is logged in.
#include "platform/broker/identity.h"
#include "platform/thing/shard.h"
#include "tercet/auth/client_id.h"
#include "tercet/auth/sub_device.h"

namespace tercet::thing {

using alink::Code;
using auth::Cause;

namespace {

std::optional<std::string_view> view_of(const std::optional<std::string>& text) {
  return text ? std::optional<std::string_view>(*text) : std::nullopt;
}

SubLoginAnswer refused(Code code, Cause cause, std::string evidence) { return {code, cause, std::move(evidence), {}}; }

}  // namespace

SubLoginAnswer ThingIngress::Shard::examine(const SubLogin& login) const {
  const std::string name = login.product + "/" + login.device;
  const auto* device = directory_.device(login.product, login.device);
  if (device == nullptr) return refused(Code::device_not_found, Cause::sub_device_unknown, name);
  if (!device->enabled) return refused(Code::device_forbidden, Cause::sub_device_disabled, name);
  if (device->gateway != login.gateway)
    return refused(Code::topo_not_exist,
                   device->gateway == 0 ? Cause::sub_device_not_in_topology : Cause::sub_device_of_another_gateway,
                   name + " over " + login.gateway_name);
  const auto method = auth::parse_sign_method(login.sign_method);
  if (!method)
    return refused(Code::parameter_error, Cause::sub_device_sign_method,
                   name + ": signMethod '" + std::string(shortened(login.sign_method, 32)) + "'");
  const auto signs = [&](std::string_view secret) {
    return auth::verify_sub_device(
        *method, secret, {view_of(login.client_id), login.device, login.product, view_of(login.timestamp)}, login.sign);
  };
  if (!device->proves(loop_.wall(), signs))
    return refused(Code::invalid_sign, Cause::sub_device_sign,
                   name + " over " + login.gateway_name + ", " + login.sign_method + ", clientId " +
                       (login.client_id ? "'" + std::string(shortened(*login.client_id, 64)) + "'" : "not sent") +
                       ", timestamp " + (login.timestamp ? std::string(shortened(*login.timestamp, 32)) : "not sent"));
  return {};
}

SubLoginAnswer ThingIngress::Shard::log_in(const SubLogin& login, Step step) {
  SubLoginAnswer answer = examine(login);
  const auto* known = directory_.device(login.product, login.device);
  DeviceState* const device = known == nullptr ? nullptr : find_device(known->number);
  if (answer.code != Code::success) {
    // The gateway's journal has it as well; the sub-device is where a person looks first.
    if (device != nullptr) note(*device, nullptr, answer.cause, alink::number(answer.code), answer.evidence);
    return answer;
  }
  if (step == Step::examine) return answer;
  const auto client_id =
      auth::parse_client_id(login.client_id ? std::string_view(*login.client_id) : std::string_view{});
  auto& session = answer.session;
  session.identity = {broker::Identity::Kind::device, login.product + "/" + login.device};
  session.tag = known->number;
  session.ext = static_cast<std::uint8_t>(client_id.ext | login.gateway_ext);
  session.auto_subscribe = client_id.auto_subscribe;
  session.peer = login.peer;
  session.client_id = login.client_id.value_or(std::string{});
  session.ride = login.ride;
  const UnixMillis now = loop_.wall();
  if (known->activated.ms == 0) {
    directory_.set_activated(known->number, now);
    if (logins_ != nullptr) logins_->on_first_login(known->number, now);
  }
  if (logins_ != nullptr) logins_->on_login(known->number, now, login.peer);
  const std::uint64_t number = known->number;
  egress_->take_in(session);  // on_offline and on_online run inside
  if (DeviceState* const state = devices_.find(number)) state->gateway = login.gateway;
  return answer;
}

void ThingIngress::Shard::undo(const SubLogin& login) {
  egress_->end_ride(broker::device_key(login.product, login.device), broker::RideEnd::unbound);
}

/// A device that connects itself is told before its connection is closed; a sub-device's gateway is told by whoever
/// keeps the topology.
void ThingIngress::Shard::on_device_changed(const registry::Device& changed) {
  DeviceState* const device = devices_.find(changed.number);
  if (device == nullptr || !device->online) return;
  if (device->gateway != 0 && device->gateway != changed.gateway)
    return egress_->end_ride(broker::device_key(changed.product, changed.name), broker::RideEnd::unbound);
  if (!changed.enabled && changed.gateway == 0) send_notice(changed, "disable");
}

void ThingIngress::Shard::on_device_removed(const registry::Device& removed) {
  const DeviceState* const device = devices_.find(removed.number);
  if (device != nullptr && device->online && removed.gateway == 0) send_notice(removed, "delete");
  forget(removed.number);
}

void ThingIngress::Shard::send_notice(const registry::Device& device, std::string_view what) {
  topic_.assign("/sys/").append(device.product).append("/").append(device.name).append("/thing/").append(what);
  reply_.assign("{\"id\":\"").append(std::to_string(next_message_id()));
  reply_.append("\",\"version\":\"1.0\",\"params\":{},\"method\":\"thing.").append(what).append("\"}");
  egress_->send_to(broker::device_key(device.product, device.name), topic_, as_bytes(reply_), 0);
}

}  // namespace tercet::thing
