#include "tercet/device/tags.h"

#include "tercet/alink/envelope.h"

namespace tercet::device {
namespace {

constexpr std::string_view kUpdate = "thing/deviceinfo/update", kDelete = "thing/deviceinfo/delete";
constexpr std::string_view kGet = "thing/deviceinfo/get", kReply = "_reply";

}  // namespace

Result<void> Tags::start(Device& device, const DeviceId& id) {
  if (const auto made = topics_.start(device, id); !made) return made;
  return topics_.subscribe("thing/deviceinfo/+", filter_);
}

template <typename Write>
Result<MessageId> Tags::send(std::string_view tail, std::string_view method, Write&& write_list) {
  if (!topics_.is_online()) return fail(Error::bad_state);
  Writer out{scratch_};
  const MessageId id = topics_.take_id();
  const IdText digits{id};
  alink::RequestWriter request{out, digits.str(), method};
  request.params().begin_array();
  write_list(request.params());
  request.params().end_array();
  request.finish();
  if (!out.ok()) return fail(Error::too_large);
  if (const auto sent = topics_.publish(tail, out.written()); !sent) return fail(sent.error());
  return id;
}

Result<MessageId> Tags::update(std::span<const Tag> tags) {
  return send(kUpdate, "thing.deviceinfo.update", [&](json::Writer& list) {
    for (const Tag& tag : tags)
      list.begin_object().key("attrKey").string(tag.key).key("attrValue").string(tag.value).end_object();
  });
}

Result<MessageId> Tags::send_keys(std::string_view tail, std::string_view method,
                                  std::initializer_list<std::string_view> keys) {
  return send(tail, method, [&](json::Writer& list) {
    for (const std::string_view key : keys) list.begin_object().key("attrKey").string(key).end_object();
  });
}

Result<MessageId> Tags::remove(std::initializer_list<std::string_view> keys) {
  return send_keys(kDelete, "thing.deviceinfo.delete", keys);
}

Result<MessageId> Tags::get(std::initializer_list<std::string_view> keys) {
  return send_keys(kGet, "thing.deviceinfo.get", keys);
}

bool Tags::on_message(std::string_view topic, Bytes payload) {
  std::string_view tail = topics_.tail_of(topic);
  if (!tail.ends_with(kReply)) return false;
  tail.remove_suffix(kReply.size());
  if (tail != kUpdate && tail != kDelete && tail != kGet) return false;
  const auto reply = alink::parse_reply(as_text(payload));
  if (!reply) return true;  // the platform's mistake: nothing in it is for us
  if (tail == kGet && reply->data && reply->code == alink::number(alink::Code::success))
    for (const auto& tag : reply->data->elements()) tell(tag);
  events_.on_tags_answered(parse_id(reply->id), reply->code);
  return true;
}

void Tags::tell(const json::Value& tag) {
  const auto key = tag.find("attrKey"), value = tag.find("attrValue");
  const auto key_text = key ? key->text() : std::nullopt, value_text = value ? value->text() : std::nullopt;
  if (!key_text || !value_text) return;
  const auto plain_key = key_text->unescape(scratch_);
  if (!plain_key) return;
  const std::size_t used = key_text->has_escapes() ? plain_key->size() : 0;
  const auto plain_value = value_text->unescape(scratch_.subspan(used));
  if (plain_value) events_.on_tag({*plain_key, *plain_value});
}

}  // namespace tercet::device
