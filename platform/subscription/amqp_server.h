#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "platform/runtime/loop.h"
#include "platform/store/stream_store.h"
#include "platform/subscription/amqp_connection.h"
#include "platform/subscription/amqp_message.h"
#include "platform/subscription/backlog.h"
#include "platform/subscription/consumer_login.h"
#include "tercet/auth/cause.h"

namespace tercet::subscription {

/// How a group is doing: QueryConsumerGroupStatus.
struct GroupStatus {
  struct Client {
    std::string client_id, peer;
    UnixMillis online_since{};
    std::uint64_t fresh_per_minute = 0, old_per_minute = 0;
  };
  std::vector<Client> clients;
  std::uint64_t fresh_per_minute = 0;  ///< accepted within the last minute, not ten seconds after they were made
  std::uint64_t old_per_minute = 0;    ///< and later ones: from the backlog
  UnixMillis last_accepted{};          ///< 0: never since the start
  Backlog::Counts counts;
  std::size_t in_flight = 0;
};

/// What happened in a minute and in the one before it.
class PerMinute {
 public:
  void add(std::int64_t now_ms);
  /// In the sixty seconds before `now_ms`, taking the last minute's as evenly spread.
  std::uint64_t of(std::int64_t now_ms) const;

 private:
  std::int64_t minute_ = 0;
  std::uint64_t current_ = 0, previous_ = 0;
};

/// The AMQP 1.0 port: consumers log in, and get the messages of their group, each message one of them. A group's
/// backlog is read when somebody has room. Everything on its loop, but wake().
class AmqpServer final : AmqpEvents {
 public:
  /// Why a consumer was not let in, or sent away: for the log and the journal.
  struct Refused {
    auth::Cause cause = auth::Cause::internal;
    std::string evidence;
  };
  /// destination 0: not let in, and why.
  struct Verdict {
    std::uint64_t destination = 0;
    Refused refused;
  };
  struct Wiring {
    runtime::Loop& loop;
    store::StreamStore& store;
    std::uint16_t shards = 1;
    /// Whether a consumer may come in; then(verdict) on this loop, once.
    std::function<void(ConsumerLogin login, std::string password, std::function<void(Verdict)> then)> authenticate;
    std::function<void(std::uint64_t destination, std::uint16_t shard, std::uint64_t records, std::uint64_t bytes)>
        drained;
    /// A consumer was not let in, or sent away: its address, its client id and group ("" when unknown) and why.
    std::function<void(const runtime::Address& peer, const std::string& client_id, const std::string& group,
                       const Refused& why)>
        refused;
    BacklogSettings backlog = {};
    AmqpLimits limits = {};
    std::size_t most_connections = 1'000;
    std::size_t consumers_of_group = 64;    ///< documented
    std::size_t connects_per_minute = 100;  ///< of a group; documented
  };
  explicit AmqpServer(Wiring wiring);
  ~AmqpServer();
  AmqpServer(const AmqpServer&) = delete;
  AmqpServer& operator=(const AmqpServer&) = delete;

  void accept(std::unique_ptr<runtime::Stream> stream);

  /// The tag of a rule's action that sends to a group: a text, or `${member}` of the result.
  struct RuleTag {
    std::uint64_t rule, destination;
    std::string text;
  };
  /// The groups there are, by destination; consumers of others are sent away.
  void use(const std::vector<std::uint64_t>& destinations, std::vector<RuleTag> tags);
  /// There is something new for a group.
  void wake(std::uint64_t destination);

  GroupStatus status(std::uint64_t destination) const;
  /// Drops a group's backlog; then(records), at once for an unknown one.
  void clear(std::uint64_t destination, std::function<void(std::uint64_t)> then);
  /// Says goodbye to everybody, and takes nobody any more.
  void shut_down();

  struct Counters {
    std::uint64_t accepted = 0;   ///< connections
    std::uint64_t refused = 0;    ///< logins
    std::uint64_t delivered = 0;  ///< messages that consumers have accepted
    std::uint64_t redelivered = 0, expired = 0;
    std::size_t consumers = 0;
  };
  Counters counters() const;

 private:
  struct Consumer {
    std::unique_ptr<AmqpConnection> connection;
    std::uint64_t destination = 0;  ///< 0: not logged in yet
    std::string client_id, group;
    UnixMillis since{};
    PerMinute fresh, old;
    bool is_dirty = false, is_refused = false;
  };
  struct GroupPart {
    std::unique_ptr<Backlog> backlog;
    std::vector<std::uint64_t> consumers;  ///< ids
    std::size_t turn = 0;
    PerMinute fresh, old;
    UnixMillis last_accepted{};
    std::int64_t connect_minute = 0;
    std::size_t connects = 0;
  };
  void on_login(AmqpConnection& connection, std::string_view user_name, std::string_view password) override;
  void on_credit(AmqpConnection& connection) override;
  void on_outcome(AmqpConnection& connection, std::uint64_t token, Outcome outcome) override;
  void on_refused(AmqpConnection& connection, auth::Cause cause, std::string_view evidence) override;
  void on_gone(AmqpConnection& connection, std::string_view cause) override;
  void decide(std::uint64_t id, const Verdict& verdict);
  void pump(std::uint64_t destination);
  void pump_soon(std::uint64_t destination);
  void tell(const Consumer& consumer, const Refused& why) const;
  void mark(Consumer& consumer);
  void flush();
  std::string tag_of(const rule::Queued& record, std::uint64_t destination) const;
  GroupPart* part(std::uint64_t destination);

  Wiring wiring_;
  MessageEncoder encoder_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Consumer>> consumers_;
  std::map<std::uint64_t, std::unique_ptr<GroupPart>> groups_;
  std::vector<RuleTag> tags_;
  std::vector<std::unique_ptr<Consumer>> graves_;
  std::vector<std::uint64_t> dirty_;
  std::unordered_set<std::uint64_t> due_;
  std::uint64_t ids_ = 0;
  Counters counters_;
  bool is_flushing_ = false, is_down_ = false;
  const std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

}  // namespace tercet::subscription
