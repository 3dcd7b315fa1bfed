#pragma once
#include <functional>
#include <memory>

#include "platform/broker/ingress.h"
#include "platform/broker/refusal.h"
#include "platform/registry/directory.h"
#include "platform/registry/file_links.h"
#include "platform/registry/login.h"
#include "platform/registry/records.h"
#include "platform/runtime/loop.h"
#include "platform/script/scripts.h"
#include "platform/store/stream_store.h"
#include "platform/thing/file_message.h"
#include "platform/thing/gateway_message.h"
#include "platform/thing/job_message.h"
#include "platform/thing/outlet.h"
#include "platform/thing/sub_devices.h"
#include "platform/thing/tag_message.h"
#include "platform/thing/things.h"
#include "platform/thing/upgrade_message.h"
#include "tercet/base/result.h"

namespace tercet::thing {

/// The limits and patience of the thing module; the documented ones by default.
struct Settings {
  std::size_t max_properties = 200;            ///< per post (6106) and per set
  std::size_t max_batch_events = 20;           ///< per batch post (6356)
  std::size_t max_history_samples = 2000;      ///< per history post, properties and events together (460)
  Millis max_future = std::chrono::hours{24};  ///< how far ahead of the server a `time` may be (6326)
  Millis set_timeout = Seconds{30};
  std::size_t max_pending_sets = 10'000;           ///< per shard; and as many calls
  Millis sync_timeout{8'000};                      ///< of a synchronous service
  Millis service_timeout = std::chrono::hours{1};  ///< then an asynchronous call stays without an answer
  std::size_t max_changes_per_group = 4096;        ///< told to Updates
  std::uint32_t sub_logins_per_second = 200;       ///< over one gateway (429)
  std::size_t max_sub_devices = 2000;              ///< logged in over one gateway (428)
  std::uint32_t uploads_per_second = 200;          ///< messages of one device about files (78127)
  std::uint32_t notes_per_minute = 6;              ///< journal entries per device about its messages
};

/// What a shard's thing module works with. All outlive it, and the store is closed before it is destroyed, so that no
/// completion comes late. The Directory is listened to and the loop's passes are attended: neither moves any
/// more once the ingress is gone.
struct Wiring {
  runtime::Loop& loop;
  store::StreamStore& store;
  registry::Directory& directory;
  broker::Journal& journal;
  const registry::FileLinks* files = nullptr;  ///< null, or not offered: there is no remote configuration (6713)
  /// Told what a device said to a push of its configuration; may be empty. On the shard.
  std::function<void(const registry::ConfigurationAnswer&)> configured = {};
  /// Told of what devices say about their firmware; empty: such messages are declined. On the shard.
  std::function<void(UpgradeMessage)> upgrades = {};
  Outlet* outlet = nullptr;  ///< of this shard; null: no application wants messages
  /// Told of what gateways ask about their topology, on the shard; false: it has no room now. Empty: such messages are
  /// declined.
  std::function<bool(GatewayMessage)> gateways = {};
  Neighbours* neighbours = nullptr;         ///< null: no sub-device can log in
  registry::LoginEvents* logins = nullptr;  ///< of this shard: told of sub-devices' logins; may be null
  script::Scripts* scripts = nullptr;       ///< of this shard; null: pass-through messages are declined
  /// Told of what devices say about their tags, on the shard; false: it has no room now. Empty: they are declined.
  std::function<bool(TagMessage)> tags = {};
  /// Told of what devices say about files that they upload, on the shard; false: it has no room now. Empty: they are
  /// declined.
  std::function<bool(FileMessage)> uploads = {};
  /// Told of what devices say about their jobs, and of their logins; empty: they are declined. On the shard.
  std::function<void(JobMessage)> jobs = {};
};

/// The messages of devices to system topics: validated, made durable, answered. One per shard, on its loop.
/// A message that changes something is answered, and acknowledged, after the commit that holds it; the mutations of a
/// pass are submitted once, at its end. Nothing a device sends closes its connection, but a QoS 1 message that the
/// store does not take does: it is answered 429 or 500 and not acknowledged.
class ThingIngress final : public broker::Ingress {
 public:
  ThingIngress(const Wiring& wiring, const Settings& settings);
  ~ThingIngress() override;

  /// The shard's broker. Before the first message.
  void attach(broker::Egress& egress);
  /// Reads last values and presences of the devices in the Directory. Blocking; once, before the first message.
  /// Errors: io_failed, malformed (a record of a newer version, or damaged).
  Result<void> load();
  Things& things();

  Taken on_message(const broker::Inbound& message) override;
  Taken on_custom(const broker::Inbound& message) override;
  void on_online(broker::SessionRef session, const broker::Identity& identity, std::uint64_t tag,
                 const runtime::Address& peer, std::string_view client_id) override;
  void on_offline(const broker::Identity& identity, std::uint64_t tag) override;
  void on_subscribed(std::uint64_t tag) override;
  void on_receipt(std::uint64_t tag, std::uint64_t receipt) override;
  bool on_stranger(const broker::Inbound& message) override;
  void on_ride_over(broker::SessionRef session, std::uint64_t tag, std::string_view name, broker::RideEnd why) override;
  /// For Neighbours.
  SubDeviceHome& sub_devices();

 private:
  class Shard;
  std::unique_ptr<Shard> shard_;
};

}  // namespace tercet::thing
