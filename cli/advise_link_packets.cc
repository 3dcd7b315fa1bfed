// What the device sends, written down and answered.
#include <array>

#include "cli/advise_link.h"
#include "tercet/auth/client_id.h"
#include "tercet/auth/user_name.h"
#include "tercet/mqtt/encode.h"
#include "tercet/mqtt/reason.h"
#include "tercet/mqtt/topic.h"

namespace tercet::cli::advise {
namespace {

constexpr Millis kSubackWithin{3'000};  ///< of CONNACK, before the silence begins
constexpr std::size_t kMostEvents = 20'000;

std::uint8_t refusal_code(Act act) {
  if (act == Act::refuse_again) return 3;
  if (act < Act::refuse_1 || act > Act::refuse_5) return 0;
  return static_cast<std::uint8_t>(static_cast<int>(act) - static_cast<int>(Act::refuse_1) + 1);
}

bool is_bad_certificate(Act act) { return act >= Act::expired && act <= Act::sha1_leaf; }

}  // namespace

Event& Link::note(Event::Kind kind) {
  Event event;
  event.kind = kind, event.at = now();
  visit().events.push_back(std::move(event));
  return visit().events.back();
}

void Link::malformed(const mqtt::Frame* frame) {
  const Bytes bytes = frame != nullptr ? frame->body : Bytes(in_);
  Event& event = note(Event::Kind::malformed);
  for (const std::uint8_t byte : bytes.first(std::min<std::size_t>(bytes.size(), 24))) {
    constexpr char kDigits[] = "0123456789abcdef";
    event.payload += {kDigits[byte >> 4], kDigits[byte & 15], ' '};
  }
  end(false, "what came is not MQTT");
}

void Link::on_packet(const mqtt::Frame& frame) {
  using mqtt::PacketType;
  if (visit().events.size() >= kMostEvents) return end(false, "more packets in one connection than are looked at");
  if (!visit().login && frame.header.type() != PacketType::connect) return malformed(&frame);
  switch (frame.header.type()) {
    case PacketType::connect:
      return visit().login ? malformed(&frame) : on_connect(frame);
    case PacketType::subscribe:
      return on_subscribe(frame);
    case PacketType::publish:
      return on_publish(frame);
    case PacketType::puback:
      if (const auto ack = mqtt::decode_ack(version_, frame))
        note(Event::Kind::acknowledged).packet_id = ack->packet_id;
      return;
    case PacketType::pubrel:
      if (const auto ack = mqtt::decode_ack(version_, frame)) acknowledge(PacketType::pubcomp, ack->packet_id);
      return;
    case PacketType::pingreq:
      note(Event::Kind::pinged);
      if (act() != Act::silent && answers()) send(mqtt::kPingresp);
      return;
    case PacketType::disconnect:
      return end(true, {});
    case PacketType::unsubscribe: {
      const auto asked = mqtt::decode_unsubscribe(version_, frame);
      std::array<std::uint8_t, 64> buffer, codes{};
      if (!asked || !answers()) return;
      const std::size_t count =
          version_ == mqtt::ProtocolVersion::v5 ? std::min<std::size_t>(asked->filters.count(), 32) : 0;
      const auto size = mqtt::encode(mqtt::Unsuback{asked->packet_id, Bytes(codes).first(count), {}}, version_, buffer);
      if (size) send(Bytes(buffer).first(*size));
      return;
    }
    default:
      return;
  }
}

/// Whether packets are answered at all in this visit.
bool Link::answers() const { return visit().accepted() && !is_over_; }

void Link::on_connect(const mqtt::Frame& frame) {
  const auto connect = mqtt::decode_connect(frame);
  if (!connect) return malformed(&frame);
  version_ = connect->version;
  login_at_ = now();
  SeenLogin login;
  login.client_id = connect->client_id;
  login.user_name = connect->user_name.value_or("");
  if (connect->password) login.password = as_text(*connect->password);
  login.keep_alive = connect->keep_alive;
  login.clean_start = connect->clean_start;
  login.has_will = connect->will.has_value();
  login.version = connect->version;
  login.wall = loop_.wall();
  visit().login = std::move(login);
  if (visit().plain || is_bad_certificate(act())) return end(false, {});
  switch (act()) {
    case Act::close_on_connect:
      return end(false, {});
    case Act::withhold:
    case Act::slow:
      return;
    case Act::garbage:
      return send(as_bytes("HTTP/1.1 302 Found\r\nLocation: http://portal.example/login\r\n\r\n"));
    default:
      break;
  }
  answer(refusal_code(act()));
  if (act() == Act::close_after_connack) end(false, {});
}

void Link::answer(std::uint8_t code) {
  const SeenLogin& login = *visit().login;
  mqtt::Connack connack;
  connack.reason = *mqtt::connack_reason(mqtt::ProtocolVersion::v311, code);
  if (code == 0) {
    connack.session_present = !login.clean_start && scene_.sessions.contains(login.client_id);
    if (login.clean_start)
      scene_.sessions.erase(login.client_id);
    else
      scene_.sessions.insert(login.client_id);
  }
  visit().answered = now();
  visit().code = code;
  visit().resumed = connack.session_present;
  can_be_commanded_ = connack.session_present || auth::parse_client_id(login.client_id).auto_subscribe;
  std::array<std::uint8_t, 64> buffer;
  const auto size = mqtt::encode(connack, version_, buffer);
  if (size) send(Bytes(buffer).first(*size));
}

void Link::on_subscribe(const mqtt::Frame& frame) {
  auto asked = mqtt::decode_subscribe(version_, frame);
  if (!asked) return malformed(&frame);
  const auto user = auth::parse_user_name(visit().login->user_name);
  const std::string wanted =
      user ? "/sys/" + std::string(user->product) + "/" + std::string(user->device) + "/thing/service/property/set"
           : "";
  std::vector<std::uint8_t> codes;
  while (const auto line = asked->subscriptions.next()) {
    Event& event = note(Event::Kind::subscribed);
    event.topic = line->filter, event.qos = line->qos, event.packet_id = asked->packet_id;
    const bool is_valid = mqtt::is_valid_filter(line->filter);
    if (is_valid && mqtt::matches(line->filter, wanted)) can_be_commanded_ = true;
    codes.push_back(!is_valid ? 0x80 : line->qos == mqtt::Qos::at_most_once ? 0 : 1);
  }
  if (!answers() || (act() == Act::silent && now() - *visit().answered > kSubackWithin)) return;
  std::vector<std::uint8_t> buffer(codes.size() + 16);
  const auto size = mqtt::encode(mqtt::Suback{asked->packet_id, codes, {}}, version_, buffer);
  if (size) send(Bytes(buffer).first(*size));
}

void Link::on_publish(const mqtt::Frame& frame) {
  const auto publish_in = mqtt::decode_publish(version_, frame, mqtt::Sender::client);
  if (!publish_in) return malformed(&frame);
  Event& event = note(Event::Kind::posted);
  event.topic = publish_in->topic, event.payload = as_text(publish_in->payload);
  event.packet_id = publish_in->packet_id, event.qos = publish_in->qos;
  event.dup = publish_in->dup, event.retain = publish_in->retain;
  if (!answers() || act() == Act::silent || withheld_at_) return;
  if (act() == Act::unacknowledged && publish_in->qos == mqtt::Qos::at_least_once) {
    withheld_at_ = now();
    scene_.held = event.payload;
    return;
  }
  if (publish_in->qos == mqtt::Qos::at_least_once) acknowledge(mqtt::PacketType::puback, publish_in->packet_id);
  if (publish_in->qos == mqtt::Qos::exactly_once) acknowledge(mqtt::PacketType::pubrec, publish_in->packet_id);
  const auto reply = reply_to(publish_in->topic, as_text(publish_in->payload), loop_.wall());
  if (reply) publish(reply->topic, reply->payload, mqtt::Qos::at_most_once, 0, false);
}

void Link::acknowledge(mqtt::PacketType type, std::uint16_t packet_id) {
  if (answers()) send(mqtt::short_ack(type, packet_id));
}

void Link::publish(const std::string& topic, const std::string& payload, mqtt::Qos qos, std::uint16_t packet_id,
                   bool dup) {
  mqtt::Publish message;
  message.topic = topic;
  message.payload = as_bytes(payload);
  message.qos = qos, message.packet_id = packet_id, message.dup = dup;
  std::vector<std::uint8_t> buffer(topic.size() + payload.size() + 32);
  const auto size = mqtt::encode(message, version_, buffer);
  if (size) send(Bytes(buffer).first(*size));
}

}  // namespace tercet::cli::advise
