#include "platform/thing/shard.h"

#include <algorithm>

#include "platform/thing/shadow.h"

namespace tercet::thing {
namespace {

/// Whose reply says no more than that it has come.
bool is_notice(alink::Kind kind) {
  using alink::Kind;
  return kind == Kind::disable || kind == Kind::enable || kind == Kind::remove || kind == Kind::topo_change ||
         kind == Kind::topo_add_notify || kind == Kind::job_notify;
}

}  // namespace

ThingIngress::ThingIngress(const Wiring& wiring, const Settings& settings)
    : shard_(std::make_unique<Shard>(wiring, settings)) {}
ThingIngress::~ThingIngress() = default;
void ThingIngress::attach(broker::Egress& egress) { shard_->attach(egress); }
Result<void> ThingIngress::load() { return shard_->load(); }
Things& ThingIngress::things() { return *shard_; }
broker::Ingress::Taken ThingIngress::on_message(const broker::Inbound& message) { return shard_->on_message(message); }
broker::Ingress::Taken ThingIngress::on_custom(const broker::Inbound& message) { return shard_->on_custom(message); }
void ThingIngress::on_online(broker::SessionRef session, const broker::Identity&, std::uint64_t tag,
                             const runtime::Address& peer, std::string_view client_id) {
  shard_->on_online(session, tag, peer, client_id);
}
void ThingIngress::on_offline(const broker::Identity&, std::uint64_t tag) { shard_->on_offline(tag); }
void ThingIngress::on_subscribed(std::uint64_t tag) { shard_->on_subscribed(tag); }
void ThingIngress::on_receipt(std::uint64_t tag, std::uint64_t receipt) { shard_->on_receipt(tag, receipt); }
bool ThingIngress::on_stranger(const broker::Inbound& message) { return shard_->on_stranger(message); }
void ThingIngress::on_ride_over(broker::SessionRef session, std::uint64_t tag, std::string_view name,
                                broker::RideEnd why) {
  shard_->on_ride_over(session, tag, name, why);
}
SubDeviceHome& ThingIngress::sub_devices() { return *shard_; }

ThingIngress::Shard::Shard(const Wiring& wiring, const Settings& settings)
    : loop_(wiring.loop),
      directory_(wiring.directory),
      journal_(wiring.journal),
      settings_(settings),
      commits_(wiring.loop, wiring.store, *this),
      next_set_(static_cast<std::uint32_t>(wiring.loop.random().next()) >> 1),
      files_(wiring.files),
      configured_(wiring.configured),
      upgrades_(wiring.upgrades),
      outlet_(wiring.outlet),
      gateways_(wiring.gateways),
      neighbours_(wiring.neighbours),
      logins_(wiring.logins),
      scripts_(wiring.scripts),
      tags_(wiring.tags),
      jobs_(wiring.jobs),
      uploads_(wiring.uploads),
      set_timer_([](void* self) { static_cast<Shard*>(self)->expire_sets(); }, this),
      call_timer_([](void* self) { static_cast<Shard*>(self)->expire_calls(); }, this),
      store_(wiring.store) {
  loop_.each_pass([this] { commits_.flush(); });
  directory_.listen(*this);
}

Result<void> ThingIngress::Shard::load() {
  bool damaged = false;
  const auto visit = [&](std::string_view key, std::string_view value) {
    const auto at = decode_state_key(key);
    if (!at) return !(damaged = true);
    DeviceState* const device = find_device(at->device);
    if (device == nullptr) return true;  // another shard's, or deleted
    damaged = at->chunk           ? !load_values(*device, *at->chunk, value)
              : at->is_desired    ? !load_desired(*device, value)
              : at->is_log_upload ? !load_log_upload(*device, value)
              : at->is_shadow     ? !load_shadow(*device, value)
                                  : !load_presence(*device, value);
    return !damaged;
  };
  const std::string end(9, '\xFF');
  const auto scanned = store_.scan(store::Family::state, {}, end, store::StreamStore::Order::ascending, visit);
  if (!scanned) return fail(scanned.error());
  if (damaged) return fail(Error::malformed);
  return {};
}

bool ThingIngress::Shard::load_values(DeviceState& device, std::uint16_t chunk, std::string_view record) {
  // Chunks are filled one after the other, so the earlier ones are full.
  if (device.values.size() != chunk * kValuesPerChunk) return false;
  auto reader = ValuesReader::open(record);
  if (!reader) return false;
  while (!reader->at_end()) {
    const auto value = reader->next();
    if (!value) return false;
    device.values.push_back({names_.intern(value->identifier), value->time.ms, std::string(value->value)});
  }
  return device.values.size() <= (chunk + std::size_t{1}) * kValuesPerChunk;
}

bool ThingIngress::Shard::load_presence(DeviceState& device, std::string_view record) {
  const auto stored = read_presence(record);
  if (!stored) return false;
  device.set_login(stored->address, stored->client_id);
  // Whoever was online when the server ended has been offline since, as far as anybody knows.
  device.since = stored->online ? loop_.wall().ms : stored->since.ms;
  return true;
}

DeviceState* ThingIngress::Shard::find_device(std::uint64_t number) {
  if (DeviceState* const found = devices_.find(number)) return found;
  const auto* known = directory_.device(number);
  return known == nullptr ? nullptr : &add_device(*known);
}

DeviceState& ThingIngress::Shard::add_device(const registry::Device& device) {
  auto added = std::make_unique<DeviceState>();
  added->number = device.number;
  added->name = device.name;
  added->product = &bind(device.product);
  return devices_.add(std::move(added));
}

ProductBinding& ThingIngress::Shard::bind(std::string_view product) {
  const auto found = products_.find(product);
  if (found != products_.end()) return *found->second;
  auto binding = std::make_unique<ProductBinding>();
  binding->key = product;
  return *products_.emplace(std::string(product), std::move(binding)).first->second;
}

void ThingIngress::Shard::refresh(ProductBinding& binding) {
  binding.stale = false;
  const auto product = directory_.shared_product(binding.key);
  binding.known = product != nullptr;
  if (!product) return;
  binding.validation = product->validation;
  binding.is_gateway = product->is_gateway;
  binding.pass_through = product->pass_through;
  binding.script = product->script;
  if (binding.model && binding.model_version == product->version) return;
  const auto given = models_.find(binding.key);
  if (given != models_.end() && given->second.version == product->version)
    binding.model = given->second.model;
  else
    binding.model = product->tsl.empty() ? Model::empty() : Model::compile(product->tsl).model;
  if (!binding.model)
    binding.model = Model::empty();  // it compiled when it was imported; a later version may refuse it
  binding.model_version = product->version;
  binding.names.clear();
  for (const auto& property : binding.model->properties()) binding.names.push_back(names_.intern(property.identifier));
}

void ThingIngress::Shard::put_model(std::string product, std::uint64_t version, std::shared_ptr<const Model> model) {
  const auto bound = products_.find(product);
  if (bound != products_.end()) bound->second->stale = true;
  models_[std::move(product)] = {version, std::move(model)};
}

void ThingIngress::Shard::on_product_changed(const registry::Product& product) {
  const auto bound = products_.find(product.key);
  if (bound != products_.end()) bound->second->stale = true;
}

void ThingIngress::Shard::on_product_removed(std::string_view key) {
  const auto bound = products_.find(key);
  if (bound != products_.end()) bound->second->stale = true;
  if (const auto model = models_.find(key); model != models_.end()) models_.erase(model);
}

void ThingIngress::Shard::forget(std::uint64_t number) {
  commits_.flush();  // no group in the making may name the device any more
  if (const auto* device = devices_.find(number)) {
    if (device->online) --counts_.online;
    commits_.forget(*device);
  }
  devices_.remove(number);
  commits_.current().forgotten.push_back(number);
}

void ThingIngress::Shard::on_online(broker::SessionRef, std::uint64_t tag, const runtime::Address& peer,
                                    std::string_view client_id) {
  DeviceState* const device = find_device(tag);
  if (device == nullptr) return;
  if (!device->online) ++counts_.online;
  const std::int64_t last_seen = std::max(device->since, device->last_message);
  device->online = true;
  device->since = loop_.wall().ms;
  device->set_login(peer.text(), shortened(client_id, 256));
  presence_changed(*device);
  emit_status(*device, last_seen);
  if (device->shadow) device->shadow->is_sent = false;
  send_control(*device);
  if (upgrades_) upgrades_(upgrade_message(UpgradeMessage::Kind::online, *device));
  if (jobs_) jobs_(job_message(JobMessage::Kind::online, *device));
}

void ThingIngress::Shard::on_offline(std::uint64_t tag) {
  DeviceState* const device = devices_.find(tag);
  if (device == nullptr || !device->online) return;
  --counts_.online;
  login_rates_.erase(tag);
  upload_rates_.erase(tag);
  const std::int64_t last_seen = std::max(device->since, device->last_message);
  device->online = false;
  device->gateway = 0;
  device->since = loop_.wall().ms;
  presence_changed(*device);
  emit_status(*device, last_seen);
}

void ThingIngress::Shard::presence_changed(DeviceState& device) {
  store_later(device);
  if (updates_ != nullptr) updates_->on_presence(device.number, device.product->key, device.name, device.presence());
}

void ThingIngress::Shard::store_later(DeviceState& device) {
  if (device.presence_due) return;
  device.presence_due = true;
  commits_.current().presences.push_back(device.number);
}

void ThingIngress::Shard::store_presence(CommitGroup& group, DeviceState& device) {
  device.presence_due = false;
  key_.clear();
  append_presence_key(key_, device.number);
  record_.clear();
  write_presence(record_, {device.online, UnixMillis{device.since}, device.address(), device.client_id()});
  group.mutations.put(store::Family::state, key_, record_);
}

void ThingIngress::Shard::before_submit(CommitGroup& group) {
  if (group.has_outgoing) outlet_->on_submitted();
  for (DeviceState* const device : group.dirty) store_values(group, *device);
  for (const auto number : group.presences)
    if (DeviceState* const device = devices_.find(number)) store_presence(group, *device);
  for (const auto number : group.forgotten) {
    std::string from, to;
    append_presence_key(from, number), append_presence_key(to, number + 1);
    from.resize(8), to.resize(8);
    group.mutations.erase_range(store::Family::history, from, to);
    group.mutations.erase_range(store::Family::state, from, to);
  }
}

void ThingIngress::Shard::store_values(CommitGroup& group, DeviceState& device) {
  const std::size_t chunks = (device.values.size() + kValuesPerChunk - 1) / kValuesPerChunk;
  for (std::size_t chunk = 0; chunk < chunks; ++chunk) {
    if ((device.dirty >> (chunk % 64) & 1) == 0) continue;
    key_.clear();
    append_values_key(key_, device.number, static_cast<std::uint16_t>(chunk));
    record_.clear();
    thing::begin_values(record_);
    const std::size_t end = std::min(device.values.size(), (chunk + 1) * kValuesPerChunk);
    for (std::size_t i = chunk * kValuesPerChunk; i < end; ++i) {
      const Held& held = device.values[i];
      append_value(record_, *held.name, UnixMillis{held.time}, held.value);
    }
    group.mutations.put(store::Family::state, key_, record_);
  }
  device.dirty = 0;
}

void ThingIngress::Shard::on_durable(CommitGroup& group) {
  for (const Answer& answer : group.answers) {
    if (answer.has_ack) egress_->acknowledge(answer.token);
    if (answer.has_reply && answer.is_raw)
      send_raw_reply(answer.device, answer.session, group.text(answer.payload), answer.qos);
    else if (answer.has_reply)
      egress_->send(answer.session, group.text(answer.topic), as_bytes(group.text(answer.payload)), answer.qos);
  }
  if (updates_ != nullptr) tell(group);
  if (group.has_outgoing) outlet_->on_durable();
}

void ThingIngress::Shard::on_refused(CommitGroup& group, Error error) {
  ++groups_refused_;
  // What has come to a full store is stored by a later group; a failed disk takes nothing before the next start.
  if (error == Error::no_space) {
    for (const auto number : group.presences)
      if (DeviceState* const device = devices_.find(number)) store_later(*device);
    auto& forgotten = commits_.current().forgotten;
    forgotten.insert(forgotten.end(), group.forgotten.begin(), group.forgotten.end());
  }
  counts_.store_full += group.answers.size();
  const auto code = error == Error::no_space ? alink::Code::too_many_requests : alink::Code::system_exception;
  const std::string evidence = "the store took no more (" + std::string(name(error)) + "); the message was not kept";
  for (const Answer& answer : group.answers) refuse_answer(group, answer, code, evidence);
  // A PUBACK would say that the message is kept. Without one the device sends it again, but only on a new connection.
  for (const Answer& answer : group.answers)
    if (answer.has_ack) egress_->disconnect(answer.token, error);
}

void ThingIngress::Shard::refuse_answer(const CommitGroup& group, const Answer& answer, alink::Code code,
                                        std::string_view evidence) {
  if (DeviceState* const device = devices_.find(answer.device))
    note(*device, nullptr, auth::Cause::store_full, alink::number(code), evidence);
  if (group.text(answer.topic).starts_with("/shadow/")) {
    const std::string refusal = shadow_refusal(ShadowError::failed, evidence, loop_.wall());
    egress_->send(answer.session, group.text(answer.topic), as_bytes(refusal), 0);
    return;
  }
  const auto prepared = alink::parse_reply(group.text(answer.payload));
  if (!prepared) return;
  const alink::ReplyFields fields{.id = prepared->id, .code = code, .method = prepared->method};
  reply_.clear();
  append_written(reply_, reply_bound(fields), [&](auto& out) { alink::write_reply(out, fields); });
  if (answer.is_raw) return send_raw_reply(answer.device, answer.session, reply_, 0);
  // QoS 0: it must not outlive the connection and be taken for the answer to the repetition.
  egress_->send(answer.session, group.text(answer.topic), as_bytes(reply_), 0);
}

void ThingIngress::Shard::undo(const CommitGroup& group) {
  if (group.has_outgoing) outlet_->on_undone();
  for (auto at = group.log_upload_before.rbegin(); at != group.log_upload_before.rend(); ++at)
    at->device->uploads_logs = at->wanted;
  for (auto at = group.shadow_before.rbegin(); at != group.shadow_before.rend(); ++at)
    at->device->shadow = at->shadow ? std::make_unique<Shadow>(*at->shadow) : nullptr;
  for (auto at = group.desired_before.rbegin(); at != group.desired_before.rend(); ++at)
    at->device->desired = at->desired;
  for (auto at = group.before.rbegin(); at != group.before.rend(); ++at) {
    auto& values = at->device->values;
    if (!at->was_there) {
      values.pop_back();
      continue;
    }
    values[at->position].time = at->time;
    values[at->position].value = group.text(at->value);
  }
}

void ThingIngress::Shard::tell(const CommitGroup& group) {
  std::vector<const Told*> told;
  for (const auto& one : group.told) told.push_back(&one);
  std::stable_sort(told.begin(), told.end(), [](const Told* a, const Told* b) {
    return a->device != b->device ? a->device < b->device : !a->is_event && b->is_event;
  });
  std::vector<Change> changes;
  for (std::size_t i = 0; i < told.size();) {
    const auto number = told[i]->device;
    const DeviceState* const device = devices_.find(number);
    changes.clear();
    for (; i < told.size() && told[i]->device == number; ++i) {
      const Change change{*told[i]->name, group.text(told[i]->value), UnixMillis{told[i]->time}};
      if (device == nullptr) continue;
      if (told[i]->is_event) {
        updates_->on_event(number, device->product->key, device->name, change);
        continue;
      }
      const auto same = std::find_if(changes.begin(), changes.end(),
                                     [&](const Change& c) { return c.identifier.data() == change.identifier.data(); });
      if (same == changes.end())
        changes.push_back(change);
      else
        *same = change;  // only newer ones are noted, in order
    }
    if (!changes.empty()) updates_->on_values(number, device->product->key, device->name, changes);
  }
  if (group.left_out != 0) updates_->on_left_out(group.left_out);
}

broker::Ingress::Taken ThingIngress::Shard::on_message(const broker::Inbound& in) {
  const auto topic = alink::parse_topic(in.topic);
  DeviceState* const device = find_device(in.tag);
  if (device == nullptr) return Taken::done;  // just deleted: its connection is about to be closed
  if (!topic) {
    note(*device, &in, auth::Cause::topic_malformed, 0, in.topic);
    return Taken::done;
  }
  device->last_message = loop_.wall().ms;
  ProductBinding& product = *device->product;
  if (product.stale) refresh(product);
  return dispatch({in, *topic, *device, product});
}

broker::Ingress::Taken ThingIngress::Shard::dispatch(const Message& message) {
  using alink::Kind;
  const auto& topic = message.topic;
  // An RRPC may be on any topic; whose answer it is, its id says.
  if (topic.kind == Kind::rrpc_custom) return on_rrpc_answer(message);
  if (!topic.device.empty() && (topic.device != message.device.name || topic.product != message.product.key)) {
    note(message.device, &message.in, auth::Cause::topic_of_another_device, 0, topic.path);
    return Taken::done;
  }
  if (topic.is_reply) {
    if (topic.kind == Kind::property_set) return on_set_reply(message);
    if (topic.kind == Kind::property_get) return on_get_reply(message);
    if (topic.kind == Kind::service) return on_service_reply(message);
    if (topic.kind == Kind::rrpc_response) return on_rrpc_answer(message);
    if (topic.kind == Kind::raw_down) return on_raw_down_reply(message);
    if (topic.kind == Kind::config_push) return on_config_push_reply(message);
    if (is_notice(topic.kind)) return Taken::done;  // it has been told, and that is all
    note(message.device, &message.in, auth::Cause::reply_unexpected, 0, topic.path);
    return Taken::done;
  }
  switch (topic.kind) {
    case Kind::property_post:
      return on_property_post(message);
    case Kind::event_post:
      return on_event_post(message);
    case Kind::property_batch_post:
      return on_batch_post(message);
    case Kind::property_history_post:
      return on_history_post(message);
    case Kind::property_pack_post:
      return on_pack_post(message);
    case Kind::tsl_get:
      return on_tsl_get(message);
    case Kind::ntp:
      return on_ntp(message);
    case Kind::log_config_get:
      return on_log_config_get(message);
    case Kind::log_post:
      return on_log_post(message);
    case Kind::network_diagnosis:
      return on_network_post(message);
    case Kind::desired_get:
      return on_desired_get(message);
    case Kind::desired_delete:
      return on_desired_delete(message);
    case Kind::shadow_update:
      return on_shadow_update(message);
    case Kind::config_get:
      return on_config_get(message);
    case Kind::ota_inform:
      return on_ota_inform(message);
    case Kind::ota_progress:
      return on_ota_progress(message);
    case Kind::ota_firmware_get:
    case Kind::ota_request:
      return on_ota_pull(message);
    case Kind::raw_up:
      return scripts_ == nullptr ? decline(message) : on_raw_up(message);
    case Kind::file_download:
      return on_file_download(message);
    case Kind::file_upload_init:
    case Kind::file_upload_send:
    case Kind::file_upload_cancel:
      return on_file_upload(message);
    case Kind::session_login:
    case Kind::session_batch_login:
      return on_sub_login(message);
    case Kind::session_logout:
    case Kind::session_batch_logout:
      return on_sub_logout(message);
    case Kind::tags_update:
    case Kind::tags_delete:
    case Kind::tags_get:
      return tags_ ? on_tags(message) : decline(message);
    case Kind::job_get:
    case Kind::job_update:
      return jobs_ ? on_job(message) : decline(message);
    case Kind::topo_add:
    case Kind::topo_delete:
    case Kind::topo_get:
    case Kind::list_found:
    case Kind::sub_register:
    case Kind::sub_unregister:
    case Kind::product_register:
      return on_topology(message);
    default:
      return decline(message);
  }
}

}  // namespace tercet::thing
