#include <algorithm>

#include "platform/thing/shard.h"

namespace tercet::thing {

using alink::Code;
using auth::Cause;
using Taken = broker::Ingress::Taken;

namespace {

constexpr std::size_t kMaxNotedFields = 5;  // dropped fields of a post with a journal entry of their own
constexpr std::size_t kMaxShownName = 128;  // bytes of a dropped value's name in the reply; identifiers are shorter

bool is_object(const std::optional<json::Value>& params) { return params && params->is(json::Type::object); }

std::size_t count_samples(const std::optional<json::Value>& group) {
  std::size_t total = 0;
  if (group)
    for (alink::Samples samples(*group); samples.next();) ++total;
  return total;
}

Cause cause_of_drop(Code code, bool is_range, bool is_model_empty) {
  if (is_model_empty) return Cause::model_missing;
  if (code == Code::bad_time) return Cause::property_bad_time;
  if (code == Code::params_not_exist || code == Code::identifier_empty) return Cause::property_not_in_model;
  return is_range ? Cause::property_out_of_range : Cause::property_wrong_type;
}

}  // namespace

Taken ThingIngress::Shard::on_property_post(const Message& message) {
  const auto request = alink::parse_request(as_text(message.in.payload));
  if (!request) return refuse_unreadable(message);
  if (!message.product.known) return refuse(message, request->id, Code::product_not_found, Cause::unknown_product, {});
  if (!is_object(request->params))
    return refuse(message, request->id, Code::parameter_error,
                  request->params ? Cause::params_wrong_type : Cause::params_missing, "params must be an object");
  begin_message(message.product);
  is_told_ = wants(message.product, Source::property);
  alink::Properties properties(*request->params);
  std::size_t count = 0;
  while (const auto property = properties.next()) {
    if (++count > settings_.max_properties)
      return refuse(message, request->id, Code::too_many_properties, Cause::too_many_properties, {});
    take_value(message.product, property->identifier, property->posted, Kept::live);
  }
  write_values(message.device, Kept::live);
  if (is_told_ && message.product.validation == Validation::none) emit_unchecked(message, *request->params);
  if (is_told_) emit_properties(message.device, accepted_, Kept::live);
  ++counts_.posts;
  return answer_later(message, *request);
}

Taken ThingIngress::Shard::on_batch_post(const Message& message) {
  const auto request = alink::parse_request(as_text(message.in.payload));
  if (!request) return refuse_unreadable(message);
  if (!message.product.known) return refuse(message, request->id, Code::product_not_found, Cause::unknown_product, {});
  const auto batch = is_object(request->params) ? alink::parse_batch(*request->params)
                                                : Result<alink::DeviceSamples>(fail(Error::malformed));
  if (!batch)
    return refuse(message, request->id, Code::parameter_error, Cause::params_wrong_type,
                  "params must hold properties and events, each an object of arrays");
  if (count_samples(batch->properties) > settings_.max_properties)
    return refuse(message, request->id, Code::too_many_properties, Cause::too_many_properties, {});
  if (count_samples(batch->events) > settings_.max_batch_events)
    return refuse(message, request->id, Code::too_many_events, Cause::too_many_properties, "too many events");
  begin_message(message.product);
  take_samples(message, *batch, Kept::live);
  ++counts_.posts;
  return answer_later(message, *request);
}

Taken ThingIngress::Shard::on_history_post(const Message& message) {
  const auto request = alink::parse_request(as_text(message.in.payload));
  if (!request) return refuse_unreadable(message);
  if (!message.product.known) return refuse(message, request->id, Code::product_not_found, Cause::unknown_product, {});
  if (!request->params || !request->params->is(json::Type::array))
    return refuse(message, request->id, Code::parameter_error, Cause::params_wrong_type, "params must be an array");
  // All or nothing as to whose data it is; a device that is no gateway speaks for itself only.
  std::size_t samples = 0;
  alink::HistoryDevices entries(*request->params);
  while (const auto entry = entries.next()) {
    if (!*entry)
      return refuse(message, request->id, Code::parameter_error, Cause::params_wrong_type, "an entry has no identity");
    if ((*entry)->product != message.product.key || (*entry)->device != message.device.name)
      return refuse(message, request->id, Code::topo_not_exist, Cause::topic_of_another_device, (*entry)->device);
    samples += count_samples((*entry)->properties) + count_samples((*entry)->events);
    if (samples > settings_.max_history_samples)
      return refuse(message, request->id, Code::parameter_error, Cause::too_many_properties,
                    "more than " + std::to_string(settings_.max_history_samples) + " values in one history post");
  }
  begin_message(message.product);
  alink::HistoryDevices again(*request->params);
  while (const auto entry = again.next()) take_samples(message, **entry, Kept::past);
  ++counts_.posts;
  return answer_later(message, *request);
}

void ThingIngress::Shard::take_samples(const Message& message, const alink::DeviceSamples& from, Kept kept) {
  if (from.properties) {
    accepted_.clear();
    is_told_ = wants(message.product, kept == Kept::live ? Source::property : Source::property_history);
    alink::Samples samples(*from.properties);
    while (const auto sample = samples.next()) take_value(message.product, sample->identifier, sample->posted, kept);
    write_values(message.device, kept);
    // Applications get a message for each time, as if each had been posted by itself.
    for (std::size_t first = 0, end = 0; is_told_ && first < accepted_.size(); first = end) {
      while (end < accepted_.size() && accepted_[end].time == accepted_[first].time) ++end;
      emit_properties(message.device, std::span(accepted_).subspan(first, end - first), kept);
    }
  }
  is_told_ = false;
  if (!from.events) return;
  alink::Samples samples(*from.events);
  while (const auto sample = samples.next())
    if (!take_event(message.device, message.product, sample->identifier.raw(), sample->posted, kept))
      drop(sample->identifier, {Code::params_not_exist});
}

Taken ThingIngress::Shard::on_event_post(const Message& message) {
  const auto request = alink::parse_request(as_text(message.in.payload));
  if (!request) return refuse_unreadable(message);
  if (!message.product.known) return refuse(message, request->id, Code::product_not_found, Cause::unknown_product, {});
  if (!is_object(request->params))
    return refuse(message, request->id, Code::parameter_error,
                  request->params ? Cause::params_wrong_type : Cause::params_missing, "params must be an object");
  const auto posted = alink::unwrap_event(*request->params);
  if (!posted.value.is(json::Type::object))
    return refuse(message, request->id, Code::parameter_error, Cause::params_wrong_type, "value must be an object");
  begin_message(message.product);
  if (!take_event(message.device, message.product, message.topic.name, posted, Kept::live))
    return refuse(message, request->id, Code::event_query_failed, Cause::event_not_in_model, message.topic.name);
  return answer_later(message, *request);
}

void ThingIngress::Shard::begin_message(const ProductBinding& product) {
  accepted_.clear();
  dropped_.clear();
  if (!dropped_names_.empty()) dropped_names_.clear();
  dropped_fields_.clear();
  dropped_count_ = 0;
  dropped_unnamed_ = 0;
  is_told_ = false;
  failed_.clear();
  written_ = 0;
  if (seen_.size() < product.names.size()) seen_.resize(product.names.size(), Seen{});
}

void ThingIngress::Shard::take_value(const ProductBinding& product, const json::Text& identifier,
                                     const alink::TimedValue& posted, Kept kept) {
  if (product.validation == Validation::none) return;
  std::uint8_t buffer[64];
  std::string_view plain = identifier.raw();
  if (identifier.has_escapes()) plain = identifier.unescape(buffer).value_or(std::string_view{});
  const Property* const property = product.model->find_property(plain);
  const auto fails = [&](const Checked& why, bool is_range = false) {
    if (is_told_) note_failed(identifier, posted, why);
    drop(identifier, why, is_range);
  };
  if (property == nullptr) return fails({identifier.raw().empty() ? Code::identifier_empty : Code::params_not_exist});
  if (!is_time_good(posted, kept)) return fails({Code::bad_time});
  auto checked = check(*product.model, property->spec, posted.value, product.validation);
  if (checked.ok() && !is_strict_json(posted.value)) checked = {Code::bad_struct};
  if (!checked.ok()) return fails(checked, is_out_of_range(product, property->spec, posted.value));
  const auto index = static_cast<std::uint32_t>(property - product.model->properties().data());
  accepted_.push_back(
      {index, product.names[index], posted.value.raw(), posted.time ? posted.time->ms : loop_.wall().ms});
}

bool ThingIngress::Shard::is_time_good(const alink::TimedValue& posted, Kept kept) const {
  if (posted.bad_time) return false;
  if (!posted.time) return kept == Kept::live;
  return posted.time->ms >= 0 && posted.time->ms <= loop_.wall().ms + settings_.max_future.count();
}

/// Whether a value that failed its check is of the right type all the same. Asked only while the journal still has
/// room.
bool ThingIngress::Shard::is_out_of_range(const ProductBinding& product, const Spec& spec,
                                          const json::Value& value) const {
  return dropped_fields_.size() < kMaxNotedFields && product.validation == Validation::strong &&
         check(*product.model, spec, value, Validation::weak).ok() && is_strict_json(value);
}

void ThingIngress::Shard::drop(const json::Text& identifier, const Checked& why, bool is_range) {
  if (dropped_count_++ == 0) dropped_code_ = why.code;
  const auto raw = identifier.raw();
  // Once per identifier, and no more of them than a post may have properties.
  if (dropped_names_.contains(raw)) return;
  if (dropped_names_.size() >= settings_.max_properties) {
    ++dropped_unnamed_;
    return;
  }
  dropped_names_.insert(raw);
  if (!dropped_.empty()) dropped_ += ',';
  const std::size_t from = dropped_.size();
  dropped_.append("\"").append(shortened(raw, kMaxShownName)).append("\":\"");
  append_check_text(dropped_, why, raw);
  dropped_ += '"';
  if (dropped_fields_.size() < kMaxNotedFields)
    dropped_fields_.push_back({why.code, is_range, from, dropped_.size() - from});
}

/// One record per time. Nearly always there is but one.
void ThingIngress::Shard::write_values(DeviceState& device, Kept kept) {
  const auto earlier = [](const Accepted& a, const Accepted& b) { return a.time < b.time; };
  if (!std::is_sorted(accepted_.begin(), accepted_.end(), earlier))
    std::stable_sort(accepted_.begin(), accepted_.end(), earlier);
  for (std::size_t first = 0, end = 0; first < accepted_.size(); first = end) {
    while (end < accepted_.size() && accepted_[end].time == accepted_[first].time) ++end;
    write_record(device, std::span(accepted_).subspan(first, end - first), kept);
  }
}

void ThingIngress::Shard::write_record(DeviceState& device, std::span<Accepted> values, Kept kept) {
  unite_repeated(values);
  record_.clear();
  begin_record(record_, kept == Kept::past ? kPast : kLive);
  for (const Accepted& value : values) {
    if (value.repeated) continue;
    ++counts_.values;
    append_field(record_, *value.name);
    append_field(record_, value.value);
    if (kept == Kept::live) change_value(device, value);
  }
  put_record(RecordKind::properties, device.number, values.front().time);
}

/// Of members with one name and one time the last counts, at the place of the first, as in JSON.parse.
void ThingIngress::Shard::unite_repeated(std::span<Accepted> values) {
  ++round_;
  for (std::uint32_t i = 0; i < values.size(); ++i) {
    Seen& seen = seen_[values[i].property];
    values[i].repeated = seen.round == round_;
    if (values[i].repeated)
      values[seen.at].value = values[i].value;
    else
      seen = {round_, i};
  }
}

void ThingIngress::Shard::put_record(RecordKind kind, std::uint64_t device, std::int64_t time) {
  key_.clear();
  append_key(key_, {device, kind, UnixMillis{time}, content_hash(record_)});
  commits_.current().mutations.put(store::Family::history, key_, record_);
  ++written_;
}

void ThingIngress::Shard::change_value(DeviceState& device, const Accepted& value) {
  auto& group = commits_.current();
  auto position = device.find(value.name);
  if (position == DeviceState::kNew) {
    position = static_cast<std::uint32_t>(device.values.size());
    group.before.push_back({&device, position, false, 0, {}});
    device.values.push_back({value.name, value.time, std::string(value.value)});
  } else {
    device.hint = position + 1;
    Held& held = device.values[position];
    // Late: history only. A time that no device may claim is left from a server clock that was wrong, and gives way.
    if (value.time < held.time && held.time <= loop_.wall().ms + settings_.max_future.count()) return;
    group.before.push_back({&device, position, true, held.time, group.keep(held.value)});
    held.time = value.time;
    held.value.assign(value.value);
  }
  if (device.dirty == 0) group.dirty.push_back(&device);
  device.dirty |= std::uint64_t{1} << (position / kValuesPerChunk % 64);
  tell_later(device.number, value.name, value.time, value.value, false);
}

void ThingIngress::Shard::tell_later(std::uint64_t device, const std::string* name, std::int64_t time,
                                     std::string_view value, bool is_event) {
  if (updates_ == nullptr) return;
  auto& group = commits_.current();
  if (group.told.size() >= settings_.max_changes_per_group) {
    ++group.left_out;
    return;
  }
  group.told.push_back({device, name, time, group.keep(value), is_event});
}

bool ThingIngress::Shard::take_event(DeviceState& device, const ProductBinding& product, std::string_view identifier,
                                     const alink::TimedValue& posted, Kept kept) {
  const Event* const event = product.model->find_event(identifier);
  if (event == nullptr) return product.validation == Validation::none;
  if (product.validation == Validation::none) return true;
  const json::Text text(event->identifier, false);
  if (!is_time_good(posted, kept)) return drop(text, {Code::bad_time}), true;
  if (!posted.value.is(json::Type::object)) return drop(text, {Code::bad_struct}), true;
  if (posted.value.size() > settings_.max_properties) return drop(text, {Code::too_many_properties}), true;
  if (!take_outputs(product, *event, posted.value)) return true;
  const auto time = posted.time ? posted.time->ms : loop_.wall().ms;
  record_.clear();
  begin_record(record_, kept == Kept::past ? kPast : kLive);
  append_field(record_, event->identifier);
  append_field(record_, output_);
  put_record(RecordKind::event, device.number, time);
  ++counts_.events;
  emit_event(device, *event, time, kept);
  if (kept == Kept::live && updates_ != nullptr)
    tell_later(device.number, names_.intern(event->identifier), time, output_, true);
  return true;
}

bool ThingIngress::Shard::take_outputs(const ProductBinding& product, const Event& event, const json::Value& value) {
  const auto outputs = product.model->outputs(event);
  output_ = "{";
  bool any = false, dropped = false;
  for (const auto& [member_name, inner] : value.members()) {
    const auto& name = member_name;
    const auto known = std::find_if(outputs.begin(), outputs.end(),
                                    [&](const Member& member) { return name == std::string_view(member.identifier); });
    auto checked = known == outputs.end() ? Checked{Code::params_not_exist}
                                          : check(*product.model, known->spec, inner, product.validation);
    if (checked.ok() && !is_strict_json(inner)) checked = {Code::bad_struct};
    if (!checked.ok()) {
      drop(name, checked, known != outputs.end() && is_out_of_range(product, known->spec, inner));
      dropped = true;
      continue;
    }
    if (any) output_ += ',';
    any = true;
    output_.append("\"").append(known->identifier).append("\":").append(inner.raw());
  }
  output_ += '}';
  return any || !dropped;  // an event all of whose outputs are wrong is not kept
}

Taken ThingIngress::Shard::answer_later(const Message& message, const alink::Request& request) {
  counts_.dropped_values += dropped_count_;
  if (dropped_unnamed_ != 0)  // a name that no identifier has
    dropped_.append(",\"...\":\"").append(std::to_string(dropped_unnamed_)).append(" more values were dropped\"");
  if (dropped_count_ != 0) note_dropped(message);
  dropped_.insert(0, "{").append("}");
  char method[96];
  const alink::ReplyFields fields{.id = request.id,
                                  .data = dropped_,
                                  .method = alink::method_of(message.topic, method).value_or(std::string_view{})};
  if (written_ == 0) {
    if (request.wants_reply) reply_now(message, fields);
    return Taken::done;
  }
  auto& group = commits_.current();
  Answer answer;
  answer.token = message.in.token;
  answer.session = message.in.session;
  answer.device = message.device.number;
  answer.qos = std::min<std::uint8_t>(message.in.qos, 1);
  answer.has_ack = message.in.qos != 0;
  answer.has_reply = request.wants_reply;
  answer.is_raw = in_raw_;
  answer.topic = group.keep(message.topic.path);
  group.keep("_reply");
  answer.topic.size += 6;
  answer.payload =
      append_written(group.arena, reply_bound(fields), [&](auto& out) { alink::write_reply(out, fields); });
  group.answers.push_back(answer);
  return message.in.qos != 0 ? Taken::later : Taken::done;
}

void ThingIngress::Shard::note_dropped(const Message& message) {
  const bool is_model_empty = message.product.model->properties().empty();
  // The same fields for the same reasons as in the post before are said once a minute.
  const auto digest = static_cast<std::uint32_t>(std::hash<std::string_view>{}(dropped_)) | 0x8000'0000U;
  const std::size_t left = notes_left(message.device, digest & ~1U);
  // Without a model one entry says it all: what is amiss is the product, not its fields.
  const std::size_t shown = std::min({left, dropped_fields_.size(), is_model_empty ? std::size_t{1} : kMaxNotedFields});
  for (std::size_t i = 0; i < shown; ++i) {
    const DroppedField& field = dropped_fields_[i];
    std::string evidence = dropped_.substr(field.from, field.size);
    if (i + 1 == shown && dropped_names_.size() + dropped_unnamed_ > shown)
      evidence.append(", and ")
          .append(std::to_string(dropped_names_.size() + dropped_unnamed_ - shown))
          .append(" more of this post");
    record(message.device, &message.in, cause_of_drop(field.code, field.is_range, is_model_empty),
           alink::number(field.code), evidence);
  }
}

}  // namespace tercet::thing
