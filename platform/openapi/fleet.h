#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "platform/broker/counters.h"
#include "platform/registry/directory.h"
#include "platform/runtime/loop.h"
#include "platform/thing/things.h"

namespace tercet::openapi {

/// What one shard offers to the management thread. Every part is used on that shard's loop only.
struct FleetShard {
  thing::Things* things = nullptr;
  /// Publishes in the platform's own name (Broker::publish).
  std::function<void(std::string_view topic, Bytes payload, std::uint8_t qos)> publish;
  /// Empty in tests without a broker.
  std::function<broker::Counters()> counters;
};

/// A device as the shards know it.
struct DeviceKey {
  std::uint64_t number = 0;
  std::string product;
  std::string name;
};
inline DeviceKey key_of(const registry::Device& device) { return {device.number, device.product, device.name}; }

/// A command to a device: how it was taken and, of one that is waited for, how it ended.
struct Invocation {
  thing::SetTicket ticket;
  std::optional<thing::CallResult> result;  ///< when the ticket says it answers
};

struct ShardCounts {
  thing::Counts things;
  broker::Counters broker;
};

/// The devices, wherever their home shard is: asks by post, answers by post. Called on the management loop, where every
/// answer arrives, too. An answer of std::nullopt (false for bool) means that a shard's queue is full: say "busy", 503.
class Fleet {
 public:
  template <typename T>
  using Then = std::function<void(std::optional<T>)>;
  using Presences = std::unordered_map<std::uint64_t, thing::Presence>;  ///< devices never seen are left out
  using Summaries = std::unordered_map<std::uint64_t, thing::Summary>;   ///< devices without any state are left out

  /// One entry per shard. What it names outlives the loops' last task; the fleet itself need not.
  Fleet(runtime::Loop& management, runtime::Shards& shards, std::vector<FleetShard> parts);

  void presences(const std::vector<DeviceKey>& devices, Then<Presences> then);
  void latest_of(const std::vector<DeviceKey>& devices, Then<Summaries> then);
  void counts(Then<std::vector<ShardCounts>> then);
  void set_properties(const DeviceKey& device, std::string items, Then<thing::SetTicket> then);
  /// Calls a service; a synchronous one answers with its result, or when its time is over.
  void invoke_service(const DeviceKey& device, std::string identifier, std::string args, Then<Invocation> then);
  /// See Things::set_desired, clear_desired and desired.
  void set_desired(const DeviceKey& device, std::string items, std::string versions, Then<thing::DesiredResult> then);
  void log_upload(const DeviceKey& device, std::optional<bool> wanted, Then<thing::LogUpload> then);
  void clear_desired(const DeviceKey& device, std::vector<std::string> identifiers, Then<thing::DesiredResult> then);
  void desired(const DeviceKey& device, Then<std::vector<thing::Desired>> then);
  /// See Things::update_shadow and shadow.
  void update_shadow(const DeviceKey& device, std::string message, bool merges, Then<thing::ShadowResult> then);
  void shadow(const DeviceKey& device, Then<std::optional<std::string>> then);
  /// See Things::rrpc.
  void rrpc(const DeviceKey& device, std::string topic, std::string payload, Millis timeout, Then<Invocation> then);
  /// See Things::get_properties.
  void get_properties(const DeviceKey& device, std::vector<std::string> identifiers, Then<Invocation> then);
  /// A property set (service "") or a service call whose end is told as well: `taken` once, and when its ticket says
  /// that it was sent, later `ended` once.
  void execute(const DeviceKey& device, std::string service, std::string params,
               std::function<void(thing::SetTicket)> taken, std::function<void(thing::CallResult)> ended);
  /// To every device of the product that is online; gives how many that are.
  void broadcast(const std::string& product, std::string id, std::string payload, Then<std::size_t> then);
  /// In the platform's own name, to whoever subscribes. False: busy.
  bool publish(std::string topic, std::string payload, std::uint8_t qos);
  bool publish(const DeviceKey& device, std::string topic, std::string payload, std::uint8_t qos);
  /// To one device, if it is online and listens.
  void send(const DeviceKey& device, std::string topic, std::string payload, std::uint8_t qos,
            std::function<void(thing::Delivery)> then);
  /// Hands a message to rules and subscriptions (Things::tell_applications), in order. While a shard has no room they
  /// wait; beyond kMostUntold the oldest is lost.
  static constexpr std::size_t kMostUntold = 100'000;
  void tell_applications(thing::Announcement message);
  /// Tells every device of the product that is online of its configuration; gives how many it was sent to.
  void push_configuration(const std::string& product, Then<std::size_t> then);
  /// Hands a compiled model to every shard; a shard that misses it compiles for itself.
  void put_model(std::string product, std::uint64_t version, std::shared_ptr<const thing::Model> model);
  /// Runs on that shard; false: its queue is full.
  bool on_shard(std::size_t shard, std::function<void(thing::Things&)> run);
  runtime::Loop& shard_loop(std::size_t shard) { return shards_.loop(shard); }
  std::size_t shard_count() const { return parts_->size(); }

 private:
  using OnResult = std::function<void(const thing::CallResult&)>;
  using Start = std::function<thing::SetTicket(thing::Things&, OnResult)>;
  void to_devices(std::function<void(thing::Things&, std::function<void(std::size_t)>)> run, Then<std::size_t> then);
  void call(const DeviceKey& device, Start start, Then<Invocation> then);
  template <typename T>
  void ask(const DeviceKey& device, std::function<void(thing::Things&, std::function<void(const T&)>)> run,
           Then<T> then);
  void tell_rest();
  std::size_t home(const DeviceKey& device) const;
  std::vector<std::vector<std::uint64_t>> by_shard(const std::vector<DeviceKey>& devices) const;

  runtime::Loop& management_;
  runtime::Shards& shards_;
  std::shared_ptr<const std::vector<FleetShard>> parts_;  ///< shared with the tasks that are on their way
  std::deque<thing::Announcement> untold_;
  runtime::Timer tell_again_;
};

}  // namespace tercet::openapi
