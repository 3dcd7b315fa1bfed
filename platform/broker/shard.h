#pragma once
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/broker/broker.h"
#include "platform/broker/connection.h"
#include "platform/broker/link.h"
#include "platform/broker/message.h"
#include "platform/broker/output.h"
#include "platform/broker/retained.h"
#include "platform/broker/route.h"
#include "platform/broker/route_cache.h"
#include "platform/broker/session.h"
#include "platform/broker/subscription_tree.h"
#include "tercet/mqtt/decode.h"

namespace tercet::broker {

/// A stream on its way to its home shard, with what was read of it already.
struct Arrival {
  std::unique_ptr<runtime::Stream> stream;
  std::shared_ptr<const ListenerConfig> listener;
  std::vector<std::uint8_t> unread;
  std::string assigned_client_id;
  Instant connect_by;
};

/// Acknowledgements that wait for the store or for other shards.
class PendingAcks {
 public:
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;
  std::uint32_t open();
  void expect(std::uint32_t id) { ++waiting_[id].missing; }
  void set_token(std::uint32_t id, const AckToken& token) { waiting_[id].token = token; }
  const AckToken& token(std::uint32_t id) const { return waiting_[id].token; }
  std::uint32_t missing(std::uint32_t id) const { return waiting_[id].missing; }
  void set_confirm(std::uint32_t id, std::size_t shard, std::uint32_t remote_id);
  struct Settled {
    AckToken token;
    std::size_t confirm_to = 0;  ///< the shard to confirm to, when has_confirm
    std::uint32_t confirm_id = 0;
    bool has_confirm = false;
  };
  /// One of what was expected has happened. Gives what to answer when it was the last, and nothing was refused.
  std::optional<Settled> settle(std::uint32_t id);
  /// One of what was expected will never happen. Gives whom to tell, the first time.
  std::optional<Settled> refuse(std::uint32_t id);

 private:
  struct Waiting {
    AckToken token;
    std::uint32_t missing = 0;
    std::uint32_t confirm_id = 0;
    std::uint16_t confirm_to = 0;
    bool has_confirm = false;
    bool is_refused = false;
  };
  std::vector<Waiting> waiting_;
  std::vector<std::uint32_t> free_;
};

/// What a Broker is made of: everything of one shard that connections and sessions share, used on that shard's thread
/// only. By file: shard.cc start, passes, end of life; shard_session.cc login, absence, wills; shard_subscribe.cc
/// subscriptions; shard_route.cc from a publication to its receivers; shard_deliver.cc from a receiver to its output;
/// shard_sub_devices.cc gateways and sub-devices; shard_received.cc QoS 2 messages that clients have not released;
/// shard_retained.cc retained messages; shard_link.cc other shards; shard_store.cc what outlives the process;
/// shard_backlog.cc how that reaches the store.
class Shard {
 public:
  Shard(ShardBrokers& all, std::size_t index, Authenticator& authenticator, Journal& journal,
        store::StreamStore* store);
  ~Shard();
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  Result<void> start(Ingress& ingress);
  void shut_down();

  runtime::Loop& loop() { return *loop_; }
  const BrokerConfig& config() const { return all_.config(); }
  const Limits& limits_of(const Session& session) const {
    return session.is_device() ? config().cloud : config().standard;
  }
  Counters& counters() { return counters_; }
  BufferPool& pool() { return pool_; }
  MutableBytes read_buffer() { return read_buffer_; }
  std::vector<std::uint8_t>& scratch() { return scratch_; }
  Authenticator& authenticator() { return authenticator_; }
  Ingress& ingress() { return *ingress_; }
  SessionTable& sessions() { return sessions_; }
  void record(Refusal refusal) { journal_.record(std::move(refusal)); }
  std::size_t index() const { return index_; }
  std::size_t home_of(std::string_view key) const { return all_.home_of(key); }
  bool is_full() const { return all_.connections() > config().max_connections; }

  // --- connections (shard.cc) ---
  Result<runtime::Address> listen(std::shared_ptr<const ListenerConfig> listener);
  void accept(std::unique_ptr<runtime::Stream> stream, std::shared_ptr<const ListenerConfig> listener);
  void arrive(Arrival arrival);
  /// Moves a connection's stream to its home shard. False when that shard takes nothing now.
  bool move_home(Connection& connection, std::size_t home, Bytes unread);
  void mark_dirty(Connection& connection) { dirty_.push_back(&connection); }
  /// The connection is closed: it goes at the end of this pass.
  void bury(Connection& connection);
  /// Whether one more refusal may be delayed. If so it counts until delay_over().
  bool may_delay();
  void delay_over() { --delayed_; }
  /// Lets the peer read what was written last before the stream is closed.
  void linger(std::unique_ptr<runtime::Stream> stream);

  // --- sessions (shard_session.cc) ---
  struct Login {
    const mqtt::Connect& connect;
    const Verdict& verdict;
    std::uint16_t keep_alive = 0;
    std::uint32_t expiry_seconds = 0;
    std::uint16_t window = 0;
    Bytes will_properties{};  ///< those that are passed on
  };
  /// Counts a login against the rate of its identity; false: too often.
  bool may_log_in(const Identity& identity, std::uint32_t per_minute) {
    return per_minute == 0 || login_rates_.take(identity.key(), per_minute, loop_->now());
  }
  void log_in(Connection& connection, const Login& login, std::string_view client_id);
  /// The session's connection has gone.
  void left(Session& session, bool will_due);
  void disconnect(std::string_view key, bool forget);
  Session* find(std::string_view key) { return sessions_.find(key); }

  // --- subscriptions (shard_subscribe.cc) ---
  void subscribe(Connection& connection, const mqtt::Subscribe& packet);
  void unsubscribe(Connection& connection, const mqtt::Unsubscribe& packet);
  /// Whether a message of the platform for this session goes to it.
  bool is_wanted(const Session& session, std::string_view topic);

  // --- publications (shard_route.cc) ---
  /// Why a message could not be taken by all who are to have it: whoever published it must not be acknowledged.
  enum class Full : std::uint8_t { none, store_behind, store_lost, link };
  struct Published {
    std::uint32_t pending = PendingAcks::kNone;  ///< what an acknowledgement has to wait for
    Full full = Full::none;                      ///< if not none, there is to be none: turn_away(); QoS 1 and 2 only
  };
  /// Sends to every subscriber on every shard and retains if asked.
  Published publish(Route& route, const Publication& publication);
  /// Ends a connection whose message could not be taken, so that the client tries again.
  void turn_away(Connection& connection, Full why);
  void await(std::uint32_t pending, const AckToken& token) { pending_.set_token(pending, token); }
  /// The platform speaks to one session, outside of any publication.
  bool send_for_receipt(Session& session, std::string_view topic, Bytes payload, std::uint64_t receipt);
  bool awaits_receipt(const Session& session, std::uint64_t receipt) const;
  bool send_alone(Session& session, std::string_view topic, Bytes payload, std::uint8_t qos);
  void publish_own(std::string_view topic, Bytes payload, std::uint8_t qos, bool retain);

  // --- retained messages (shard_retained.cc) ---
  /// Why the publication may not be retained, with figures; nothing when it may.
  std::optional<std::string> retain_refusal(const Publication& publication) const {
    return publication.retain ? retained_.refusal(publication) : std::nullopt;
  }

  // --- QoS 2 from clients (shard_received.cc) ---
  /// A QoS 2 message has been published; `pending` is what its PUBREC waits for so far. Gives what it has to wait for.
  std::uint32_t note_received(Session& session, std::uint16_t packet_id, std::uint32_t pending);
  /// Whether a new QoS 2 message of this session may be taken: the store may have to keep its packet id.
  Full may_receive(const Session& session);
  /// Its PUBREL is here, for the first time. Gives what PUBCOMP has to wait for; until then the id is taken.
  std::uint32_t release_received(Session& session, Received& received);
  /// Whether PUBREC or PUBCOMP of this message still waits, for a connection that the session no longer has.
  bool waits_on_another_connection(const Session& session, const Received& received) const;

  // --- delivery (shard_deliver.cc) ---
  void on_ack(Connection& connection, const mqtt::Ack& ack);
  /// Sends what waits, then what is retained for it, as far as the window and the output allow.
  void pump(Session& session);
  /// Pumps this connection's session then, and lets it read on if it had to pause. Of two times the earlier holds.
  void pump_at(Connection& connection, Instant at);
  void acknowledge(const AckToken& token);
  void disconnect(const AckToken& token, Error why);

  // --- sub-devices (shard_sub_devices.cc) ---
  using SubDeviceLogin = Egress::SubDeviceLogin;
  void take_in(const SubDeviceLogin& login);
  bool admit(const SubDeviceLogin& login);
  bool log_out(SessionRef gateway, std::string_view name);
  void give_up(const Ride& ride, std::string_view name);
  void end_ride(std::string_view key, RideEnd why);
  /// A message that a gateway has published for its sub-device, on the gateway's shard.
  /// `token` is answered when the message is where it has to be; QoS 0 needs none.
  Full publish_for(const Session& gateway, std::string_view name, const Publication& publication,
                   const AckToken& token);
  /// How many subscriptions a session may have: as many again for each sub-device.
  static std::size_t most_subscriptions(const Session& session, const Limits& limits) {
    const std::size_t devices = session.sub_devices ? session.sub_devices->speaks_for.size() + 1 : 1;
    return limits.max_subscriptions * devices;
  }

  // --- other shards (shard_link.cc) ---
  void on_link(std::size_t from, std::string_view batch);

 private:
  friend class Broker;
  class Lingering;
  struct HeldSuback {
    std::uint64_t barrier = 0;
    SessionRef session;
    std::uint32_t connection_generation = 0;
    std::uint16_t packet_id = 0;
    std::string codes;
    std::vector<std::pair<std::string, Subscriber>> retained_for;  ///< filters whose retained messages come after it
  };
  struct Link {
    LinkBatch batch;
    /// Bytes posted that the other shard has not worked through. Its tasks may outlive this shard, so they share it.
    std::shared_ptr<runtime::SharedCount> unread = std::make_shared<runtime::SharedCount>();
    std::uint64_t reached = 0;  ///< the last of our barriers that it has come to
    std::size_t waiting() const { return batch.size() + unread->value(); }
  };
  struct PumpDue {
    Instant at;
    SessionRef session;
    static bool is_later(const PumpDue& a, const PumpDue& b) { return a.at > b.at; }
  };
  struct StorePiece {
    store::Mutations mutations;
    std::vector<std::uint32_t> waiting;  ///< acknowledgements that wait for them
  };

  void end_of_pass();
  void remember_listener(std::shared_ptr<const ListenerConfig> listener);
  std::shared_ptr<const ListenerConfig> shared(const ListenerConfig& listener) const;
  Connection& add(std::unique_ptr<runtime::Stream> stream, const ListenerConfig& listener);
  void flush_dirty();

  Session* take_over(Session* session, const Connection& by);
  void destroy(Session& session);
  void set_will(Session& session, const Login& login);
  void set_absent(Session& session, std::int64_t ends_ms, std::int64_t will_due_ms);
  static void absence_over(void* absence);
  void tend(Session& session);
  void publish_will(Session& session);
  void resume(Session& session);

  struct Granted {
    mqtt::ReasonCode reason = mqtt::ReasonCode::success;
    Node* node = nullptr;  ///< null when refused
    bool is_new = false;
    Subscriber subscriber{};
  };
  Granted subscribe_one(Session& session, Connection& connection, const mqtt::Subscription& wish,
                        std::uint32_t identifier);
  void answer_subscribe(Session& session, const HeldSuback& answer);
  void tell_receipt(Session& session, std::uint64_t sequence);
  bool give_up_implied(Session& session, std::string_view filter);
  struct Added {
    bool is_new = false;
    Node* node = nullptr;
  };
  Added add_subscription(Session& session, std::string_view filter, std::string_view group, Subscriber wish,
                         const Limits& limits);
  void remove_subscription(Session& session, std::size_t place);
  std::optional<std::size_t> find_subscription(const Session& session, const Node& node, const Group* group) const;
  void count_client(Node& node, const Group* group, const Subscriber& subscriber, int change);

  void retain(const Publication& publication);
  void put_retained(const Publication& publication, const RetainStamp& stamp);
  std::size_t retained_home(std::string_view topic) const;
  void retained_changed();
  static void on_retained_expiry(void* shard);
  void expire_retained();
  void start_retained(Session& session, std::string_view filter, const Subscriber& subscriber);
  void forget_retained(Session& session, std::string_view filter);
  void retained_sent(Session& session);
  void send_retained(Session& session);
  void send_retained_one(Session& session, const RetainedCursor& cursor, const RetainedMessages::Found& found);
  static void on_pumps_due(void* shard);
  void pump_due();

  /// The route as the tree has it now: this one, or that which all publishers of the topic share.
  const Route& current(Route& route) { return route.version == tree_.version() ? route : find_current(route); }
  const Route& find_current(Route& route);
  void resolve(Route& route);
  void add_target(Route& route, const Subscriber& subscriber, std::string_view addressee);
  void address(Route& route);
  void deliver_local(const Route& route, const Publication& publication, bool clients, bool devices);
  void deliver_to_groups(const Route& route, const Publication& publication);
  static const Subscriber* next_member(Group& group, bool devices);
  void deliver_to(const Subscriber& member, const Publication& publication);
  const Subscriber* choose_member(Group& group, std::size_t& remote);
  bool send(Session& session, std::string_view topic, Bytes payload, std::uint8_t qos);
  void forward(const Route& route, const Publication& publication);
  void forward_one(std::size_t shard, const Route& route, const Publication& publication);
  Route& cached_route(std::string_view topic);
  void need_wait() {
    if (waits_for_ == PendingAcks::kNone) waits_for_ = pending_.open();
    pending_.expect(waits_for_);
  }

  void deliver(const Target& target, const Publication& publication, const Route& route, std::size_t index);
  bool deliver_qos0(Session& session, const Publication& publication, bool retain,
                    std::span<const std::uint32_t> identifiers);
  bool deliver_assured(Session& session, const Publication& publication, std::uint8_t qos, bool retain,
                       std::span<const std::uint32_t> identifiers);
  void repeat(Session& session);
  void pump_queue(Session& session);
  void write_flight(Session& session, std::uint64_t sequence, bool dup);
  bool is_stale(const Session& session, const Message& message) const;
  bool is_queue_full(Session& session);
  const MessageRef& kept_copy(const Publication& publication);
  void forget_waiting(const Outflow::Flight& flight);
  void finish(Session& session, std::uint64_t sequence);

  bool has_links() const { return links_.size() > 1; }
  template <typename Each>
  void each_other(Each&& each) {
    for (std::size_t k = 0; k < links_.size(); ++k)
      if (k != index_) each(links_[k]);
  }
  bool has_room(const Link& link, std::uint8_t qos);
  bool may_retain(const Publication& publication);
  std::optional<std::uint32_t> confirmation(const Link& link, const Publication& publication, bool durable);
  void flush_links();
  std::uint64_t next_barrier();
  void reached(std::size_t from, std::uint64_t barrier);
  std::uint64_t reached_by_all() const;
  void linked_publish(std::size_t from, const LinkRecord& record);
  void linked_to_device(std::size_t from, const LinkRecord& record);
  void linked_filter(std::size_t from, const LinkRecord& record);
  void linked_retain(std::size_t from, const LinkRecord& record);
  void linked_group(std::size_t from, const LinkRecord& record);
  void confirm_later(std::size_t from, const LinkRecord& record);
  void settle(std::uint32_t pending);
  void refuse(std::uint32_t pending, Full why);
  Connection* connection_of(const AckToken& token);
  void close_ride(Session& session);
  void release_sub_devices(Session& gateway);
  void take_up(const Ride& ride, std::string_view key, const Publication& up, std::uint32_t waits);
  void linked_ride_up(std::size_t from, const LinkRecord& record);
  bool ride_down(const Ride& ride, std::string_view name, const Publication& publication);
  void ride_left(const Ride& ride, std::string_view name);
  void ride_over(const Ride& ride, std::string_view name, RideEnd why);
  bool send_over_gateway(const Session& session, std::string_view topic, Bytes payload);
  void deliver_to_sub_device(const Publication& publication);
  /// Stands for the generation of a connection in the token of a sub-device's message; its ticket is a PendingAcks id.
  static constexpr std::uint32_t kRides = 0xFFFFFFFF;
  /// Stands for the generation of a connection in a token that waits for a release to be stored.
  static constexpr std::uint32_t kReleases = 0;
  void release(Connection& connection, std::uint64_t sequence);
  bool release_stored(const AckToken& token);
  void store_release(Session& session, std::uint64_t sequence);
  bool received_settled(const AckToken& token, std::uint32_t pending);
  void received_refused(const AckToken& token, std::uint32_t pending);
  bool restore_received(std::string_view key, std::string_view value);
  void forget_received(const Session& session);

  Result<void> restore();
  bool restore_session(std::string_view key, std::string_view value);
  bool restore_message(std::string_view key, std::string_view value);
  bool restore_retained(std::string_view key, std::string_view value);
  void save(Session& session);
  void write_saved();
  void write_record(Session& session);
  void forget_saved(Session& session);
  void store_message(Session& session, std::uint64_t sequence);
  void wait_for_store();
  void erase_message(Session& session, std::uint64_t sequence);
  bool has_room_in_store() const {
    return !store_lost_ && backlog_bytes_ + mutations_.bytes() < config().max_unstored_bytes;
  }
  bool may_store();
  void begin_change();
  void flush_store();
  void close_piece();
  void submit();
  bool offer(const store::Mutations& mutations, std::vector<std::uint32_t>& waiting);
  void stored();
  void give_up_store();
  static void watch_store(void* shard);
  void retry_in(Millis delay);

  ShardBrokers& all_;
  const std::size_t index_;
  runtime::Loop* loop_;
  Authenticator& authenticator_;
  Journal& journal_;
  store::StreamStore* store_;
  Ingress* ingress_ = nullptr;
  Counters counters_;

  BufferPool pool_;
  PublishWriter writer_{pool_};
  std::vector<std::uint8_t> read_buffer_;
  std::vector<std::uint8_t> scratch_;
  std::vector<std::shared_ptr<const ListenerConfig>> listeners_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<std::unique_ptr<Connection>> graveyard_;
  std::vector<std::unique_ptr<Lingering>> lingering_;
  std::vector<Connection*> dirty_;
  std::size_t lingering_over_ = 0;
  std::size_t next_spread_ = 0;
  std::size_t delayed_ = 0;  ///< connections whose refusal is delayed
  bool stopping_ = false;

  SessionTable sessions_;
  NameRates login_rates_;
  SubscriptionTree tree_;
  RetainedMessages retained_;
  RetainStamp retain_clock_;  ///< the latest stamp seen
  runtime::Timer retained_timer_;
  std::vector<PumpDue> pumps_due_;  ///< a heap, the earliest first
  runtime::Timer pump_timer_;
  std::uint64_t route_seed_;
  std::uint32_t search_ = 0;   ///< number of the search under way, see Session::mark
  std::vector<Route> routes_;  ///< of topics that come from other shards or from the platform
  RouteCache crowded_;         ///< routes with many targets
  MessageRef kept_copy_;       ///< of the publication that is being delivered
  PendingAcks pending_;
  std::uint32_t waits_for_ = PendingAcks::kNone;  ///< of the publication that is being delivered
  Full full_ = Full::none;                        ///< the same

  std::vector<Link> links_;  ///< by shard; the own one is not used
  std::uint64_t barriers_ = 0;
  bool barrier_due_ = false;
  std::deque<HeldSuback> held_subacks_;
  runtime::Timer retry_;

  store::Mutations mutations_;                 ///< of this pass, or of its last part
  std::vector<SessionRef> unsaved_;            ///< sessions whose records have changed in this pass
  std::vector<std::uint32_t> stored_waiting_;  ///< acknowledgements that wait for them
  std::uint32_t expected_of_store_ = 0;        ///< how often the publication that is being delivered waits for it
  std::deque<StorePiece> backlog_;             ///< what the store has not taken yet, in order
  std::size_t backlog_bytes_ = 0;
  std::deque<std::vector<std::uint32_t>> submitted_;  ///< what waits for each submission that is not durable yet
  Instant submit_again_;
  runtime::Timer store_watch_;
  bool store_behind_ = false;  ///< so far that messages were refused
  bool store_lost_ = false;    ///< it has failed: nothing is stored or acknowledged any more
};

}  // namespace tercet::broker
