#include "ports/fake/platform.h"

#include <cstring>

#include "tercet/alink/envelope.h"
#include "tercet/alink/ntp.h"
#include "tercet/alink/topic.h"
#include "tercet/base/check.h"
#include "tercet/mqtt/encode.h"

namespace tercet::fake {
namespace {

constexpr auto kVersion = mqtt::ProtocolVersion::v311;

template <std::size_t N>
void keep(FixedString<N>& into, std::string_view text) {
  static_cast<void>(into.assign(text.substr(0, N)));
}

}  // namespace

MutableBytes Platform::room() { return MutableBytes{out_}.subspan(out_end_); }

void Platform::connected() {
  in_end_ = out_end_ = sent_ = 0;
  hung_up_ = false;
}

void Platform::taken(std::size_t bytes) {
  sent_ += bytes;
  if (sent_ == out_end_) sent_ = out_end_ = 0;
}

void Platform::receive(Bytes bytes) {
  TERCET_CHECK(bytes.size() <= in_.size() - in_end_);
  std::memcpy(in_.data() + in_end_, bytes.data(), bytes.size());
  in_end_ += bytes.size();
  for (;;) {
    const auto frame = mqtt::next_frame({in_.data(), in_end_}, in_.size());
    if (!frame) break;
    handle(*frame);
    in_end_ -= frame->size;
    std::memmove(in_.data(), in_.data() + frame->size, in_end_);
  }
}

void Platform::handle(const mqtt::Frame& frame) {
  switch (frame.header.type()) {
    case mqtt::PacketType::connect:
      return on_connect(frame);
    case mqtt::PacketType::subscribe:
      return on_subscribe(frame);
    case mqtt::PacketType::publish:
      return on_publish(frame);
    case mqtt::PacketType::pingreq:
      ++pings;
      if (answers_pings) out_end_ += *mqtt::encode(mqtt::Pingresp{}, kVersion, room());
      return;
    case mqtt::PacketType::disconnect:
      ++disconnects;
      hung_up_ = true;
      return;
    default:
      return;
  }
}

void Platform::on_connect(const mqtt::Frame& frame) {
  const auto connect = mqtt::decode_connect(frame);
  TERCET_CHECK(connect.has_value());
  ++connects;
  keep(client_id, connect->client_id);
  keep(user_name, connect->user_name.value_or(""));
  keep(password, as_text(connect->password.value_or(Bytes{})));
  clean_session = connect->clean_start;
  keep_alive = connect->keep_alive;
  if (!answers_connect) return;
  mqtt::Connack answer;
  answer.reason = connack;
  answer.session_present = has_session_ && keeps_sessions && !clean_session && connack == mqtt::ReasonCode::success;
  has_session_ = has_session_ || connack == mqtt::ReasonCode::success;
  out_end_ += *mqtt::encode(answer, kVersion, room());
  if (connack != mqtt::ReasonCode::success) hung_up_ = true;
}

void Platform::on_subscribe(const mqtt::Frame& frame) {
  auto packet = mqtt::decode_subscribe(kVersion, frame);
  TERCET_CHECK(packet.has_value());
  ++subscribes;
  if (!answers_subscribe) return;
  std::array<std::uint8_t, 16> codes{};
  std::size_t count = 0;
  while (const auto wanted = packet->subscriptions.next()) {
    const bool refused = !refuses_filter_ending.empty() && wanted->filter.ends_with(refuses_filter_ending);
    codes[count++] = refused ? 0x80 : static_cast<std::uint8_t>(wanted->qos);
  }
  out_end_ += *mqtt::encode(mqtt::Suback{packet->packet_id, Bytes{codes}.first(count), {}}, kVersion, room());
}

void Platform::on_publish(const mqtt::Frame& frame) {
  const auto message = mqtt::decode_publish(kVersion, frame, mqtt::Sender::client);
  TERCET_CHECK(message.has_value());
  if (message->qos == mqtt::Qos::at_least_once && acknowledges) {
    const auto ack = mqtt::short_ack(mqtt::PacketType::puback, message->packet_id);
    std::memcpy(room().data(), ack.data(), ack.size());
    out_end_ += ack.size();
  }
  const auto topic = alink::parse_topic(message->topic);
  TERCET_CHECK(topic.has_value());
  const std::string_view payload = as_text(message->payload);
  on_any(message->topic, payload);
  if (topic->kind == alink::Kind::property_set && topic->is_reply) keep(last_set_reply, payload);
  if (topic->kind == alink::Kind::desired_get) keep(last_desired_get, payload);
  if (topic->kind == alink::Kind::desired_delete) keep(last_desired_delete, payload);
  if (topic->kind == alink::Kind::shadow_update) keep(last_shadow, payload);
  if (topic->kind == alink::Kind::service || topic->kind == alink::Kind::property_get ||
      topic->kind == alink::Kind::rrpc_response || topic->kind == alink::Kind::rrpc_custom) {
    keep(last_answer_topic, message->topic);
    keep(last_answer, payload);
  }
  if (message->topic.ends_with("/config/push_reply")) keep(last_config_reply, payload);
  if (message->topic.ends_with("/config/get")) ++config_gets;
  if (topic->kind == alink::Kind::ntp && answers_ntp) answer_ntp(message->topic, payload);
  if (topic->kind == alink::Kind::property_post) {
    ++posts_received;
    keep(last_post, payload);
    on_post(payload);
  }
  const bool is_batch = topic->kind == alink::Kind::property_batch_post;
  if (is_batch) {
    ++batches_received;
    keep(last_batch, payload);
    on_post(payload);
  }
  if (topic->kind == alink::Kind::event_post) {
    ++events_received;
    keep(last_event, payload);
  }
  const bool is_post = topic->kind == alink::Kind::property_post || topic->kind == alink::Kind::event_post;
  if (answers_posts && (is_post || is_batch)) answer_post(message->topic, payload);
}

void Platform::answer_post(std::string_view topic, std::string_view payload) {
  const auto request = alink::parse_request(payload);
  TERCET_CHECK(request.has_value());
  std::array<std::uint8_t, 256> body, name;
  Writer text{body}, where{name};
  alink::write_device_reply(text, request->id, reply_code);
  where.text(topic), where.text("_reply");
  push(where.text(), text.text(), mqtt::Qos::at_most_once);
}

void Platform::answer_ntp(std::string_view topic, std::string_view payload) {
  const auto request = alink::parse_ntp_request(payload);
  TERCET_CHECK(request.has_value());
  std::array<std::uint8_t, 256> body, name;
  Writer text{body}, where{name};
  alink::write_ntp_response(text, *request, wall, wall);
  where.text(topic.substr(0, topic.rfind('/'))), where.text("/response");
  push(where.text(), text.text(), mqtt::Qos::at_most_once);
}

void Platform::push_set(std::string_view id, std::string_view params) {
  const std::string_view user = user_name.str();
  const std::size_t cut = user.find('&');
  std::array<std::uint8_t, 256> name;
  std::array<std::uint8_t, 1024> body;
  Writer where{name}, text{body};
  where.text("/sys/"), where.text(user.substr(cut + 1)), where.ch('/'), where.text(user.substr(0, cut));
  where.text("/thing/service/property/set");
  alink::write_request(text, id, "thing.service.property.set", params);
  push(where.text(), text.text(), mqtt::Qos::at_least_once);
}

void Platform::push(std::string_view topic, std::string_view payload, mqtt::Qos qos) {
  mqtt::Publish message;
  message.topic = topic;
  message.payload = as_bytes(payload);
  message.qos = qos;
  if (qos != mqtt::Qos::at_most_once) message.packet_id = next_packet_id_++;
  if (next_packet_id_ == 0) next_packet_id_ = 1;
  out_end_ += *mqtt::encode(message, kVersion, room());
}

}  // namespace tercet::fake
