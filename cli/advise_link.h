#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cli/advise_certificates.h"
#include "cli/advise_command.h"
#include "cli/advise_record.h"
#include "platform/runtime/loop.h"
#include "tercet/mqtt/decode.h"

namespace tercet::cli::advise {

/// What the connections of one run share.
struct Scene {
  Record record;
  const Certificates* certificates = nullptr;  ///< null: plain TCP
  std::string set;                             ///< the correct properties, JSON
  std::vector<Point> commands;                 ///< to be sent in sessions, in this order
  std::size_t next_command = 0;
  std::uint32_t next_id = 1'000'001;
  bool hold_session = false;       ///< the session lasts kSteadySession at least
  bool needs_posts = false;        ///< the session lasts until two posts were seen, if they come
  Millis post_wait{150'000};       ///< how long a post is waited for
  std::set<std::string> sessions;  ///< client ids with a session that goes on
  std::string held;                ///< the payload whose PUBACK was withheld
};

/// One connection, played as its act says. Writes down what happens in the visit it was given.
class Link final : public runtime::StreamEvents {
 public:
  /// visit: its index in scene.record.visits. over: called once, when the visit has ended; the link may still be
  /// closing then and is to be kept until is_gone().
  Link(runtime::Loop& loop, std::unique_ptr<runtime::Stream> stream, Scene& scene, std::size_t visit,
       std::function<void()> over);
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  /// The device has opened another connection, or the run is over.
  void end_now(bool by_device) { end(by_device, {}); }
  bool is_over() const { return is_over_; }
  bool is_gone() const { return stream_ == nullptr; }
  /// Whether this visit has shown what its act is for.
  bool is_played() const;

  void on_readable() override;
  void on_writable() override { flush(); }

 private:
  Visit& visit() { return scene_.record.visits[visit_]; }
  const Visit& visit() const { return scene_.record.visits[visit_]; }
  Act act() const { return visit().act; }
  Instant now() const { return loop_.now(); }

  // The connection.
  bool take(runtime::Io io, Bytes bytes);
  bool choose_transport();
  void read_packets();
  void send(Bytes bytes);
  void flush();
  void end(bool by_device, std::string failure);
  void close();

  // Packets, advise_link_packets.cc.
  void on_packet(const mqtt::Frame& frame);
  void on_connect(const mqtt::Frame& frame);
  void answer(std::uint8_t code);
  void on_subscribe(const mqtt::Frame& frame);
  void on_publish(const mqtt::Frame& frame);
  void acknowledge(mqtt::PacketType type, std::uint16_t packet_id);
  void publish(const std::string& topic, const std::string& payload, mqtt::Qos qos, std::uint16_t packet_id, bool dup);
  void malformed(const mqtt::Frame* frame);
  bool answers() const;
  Event& note(Event::Kind kind);

  // The script, advise_link_script.cc.
  void step();
  void play_session();
  void start_command();
  bool is_command_over() const;
  bool is_session_seen() const;
  std::size_t posts_seen() const;

  runtime::Loop& loop_;
  std::unique_ptr<runtime::Stream> stream_;
  Scene& scene_;
  std::size_t visit_;
  std::function<void()> over_;
  runtime::Timer tick_;
  std::vector<std::uint8_t> in_, out_;
  mqtt::ProtocolVersion version_ = mqtt::ProtocolVersion::v311;
  bool chosen_ = false;  ///< TLS or plain is decided
  bool is_over_ = false;
  bool can_be_commanded_ = false;
  Instant login_at_{}, ended_at_{};
  std::optional<Instant> withheld_at_;
  std::optional<Command> command_;
  Instant command_at_{};
  std::uint16_t command_packet_ = 0, next_packet_ = 0;
};

}  // namespace tercet::cli::advise
