#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "platform/broker/broker.h"
#include "platform/broker/permission.h"
#include "platform/broker/rate.h"

namespace tercet::broker {

/// Messages of devices that keep no connection, each answered by itself: what comes over HTTPS. One per shard, on its
/// thread. Stands between the Ingress and the broker: to the Ingress a visit looks like a session of its own, and what
/// it sends there becomes the visit's answer; everything else goes on to the broker.
class Visits final : public Egress {
 public:
  struct Settings {
    TopicLimits topics;
    std::uint32_t per_second = 0;  ///< messages of one device; 0: no limit
    std::size_t at_a_time = 4096;  ///< beyond, too_many
    Seconds patience{30};          ///< for the Ingress; then not_kept
  };
  Visits(Broker& broker, runtime::Loop& loop, Journal& journal, const Settings& settings);
  /// Before the first post().
  void start(Ingress& ingress) { ingress_ = &ingress; }

  struct Answer {
    enum class Kind : std::uint8_t {
      kept,      ///< on disk, or handed to whoever subscribes
      refused,   ///< the device may not publish there; it is in the journal
      too_many,  ///< over its rate
      not_kept,  ///< the store takes nothing now
    } kind = Kind::not_kept;
    std::string reply;  ///< what the platform would have sent to the `_reply` topic; "" without one
  };
  struct Message {
    const Identity& device;
    std::uint64_t tag;  ///< Verdict::tag
    std::string_view topic;
    Bytes payload;
    runtime::Address peer;
  };
  /// `done` runs once, on this thread, when the message is durable; may run inside.
  void post(const Message& message, std::function<void(Answer)> done);

  // Egress
  void acknowledge(const AckToken& token) override;
  void disconnect(const AckToken& token, Error why) override;
  bool send(SessionRef session, std::string_view topic, Bytes payload, std::uint8_t qos) override;
  bool send_to(std::string_view identity_key, std::string_view topic, Bytes payload, std::uint8_t qos) override {
    return broker_.send_to(identity_key, topic, payload, qos);
  }
  bool send_for_receipt(std::string_view identity_key, std::string_view topic, Bytes payload,
                        std::uint64_t receipt) override {
    return broker_.send_for_receipt(identity_key, topic, payload, receipt);
  }
  bool awaits_receipt(std::string_view identity_key, std::uint64_t receipt) const override {
    return broker_.awaits_receipt(identity_key, receipt);
  }
  void disconnect(std::string_view identity_key, bool forget) override { broker_.disconnect(identity_key, forget); }
  bool is_online(std::string_view identity_key) const override { return broker_.is_online(identity_key); }
  void take_in(const SubDeviceLogin& login) override { broker_.take_in(login); }
  bool admit(const SubDeviceLogin& login) override { return broker_.admit(login); }
  bool log_out(SessionRef gateway, std::string_view name) override { return broker_.log_out(gateway, name); }
  void give_up(const Ride& ride, std::string_view name) override { broker_.give_up(ride, name); }
  void end_ride(std::string_view identity_key, RideEnd why) override { broker_.end_ride(identity_key, why); }
  bool speaks_for(SessionRef gateway, std::string_view name) const override {
    return broker_.speaks_for(gateway, name);
  }
  std::size_t sub_devices(SessionRef gateway) const override { return broker_.sub_devices(gateway); }
  std::optional<runtime::Address> address_of(SessionRef session) const override { return broker_.address_of(session); }

 private:
  struct Visit {
    std::uint32_t generation = 0;
    bool is_open = false, is_over = false;
    Instant until;
    Answer answer;
    std::function<void(Answer)> done;
  };
  static void on_timer(void* self) { static_cast<Visits*>(self)->finish(); }
  Visit* find(SessionRef session);
  bool rate_allows(const Message& message);
  void note(const Message& message, auth::Cause cause, std::string_view evidence);
  void end(Visit& visit, Answer::Kind kind);
  void finish();

  Broker& broker_;
  runtime::Loop& loop_;
  Journal& journal_;
  Settings settings_;
  Ingress* ingress_ = nullptr;
  std::vector<Visit> visits_;
  std::vector<std::uint32_t> free_;
  std::unordered_map<std::uint64_t, Rate> rates_;  ///< by tag
  runtime::Timer timer_;
};

}  // namespace tercet::broker
