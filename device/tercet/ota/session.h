#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "tercet/alink/topic.h"
#include "tercet/device/client.h"
#include "tercet/ota/session_source.h"
#include "tercet/ota/updater.h"

namespace tercet::ota {

/// Updates over a Device's connection: subscribes, hands offers to the updater of their module, speaks for all of them.
/// Needs room for kFilters subscriptions (DeviceBuffers' kUserFilters). The client's task only; nothing is allocated.
///
///   Device device(…);  ota::Session session(device);  SessionSource blocks(session);
///   Updater updater(slot, boot, store, sources, session, {.version = "1.0.0"});
///   session.start(id, updaters, &blocks, now);      // after Device::start()
///   session.on_message(topic, payload, now);        // from DeviceEvents::on_message
///   session.run(now);                               // after each Device::run(), and at next_deadline()
class Session final : public Uplink {
 public:
  static constexpr std::size_t kFilters = 3;
  static constexpr std::size_t kMaxUpdaters = 32;

  explicit Session(device::Device& device) : device_(device) {}
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Starts the updaters too. All outlive the session; blocks may be null: then nothing is fetched over the session.
  /// Errors: bad_argument, more than kMaxUpdaters; too_large, the topics; those of Device::subscribe().
  Result<void> start(const DeviceId& id, std::span<Updater* const> updaters, SessionSource* blocks, Instant now);
  /// true: the message was for us.
  bool on_message(std::string_view topic, Bytes payload, Instant now);
  void run(Instant now);
  Instant next_deadline() const;
  bool wants_restart() const;

  Result<void> send(Channel channel, Bytes payload) override;
  std::uint32_t next_id() override { return ++last_id_; }

 private:
  void on_offer(std::string_view payload, bool is_push, Instant now);
  void refuse(const Offer& offer);
  bool is_any_busy(const Updater* but) const;

  device::Device& device_;
  DeviceId id_;
  std::span<Updater* const> updaters_;
  SessionSource* blocks_ = nullptr;
  std::array<alink::TopicName, kFilters> filters_;
  std::array<std::uint8_t, kOfferScratch> scratch_;
  std::uint32_t put_off_ = 0;  ///< bits of updaters whose offer came while another was busy
  std::uint32_t last_id_ = 0;
  bool was_online_ = false;
};

}  // namespace tercet::ota
