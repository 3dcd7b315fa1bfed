#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "tercet/base/bytes.h"
#include "tercet/base/fixed_string.h"
#include "tercet/base/time.h"
#include "tercet/mqtt/decode.h"

namespace tercet::fake {

/// The other end of a fake connection: as much of a platform as a device needs, with knobs for everything that can go
/// wrong. It answers at once and allocates nothing.
class Platform {
 public:
  // Knobs; change them at any time.
  mqtt::ReasonCode connack = mqtt::ReasonCode::success;
  bool answers_connect = true;
  bool answers_subscribe = true;
  std::string_view refuses_filter_ending = {};  ///< SUBACK 0x80 for filters that end so
  bool acknowledges = true;                     ///< PUBACK
  bool answers_posts = true;                    ///< `_reply`
  std::int32_t reply_code = 200;
  bool answers_ntp = true;
  bool answers_pings = true;
  bool keeps_sessions = true;
  UnixMillis wall{1'800'000'000'000};  ///< what its NTP answers

  // What it has seen.
  std::uint32_t connects = 0, subscribes = 0, posts_received = 0, events_received = 0, pings = 0, disconnects = 0;
  FixedString<256> client_id, user_name, password;
  bool clean_session = false;
  Seconds keep_alive{0};
  std::uint32_t batches_received = 0, config_gets = 0;
  FixedString<1024> last_post, last_set_reply, last_event, last_batch, last_config_reply;
  FixedString<512> last_desired_get, last_desired_delete, last_shadow;
  FixedString<256> last_answer_topic;  ///< of services and RRPC
  FixedString<1024> last_answer;

  /// Sends a property set down: `params` is JSON. QoS 1.
  void push_set(std::string_view id, std::string_view params);
  void push(std::string_view topic, std::string_view payload, mqtt::Qos qos);

  // For Transport.
  void connected();
  void receive(Bytes bytes);
  Bytes waiting() const { return {out_.data() + sent_, out_end_ - sent_}; }
  void taken(std::size_t bytes);
  bool hung_up() const { return hung_up_; }
  void hang_up() { hung_up_ = true; }

 protected:
  ~Platform() = default;
  /// Each property post and each batch post, for who wants them all.
  virtual void on_post(std::string_view payload) { static_cast<void>(payload); }
  /// Everything the device publishes.
  virtual void on_any(std::string_view topic, std::string_view payload) {
    static_cast<void>(topic), static_cast<void>(payload);
  }

 private:
  void handle(const mqtt::Frame& frame);
  void on_connect(const mqtt::Frame& frame);
  void on_subscribe(const mqtt::Frame& frame);
  void on_publish(const mqtt::Frame& frame);
  void answer_post(std::string_view topic, std::string_view payload);
  void answer_ntp(std::string_view topic, std::string_view payload);
  MutableBytes room();

  std::array<std::uint8_t, 8192> in_{}, out_{};
  std::size_t in_end_ = 0, out_end_ = 0, sent_ = 0;
  std::uint16_t next_packet_id_ = 1;
  bool has_session_ = false;
  bool hung_up_ = false;
};

}  // namespace tercet::fake
