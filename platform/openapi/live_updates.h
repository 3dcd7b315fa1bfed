#pragma once
#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "platform/openapi/fleet.h"
#include "platform/openapi/http.h"
#include "platform/registry/journal_store.h"

namespace tercet::openapi {

/// What has changed about one device since it was last told.
struct DeviceUpdate {
  std::string product, name;
  std::optional<bool> online;
  UnixMillis since{};  ///< of `online`
  struct Value {
    std::string text;  ///< as the OpenAPI shows it
    UnixMillis time;
  };
  std::map<std::string, Value> values;
  bool has_events = false;  ///< it posted events: a page that shows them asks for them
  void merge(const DeviceUpdate& newer);
};
using DeviceUpdates = std::unordered_map<std::uint64_t, DeviceUpdate>;

/// Gathers one shard's changes and posts them to the management loop a few times a second. Shard's thread. Bounded:
/// changes of more devices than kMostDevices in one interval are left out, and the page is told to ask again.
class ShardUpdates final : public thing::Updates {
 public:
  static constexpr std::size_t kMostDevices = 2000;
  static constexpr std::size_t kMostBytes = 4 * 1024 * 1024;  ///< of values in one interval
  static constexpr std::size_t kMostValueBytes = 32 * 1024;   ///< a larger one is left out
  static constexpr Millis kInterval{200};
  /// Gives the changes; false when they could not be handed over: they are then kept for the next interval.
  using Give = std::function<bool(std::shared_ptr<const DeviceUpdates> updates, bool left_out)>;
  ShardUpdates(runtime::Loop& shard, Give give);
  /// After this it may be destroyed on any thread, until it is told of changes again.
  void stop();

  void on_values(std::uint64_t device, std::string_view product, std::string_view name,
                 std::span<const thing::Change> changes) override;
  void on_presence(std::uint64_t device, std::string_view product, std::string_view name,
                   const thing::Presence& presence) override;
  void on_event(std::uint64_t device, std::string_view product, std::string_view name,
                const thing::Change& event) override;
  void on_left_out(std::size_t changes) override;

 private:
  DeviceUpdate* touch(std::uint64_t device, std::string_view product, std::string_view name);
  void give();
  runtime::Loop& shard_;
  Give give_;
  runtime::Timer timer_;
  std::shared_ptr<DeviceUpdates> pending_;
  std::size_t bytes_ = 0;
  bool left_out_ = false;
};

/// The page's server-sent events. Every reader gets what changed of the devices it watches, coalesced: at most one
/// event an interval, only when it has taken the last one, the newest values only. Shards are asked for changes only
/// while somebody reads. Management loop; may be destroyed while the shards run.
///
/// Event "update":
/// {"Devices":[{"ProductKey","DeviceName","Online"?,"Timestamp"?,"Values":[{"Identifier","Value","Time"}]}],
/// "Refusals":[names],"Resync":bool}. Resync: something was left out; ask for the whole state again.
class LiveUpdates {
 public:
  static constexpr std::size_t kMostReaders = 100;
  static constexpr std::size_t kMostPending = 2000;                  ///< devices of one slow reader; then Resync
  static constexpr std::size_t kMostPendingBytes = 2 * 1024 * 1024;  ///< of one slow reader's values; then Resync
  static constexpr std::size_t kDevicesPerEvent = 200;
  static constexpr std::size_t kValueBytesPerEvent = 64 * 1024;  ///< and one value more; the rest is in the next event
  static constexpr Millis kInterval{250};

  LiveUpdates(runtime::Loop& loop, Fleet& fleet, registry::JournalStore& journal);
  ~LiveUpdates();
  LiveUpdates(const LiveUpdates&) = delete;
  LiveUpdates& operator=(const LiveUpdates&) = delete;

  /// `lives` says whether the session of that hash has not ended; without it, streams end with close_session() only.
  void use_sessions(std::function<bool(const std::string& session_hash)> lives) { lives_ = std::move(lives); }
  /// Product and name "" = the whole fleet. `session`: the hash of whose stream it is. False: too many readers.
  bool may_add() const { return readers_.size() < kMostReaders; }
  void add(EventStream stream, std::string product, std::string name, std::string session);
  void close_session(std::string_view session);
  std::size_t reader_count() const { return readers_.size(); }
  /// Shards that have been told to gather changes.
  std::size_t gathering_count() const { return static_cast<std::size_t>(std::count(told_.begin(), told_.end(), true)); }

 private:
  struct Reader {
    EventStream stream;
    std::string product, name, session;
    DeviceUpdates pending;
    std::size_t pending_bytes = 0;  ///< about what `pending` holds
    std::vector<std::string> refusals;
    bool resync = false;
    bool wants(std::string_view device_product, std::string_view device_name) const;
    bool has_news() const { return !pending.empty() || !refusals.empty() || resync; }
  };
  void take(const DeviceUpdates& updates, bool left_out);
  void on_refusal(const registry::JournalEntry& entry);
  void flush();
  void send(Reader& reader);
  bool listen(bool on);

  runtime::Loop& loop_;
  Fleet& fleet_;
  runtime::Timer timer_;
  std::vector<std::shared_ptr<ShardUpdates>> shards_;  ///< each kept by its shard until it has stopped listening
  std::vector<Reader> readers_;
  std::shared_ptr<LiveUpdates*> self_;  ///< empties when this is destroyed; for tasks that are still on their way
  std::vector<bool> told_;              ///< of each shard: whether it has been told to gather changes
  std::function<bool(const std::string&)> lives_;
};

}  // namespace tercet::openapi
