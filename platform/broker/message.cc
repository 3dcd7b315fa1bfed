#include "platform/broker/message.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "tercet/base/reader.h"

namespace tercet::broker {
namespace {

constexpr std::uint8_t kFormat = 1;
constexpr std::size_t kIdentifierBytes = 5;  // its name and at most four bytes
constexpr std::size_t kExpiryBytes = 5;

std::size_t write_identifiers(MutableBytes out, std::span<const std::uint32_t> identifiers) {
  mqtt::PropertyWriter writer{out};
  for (const std::uint32_t identifier : identifiers) writer.subscription_identifier(identifier);
  return writer.view().encoded().size();
}

void put_number(std::string& out, std::uint64_t value, int bytes) {
  while (bytes-- > 0) out.push_back(static_cast<char>(value >> (8 * bytes)));
}

}  // namespace

Publication Message::publication() const {
  Publication view;
  view.topic = topic();
  view.payload = payload();
  view.properties = properties();
  view.expires_ms = expires_ms_;
  view.qos = qos_;
  return view;
}

MessageRef MessageRef::copy_of(const Publication& from, std::uint8_t qos, UnixMillis created,
                               std::span<const std::uint32_t> identifiers) {
  const std::size_t room =
      from.topic.size() + from.properties.size() + from.payload.size() + identifiers.size() * kIdentifierBytes;
  auto* message = new (::operator new(sizeof(Message) + room)) Message;
  auto* at = reinterpret_cast<std::uint8_t*>(message + 1);
  const auto put = [&at](const void* data, std::size_t size) {
    if (size > 0) std::memcpy(at, data, size);
    at += size;
  };
  put(from.topic.data(), from.topic.size());
  put(from.properties.data(), from.properties.size());
  const std::size_t added = write_identifiers({at, identifiers.size() * kIdentifierBytes}, identifiers);
  at += added;
  put(from.payload.data(), from.payload.size());
  message->expires_ms_ = from.expires_ms;
  message->created_ms_ = created.ms;
  message->topic_bytes_ = static_cast<std::uint16_t>(from.topic.size());
  message->properties_bytes_ = static_cast<std::uint32_t>(from.properties.size() + added);
  message->payload_bytes_ = static_cast<std::uint32_t>(from.payload.size());
  message->qos_ = qos;
  return MessageRef{message};
}

void MessageRef::let_go() {
  if (message_ == nullptr || --message_->references_ > 0) return;
  message_->~Message();
  ::operator delete(message_);
}

mqtt::Properties PublishWriter::properties(const Publication& publication, const Copy& copy, UnixMillis wall) {
  if (publication.expires_ms == 0 && copy.identifiers.empty())
    return mqtt::Properties::trusted(publication.properties, 0);
  scratch_.resize(publication.properties.size() + kExpiryBytes + copy.identifiers.size() * kIdentifierBytes);
  MutableBytes left{scratch_};
  if (publication.expires_ms != 0) {
    // Rounded up: a message that is still alive keeps at least a second.
    const auto seconds = std::max<std::int64_t>(1, (publication.expires_ms - wall.ms + 999) / 1000);
    mqtt::PropertyWriter writer{left};
    writer.message_expiry(Seconds{seconds});
    left = left.subspan(writer.view().encoded().size());
  }
  std::copy(publication.properties.begin(), publication.properties.end(), left.begin());
  left = left.subspan(publication.properties.size());
  left = left.subspan(write_identifiers(left, copy.identifiers));
  return mqtt::Properties::trusted({scratch_.data(), scratch_.size() - left.size()}, 0);
}

Bytes passed_on(const mqtt::Properties& properties, std::vector<std::uint8_t>& scratch) {
  using mqtt::Property;
  constexpr auto kHeldBack = mqtt::set_of(Property::topic_alias, Property::message_expiry_interval,
                                          Property::subscription_identifier, Property::will_delay_interval);
  if ((properties.present() & kHeldBack) == 0) return properties.encoded();
  scratch.resize(properties.encoded().size());
  mqtt::PropertyWriter writer{scratch};
  auto all = properties.all();
  while (const auto property = all.next())
    if ((mqtt::set_of(property->id) & kHeldBack) == 0) writer.add(*property);
  return writer.view().encoded();
}

void encode_message(std::string& out, const Publication& publication, std::uint8_t qos, bool retain) {
  out.reserve(out.size() + 20 + publication.topic.size() + publication.properties.size() + publication.payload.size());
  out.push_back(static_cast<char>(kFormat));
  out.push_back(static_cast<char>(qos | (retain ? 4 : 0)));
  put_number(out, static_cast<std::uint64_t>(publication.expires_ms), 8);
  put_number(out, publication.topic.size(), 2);
  put_number(out, publication.properties.size(), 4);
  out.append(publication.topic).append(as_text(publication.properties)).append(as_text(publication.payload));
}

Result<Publication> decode_message(std::string_view in) {
  Reader reader{as_bytes(in)};
  if (reader.u8() != kFormat) return fail(Error::malformed);
  Publication made;
  const std::uint8_t flags = reader.u8();
  made.qos = flags & 3;
  made.retain = (flags & 4) != 0;
  made.expires_ms = static_cast<std::int64_t>(reader.u64());
  const std::size_t topic_bytes = reader.u16();
  const std::size_t properties_bytes = reader.u32();
  made.topic = as_text(reader.bytes(topic_bytes));
  made.properties = reader.bytes(properties_bytes);
  made.payload = reader.rest();
  if (!reader.ok()) return fail(Error::malformed);
  return made;
}

}  // namespace tercet::broker
