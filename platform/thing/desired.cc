#include <algorithm>

#include "platform/broker/identity.h"
#include "platform/thing/commands.h"
#include "platform/thing/shard.h"

// What properties shall become: kept for a device that is away, found by it when it asks (5.7).
namespace tercet::thing {

using alink::Code;
using auth::Cause;
using Taken = broker::Ingress::Taken;

namespace {

constexpr std::size_t kMaxIdentifiers = 200;  // 6104

Desired* find(std::vector<Desired>& desired, std::string_view identifier) {
  const auto found =
      std::find_if(desired.begin(), desired.end(), [&](const Desired& one) { return one.identifier == identifier; });
  return found == desired.end() ? nullptr : &*found;
}

DesiredResult not_kept(SetTicket why) {
  DesiredResult result;
  result.ticket = std::move(why);
  return result;
}

}  // namespace

bool ThingIngress::Shard::load_desired(DeviceState& device, std::string_view record) {
  const auto stored = read_desired(record);
  if (!stored) return false;
  for (const StoredDesired& one : *stored)
    device.desired.push_back({std::string(one.identifier), std::string(one.value), one.version, one.time});
  return true;
}

void ThingIngress::Shard::before_desired(DeviceState& device) {
  commits_.current().desired_before.push_back({&device, device.desired});
}

void ThingIngress::Shard::store_desired(DeviceState& device) {
  key_.clear();
  append_desired_key(key_, device.number);
  record_.clear();
  thing::begin_values(record_);
  for (const Desired& one : device.desired) append_desired(record_, {one.identifier, one.time, one.version, one.value});
  commits_.current().mutations.put(store::Family::state, key_, record_);
  ++written_;
}

void ThingIngress::Shard::when_kept(DesiredResult result, std::function<void(const DesiredResult&)> done) {
  commits_.flush();
  DesiredResult lost = not_kept(refused(Error::io_failed, "the store took no more; nothing was changed"));
  commits_.when_durable({[result = std::move(result), done] { done(result); }, [lost, done] { done(lost); }});
}

std::optional<SetTicket> ThingIngress::Shard::check_versions(const DeviceState& device, const json::Value& items,
                                                             std::string_view versions) const {
  if (versions.empty()) return std::nullopt;
  const auto wanted = json::parse(versions);
  if (!wanted || !wanted->is(json::Type::object))
    return refused(Error::malformed, "Versions must be a JSON object of numbers");
  for (const auto& item : items.members()) {
    const auto given = wanted->find(item.name.raw());
    if (!given) continue;
    const auto version = given->integer();
    if (!version || *version < 0) return refused(Error::malformed, "Versions must be a JSON object of numbers");
    std::uint64_t now = 0;
    for (const Desired& one : device.desired)
      if (item.name == std::string_view(one.identifier)) now = one.version;
    if (static_cast<std::uint64_t>(*version) != now)
      return refused(Error::bad_state, std::string(item.name.raw()) + " has version " + std::to_string(now));
  }
  return std::nullopt;
}

void ThingIngress::Shard::set_desired(std::uint64_t number, std::string items, std::string versions,
                                      std::function<void(const DesiredResult&)> done) {
  DeviceState* const device = find_device(number);
  if (auto problem = check_callable(device)) return done(not_kept(*problem));
  if (auto problem = check_items(*device->product, items)) return done(not_kept(*problem));
  const auto parsed = json::parse(items);
  if (auto problem = check_versions(*device, *parsed, versions)) return done(not_kept(*problem));
  std::size_t fresh = 0;
  for (const auto& item : parsed->members()) fresh += find(device->desired, item.name.raw()) == nullptr ? 1 : 0;
  if (device->desired.size() + fresh > kMaxIdentifiers)
    return done(not_kept(refused(Error::too_large, "more than 200 desired properties of one device")));
  DesiredResult result;
  before_desired(*device);
  for (const auto& item : parsed->members()) {
    Desired* one = find(device->desired, item.name.raw());
    if (one == nullptr) one = &device->desired.emplace_back(Desired{std::string(item.name.raw()), {}, 0, {}});
    one->value = compact(item.value.raw());
    one->time = loop_.wall();
    ++one->version;
    result.changed.push_back(*one);
  }
  store_desired(*device);
  result.kept = true;
  commits_.flush();
  // A refused submission has been undone already.
  const Desired* const now = find(device->desired, result.changed.front().identifier);
  if (now == nullptr || now->version != result.changed.front().version)
    return done(not_kept(refused(Error::io_failed, "the store took no more; nothing was changed")));
  when_kept(std::move(result), [this, number, items = std::move(items), done](const DesiredResult& kept) {
    DesiredResult told = kept;
    const DeviceState* const home = devices_.find(number);
    if (told.kept && home != nullptr && egress_->is_online(broker::device_key(home->product->key, home->name)))
      told.ticket = set_properties(number, items, {});
    done(told);
  });
}

void ThingIngress::Shard::clear_desired(std::uint64_t number, std::vector<std::string> identifiers,
                                        std::function<void(const DesiredResult&)> done) {
  DeviceState* const device = find_device(number);
  if (auto problem = check_callable(device)) return done(not_kept(*problem));
  DesiredResult result;
  before_desired(*device);
  for (Desired& one : device->desired) {
    const bool is_meant =
        identifiers.empty() || std::find(identifiers.begin(), identifiers.end(), one.identifier) != identifiers.end();
    if (!is_meant) continue;
    one.value.clear();
    one.time = loop_.wall();
    result.changed.push_back(one);
  }
  result.kept = true;
  if (result.changed.empty()) return done(result);
  store_desired(*device);
  commits_.flush();
  const Desired* const now = find(device->desired, result.changed.front().identifier);
  if (now == nullptr || !now->value.empty())
    return done(not_kept(refused(Error::io_failed, "the store took no more; nothing was changed")));
  when_kept(std::move(result), std::move(done));
}

void ThingIngress::Shard::desired(std::uint64_t number, std::function<void(std::vector<Desired>)> answer) {
  commits_.flush();
  const DeviceState* const device = find_device(number);
  std::vector<Desired> found = device == nullptr ? std::vector<Desired>{} : device->desired;
  commits_.when_durable(
      {[found = std::move(found), answer] { answer(found); }, [this, number, answer] { desired(number, answer); }});
}

Taken ThingIngress::Shard::on_desired_get(const Message& message) {
  const auto request = alink::parse_request(as_text(message.in.payload));
  if (!request) return refuse_unreadable(message);
  if (!request->params || !request->params->is(json::Type::array) || request->params->size() == 0)
    return refuse(message, request->id, Code::parameter_error,
                  request->params ? Cause::params_wrong_type : Cause::params_missing,
                  "params must be an array of identifiers");
  if (request->params->size() > kMaxIdentifiers)
    return refuse(message, request->id, Code::too_many_identifiers, Cause::too_many_properties, {});
  if (!request->wants_reply) return Taken::done;
  std::string data = "{";
  for (const auto& wanted : request->params->elements()) {
    const auto name = wanted.text();
    const Desired* const one = name ? find(message.device.desired, name->raw()) : nullptr;
    if (one == nullptr || one->value.empty()) continue;
    if (data.size() > 1) data += ',';
    data.append("\"").append(one->identifier).append("\":{\"value\":").append(one->value);
    data.append(",\"version\":").append(std::to_string(one->version)).append("}");
  }
  data += '}';
  const auto reply = [&](Code code, std::string_view with) {
    const alink::ReplyFields fields{
        .id = request->id, .code = code, .data = with, .method = "thing.property.desired.get"};
    std::string text;
    append_written(text, reply_bound(fields), [&](auto& out) { alink::write_reply(out, fields); });
    return text;
  };
  // What is shown is on disk: a command that the device obeys must not be forgotten by a crash.
  commits_.flush();
  const auto session = message.in.session;
  const auto qos = std::min<std::uint8_t>(message.in.qos, 1);
  const std::string topic = std::string(message.topic.path) + "_reply";
  const auto send = [this, session, qos, topic](const std::string& text) {
    egress_->send(session, topic, as_bytes(text), qos);
  };
  commits_.when_durable({[send, text = reply(Code::success, data)] { send(text); },
                         [send, text = reply(Code::desired_query_failed, "{}")] { send(text); }});
  return Taken::done;
}

Taken ThingIngress::Shard::on_desired_delete(const Message& message) {
  const auto request = alink::parse_request(as_text(message.in.payload));
  if (!request) return refuse_unreadable(message);
  if (!request->params || !request->params->is(json::Type::object))
    return refuse(message, request->id, Code::parameter_error,
                  request->params ? Cause::params_wrong_type : Cause::params_missing,
                  "params must be an object of identifiers, each with an object that may hold a version");
  if (request->params->size() > kMaxIdentifiers)
    return refuse(message, request->id, Code::too_many_identifiers, Cause::too_many_properties, {});
  begin_message(message.product);
  std::vector<Desired*> cleared;
  for (const auto& member : request->params->members()) {
    Desired* const one = find(message.device.desired, member.name.raw());
    if (one == nullptr || one->value.empty()) continue;
    const auto version = member.value.find("version");
    if (version && version->integer() != static_cast<std::int64_t>(one->version)) continue;  // a newer one came
    cleared.push_back(one);
  }
  if (!cleared.empty()) {
    before_desired(message.device);
    for (Desired* one : cleared) one->value.clear();
    store_desired(message.device);
  }
  return answer_later(message, *request);
}

}  // namespace tercet::thing
