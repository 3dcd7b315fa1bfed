#include "tests/simulation/witness.h"

#include <charconv>

#include "tercet/mqtt/decode.h"

namespace tercet::simulation {
namespace {

constexpr std::size_t kMostBytes = std::size_t{1} << 20;

/// Calls visit(frame) for each whole packet and drops it; what is no MQTT is left lying.
template <typename Visit>
void each_frame(std::string& from, Visit visit) {
  std::size_t used = 0;
  while (const auto frame = mqtt::next_frame(as_bytes(from).subspan(used), kMostBytes)) {
    visit(*frame);
    used += frame->size;
  }
  from.erase(0, used);
}

}  // namespace

std::vector<std::int64_t> times_in(std::string_view json) {
  constexpr std::string_view kKey = "\"time\":";
  std::vector<std::int64_t> times;
  for (std::size_t at = json.find(kKey); at != json.npos; at = json.find(kKey, at)) {
    at += kKey.size();
    std::int64_t time = 0;
    std::from_chars(json.data() + at, json.data() + json.size(), time);
    times.push_back(time);
  }
  return times;
}

void Witness::opened() { out_.clear(), in_.clear(), unanswered_.clear(); }

void Witness::sent(Bytes bytes) {
  out_.append(as_text(bytes));
  each_frame(out_, [this](const mqtt::Frame& frame) {
    if (frame.header.type() != mqtt::PacketType::publish) return;
    const auto message = mqtt::decode_publish(mqtt::ProtocolVersion::v311, frame, mqtt::Sender::client);
    if (message && message->qos != mqtt::Qos::at_most_once)
      unanswered_[message->packet_id] = times_in(as_text(message->payload));
  });
}

std::vector<std::int64_t> Witness::received(Bytes bytes) {
  std::vector<std::int64_t> acknowledged;
  in_.append(as_text(bytes));
  each_frame(in_, [&](const mqtt::Frame& frame) {
    if (frame.header.type() != mqtt::PacketType::puback) return;
    const auto ack = mqtt::decode_ack(mqtt::ProtocolVersion::v311, frame);
    const auto found = ack ? unanswered_.find(ack->packet_id) : unanswered_.end();
    if (found == unanswered_.end()) return;
    acknowledged.insert(acknowledged.end(), found->second.begin(), found->second.end());
    unanswered_.erase(found);
  });
  return acknowledged;
}

}  // namespace tercet::simulation
