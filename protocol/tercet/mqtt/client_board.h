#pragma once
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tercet/mqtt/any_packet.h"
#include "tercet/mqtt/client.h"
#include "tercet/mqtt/golden_packets.h"
#include "tercet/mqtt/reason.h"

/// A client, its transport and its server in the hands of a test. Not part of the library.
namespace tercet::mqtt::test {

using golden::bytes;
using Lines = std::vector<std::string>;

inline std::string text(std::string_view view) { return std::string{view}; }

/// Events and packets as one line each, so that a test reads like a trace.
struct Describe {
  std::string operator()(const OpenTransport&) const { return "open"; }
  std::string operator()(const Online& e) const { return e.session_present ? "online resumed" : "online"; }
  std::string operator()(const Offline& e) const {
    return "offline " + text(name(e.error)) + " " + text(name(e.reason)) + " " + std::to_string(e.retry_in.count());
  }
  std::string operator()(const Received& e) const { return "received " + (*this)(e.publish); }
  std::string operator()(const Skipped& e) const { return "skipped " + std::to_string(e.packet_bytes); }
  std::string operator()(const Delivered& e) const {
    return "delivered " + std::to_string(e.packet_id) + " " + text(name(e.reason));
  }
  std::string operator()(const Subscribed& e) const {
    return "subscribed " + text(e.filter) + " " + text(name(e.reason));
  }
  std::string operator()(const Unsubscribed& e) const { return "unsubscribed " + text(e.filter); }

  std::string operator()(const Connect& p) const {
    return "connect " + text(p.client_id) + (p.clean_start ? " clean" : "") + (p.will ? " will" : "");
  }
  std::string operator()(const Publish& p) const {
    return (p.dup ? "dup q" : "q") + std::to_string(static_cast<int>(p.qos)) + " " + std::to_string(p.packet_id) + " " +
           text(p.topic) + " " + text(as_text(p.payload));
  }
  std::string operator()(const Ack& p) const {
    return text(name(p.type)) + " " + std::to_string(p.packet_id) + (is_failure(p.reason) ? " failed" : "");
  }
  std::string operator()(const Subscribe& p) const {
    Subscriptions list = p.subscriptions;
    return "subscribe " + std::to_string(p.packet_id) + " " + text(list.next()->filter);
  }
  std::string operator()(const Unsubscribe& p) const {
    Filters list = p.filters;
    return "unsubscribe " + std::to_string(p.packet_id) + " " + text(*list.next());
  }
  std::string operator()(const Pingreq&) const { return "pingreq"; }
  std::string operator()(const Disconnect& p) const { return "disconnect " + text(name(p.reason)); }
  template <typename Other>
  std::string operator()(const Other&) const {
    return "other";
  }
};

inline ClientConfig five() { return {.version = ProtocolVersion::v5}; }
inline ClientConfig persistent() { return {.clean_start = false}; }

/// A client, its transport and its server in the hands of a test.
struct Board {
  explicit Board(const ClientConfig& config = {})
      : version(config.version), client(config, {.client_id = "me"}, buffers.storage(), &draw, this) {}

  static std::uint32_t draw(void* board) { return static_cast<Board*>(board)->random; }

  Lines events() {
    Lines lines;
    for (auto event = client.next_event(now); event; event = client.next_event(now))
      lines.push_back(std::visit(Describe{}, *event));
    return lines;
  }
  /// What the client has written, one line a packet.
  Lines written() {
    Lines lines;
    const Bytes out = client.outgoing();
    for (std::size_t at = 0; at < out.size();) {
      const auto frame = next_frame(out.subspan(at), 10'000);
      REQUIRE(frame);
      const auto packet = decode_any(version, *frame, Sender::client);
      REQUIRE(packet);
      lines.push_back(std::visit(Describe{}, *packet));
      at += frame->size;
    }
    client.sent(out.size());
    return lines;
  }
  Lines says(std::string_view notation) {
    const auto in = bytes(notation);
    REQUIRE(client.receive(in, now) == in.size());
    return events();
  }
  void wait(Millis time) { now = now + time; }

  /// Connects and throws the trace away.
  Board& online(std::string_view connack = {}) {
    client.start(now);
    events();
    client.transport_up(now);
    const std::string_view plain = version == ProtocolVersion::v5 ? "20 03 00 00 00" : "20 02 00 00";
    says(connack.empty() ? plain : connack);
    REQUIRE(client.is_online());
    written();
    return *this;
  }
  Result<std::uint16_t> publish(std::string_view payload, Qos qos = Qos::at_least_once) {
    return client.publish({.topic = "t", .payload = as_bytes(payload), .qos = qos});
  }

  ClientBuffers<128, 128, 96, 4, 3, 2> buffers;
  Instant now{Millis{1'000'000}};
  std::uint32_t random = 0x80000000;
  ProtocolVersion version;
  Client client;
};

}  // namespace tercet::mqtt::test
