#include "tests/durability/board.h"

#include <algorithm>

#include "tercet/alink/envelope.h"
#include "tercet/auth/sign.h"
#include "tercet/base/check.h"
#include "tercet/mqtt/encode.h"

namespace tercet::durability {
namespace {

constexpr auto kVersion = mqtt::ProtocolVersion::v311;
constexpr std::size_t kLargestPacket = 64 * 1024;

auth::Credentials credentials_of(int number) {
  const Triple triple{{*ProductKey::parse(kProduct), *DeviceName::parse(board_name(number))},
                      *DeviceSecret::parse(Board::secret(number))};
  const auto made = auth::make_credentials(triple, {.secure_mode = auth::SecureMode::tcp, .auto_subscribe = true});
  TERCET_CHECK(made);
  return *made;
}

std::uint16_t packet_id(std::size_t place) { return static_cast<std::uint16_t>(place + 1); }

}  // namespace

Board::Board(int number, std::size_t posts, Habits habits)
    : number_(number), habits_(habits), script_(script_of(number, posts)) {}

void Board::dial(runtime::Loop& loop, const runtime::Address& server) {
  hang_up();
  loop_ = &loop;
  auto opened = loop.connect(server);
  TERCET_CHECK(opened);
  stream_ = std::move(*opened);
  first_ = next_ = acknowledged_;
  loop.attach(*stream_, *this);
  loop.want_write(*stream_);
}

void Board::hang_up() {
  if (stream_) loop_->detach(*stream_);
  stream_.reset();
  online_ = asked_ = false;
  in_.clear();
  out_.clear();
}

bool Board::is_done() const {
  if (acknowledged_ < script_.size()) return false;
  for (std::size_t place = first_; place < script_.size(); ++place)
    if (!answered_.contains(place)) return false;
  return true;
}

std::size_t Board::promised() const { return std::max(acknowledged_, answered_.empty() ? 0 : *answered_.rbegin() + 1); }

void Board::on_readable() {
  std::uint8_t buffer[16 * 1024];
  runtime::Io io{runtime::Io::State::more};
  while (io.state == runtime::Io::State::more) {
    io = stream_->read(buffer);
    moved_ += io.bytes;
    in_.append(as_text(Bytes(buffer).first(io.bytes)));
  }
  std::size_t taken = 0;
  while (const auto frame = mqtt::next_frame(as_bytes(in_).subspan(taken), kLargestPacket)) {
    take(*frame);
    taken += frame->size;
  }
  in_.erase(0, taken);
  send_posts();
  if (io.state == runtime::Io::State::drained) return;
  blame("the connection was lost");
  hang_up();
}

void Board::on_writable() {
  if (!asked_) log_in();
  write();
}

void Board::log_in() {
  asked_ = true;
  const auto credentials = credentials_of(number_);
  mqtt::Connect connect;
  connect.clean_start = !habits_.persistent;
  connect.keep_alive = Seconds{300};
  connect.client_id = credentials.client_id.str();
  connect.user_name = credentials.user_name.str();
  connect.password = as_bytes(credentials.password.str());
  std::uint8_t buffer[1024];
  const auto size = mqtt::encode(connect, buffer);
  TERCET_CHECK(size);
  out_.append(as_text(Bytes(buffer).first(*size)));
}

void Board::take(const mqtt::Frame& frame) {
  switch (frame.header.type()) {
    case mqtt::PacketType::connack: {
      const auto connack = mqtt::decode_connack(kVersion, frame);
      if (!connack || connack->reason != mqtt::ReasonCode::success) return blame("the login was refused");
      online_ = true;
      return;
    }
    case mqtt::PacketType::puback: {
      const auto ack = mqtt::decode_ack(kVersion, frame);
      if (!ack || acknowledged_ >= next_ || ack->packet_id != packet_id(acknowledged_))
        return blame("a PUBACK out of order");
      ++acknowledged_;
      return;
    }
    case mqtt::PacketType::publish: {
      const auto reply = mqtt::decode_publish(kVersion, frame, mqtt::Sender::server);
      if (!reply) return blame("a malformed PUBLISH");
      return take_reply(*reply);
    }
    default:
      return blame("an unexpected packet");
  }
}

void Board::take_reply(const mqtt::Publish& packet) {
  if (packet.qos == mqtt::Qos::at_least_once) send(mqtt::Ack{mqtt::PacketType::puback, packet.packet_id, {}, {}});
  const auto reply = alink::parse_reply(as_text(packet.payload));
  if (!reply) return blame("a reply nobody can read: " + std::string(as_text(packet.payload)));
  const auto place = static_cast<std::size_t>(std::stoull(std::string(reply->id)));
  const bool was_sent = place < sent_ && packet.topic == script_[place].topic + "_reply";
  const bool is_clean = reply->code == 200 && reply->data && reply->data->raw() == "{}";
  if (!was_sent || !is_clean) return blame("an unexpected reply: " + std::string(as_text(packet.payload)));
  answered_.insert(place);
}

void Board::send_posts() {
  if (!online_) return;
  for (; next_ < script_.size() && next_ < acknowledged_ + habits_.window; ++next_) {
    mqtt::Publish publish;
    publish.topic = script_[next_].topic;
    publish.payload = as_bytes(script_[next_].payload);
    publish.qos = mqtt::Qos::at_least_once;
    publish.packet_id = packet_id(next_);
    publish.dup = next_ < sent_;
    send(publish);
    sent_ = std::max(sent_, next_ + 1);
  }
  write();
}

template <typename Packet>
void Board::send(const Packet& packet) {
  std::uint8_t buffer[kLargestPacket];
  const auto size = mqtt::encode(packet, kVersion, buffer);
  TERCET_CHECK(size);
  out_.append(as_text(Bytes(buffer).first(*size)));
}

void Board::write() {
  if (!stream_ || !asked_) return;
  while (!out_.empty()) {
    const auto io = stream_->write(as_bytes(out_));
    moved_ += io.bytes;
    out_.erase(0, io.bytes);
    if (io.state != runtime::Io::State::more) break;
  }
  if (!out_.empty()) loop_->want_write(*stream_);
}

void Board::blame(std::string what) {
  if (fault_.empty()) fault_ = board_name(number_) + ": " + std::move(what);
}

}  // namespace tercet::durability
