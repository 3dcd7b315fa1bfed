#include "platform/broker/shard.h"

#include <algorithm>

#include "tercet/mqtt/reason.h"

namespace tercet::broker {
namespace {

constexpr std::size_t kSpareConnections = 64;  // beyond the limit, to be told so
constexpr std::size_t kRouteCache = 1024;

}  // namespace

/// A stream whose peer is to read our last words before it is closed. What it still sends is thrown away.
class Shard::Lingering final : public runtime::StreamEvents {
 public:
  Lingering(Shard& shard, std::unique_ptr<runtime::Stream> stream)
      : shard_(shard), stream_(std::move(stream)), timer_(&Lingering::on_timer, this) {
    timer_.set(shard.loop(), shard.loop().now() + shard.config().linger);
    shard.loop().attach(*stream_, *this);
  }
  ~Lingering() { close(); }
  Lingering(const Lingering&) = delete;
  Lingering& operator=(const Lingering&) = delete;

  void on_readable() override {
    const auto io = stream_->read(shard_.read_buffer());
    if (io.state == runtime::Io::State::closed || io.state == runtime::Io::State::failed) close();
  }
  void on_writable() override {}
  bool is_over() const { return stream_ == nullptr; }

 private:
  static void on_timer(void* self) { static_cast<Lingering*>(self)->close(); }
  void close() {
    if (!stream_) return;
    shard_.loop().detach(*stream_);
    stream_.reset();
    timer_.cancel();
    ++shard_.lingering_over_;
  }
  Shard& shard_;
  std::unique_ptr<runtime::Stream> stream_;
  runtime::Timer timer_;
};

Shard::Shard(ShardBrokers& all, std::size_t index, Authenticator& authenticator, Journal& journal,
             store::StreamStore* store)
    : all_(all),
      index_(index),
      loop_(&all.shards().loop(index)),
      authenticator_(authenticator),
      journal_(journal),
      store_(store),
      read_buffer_(std::max<std::size_t>(all.config().read_buffer_bytes, 64 * 1024)),
      sessions_(loop_->random().next()),
      login_rates_(loop_->random().next()),
      tree_(loop_->random().next()),
      retained_({.messages = all.config().max_retained_messages,
                 .bytes = all.config().max_retained_bytes,
                 .message_bytes = all.config().max_retained_message_bytes}),
      retained_timer_(&Shard::on_retained_expiry, this),
      pump_timer_(&Shard::on_pumps_due, this),
      route_seed_(loop_->random().next()),
      routes_(kRouteCache),
      crowded_(route_seed_),
      links_(all.count()),
      retry_([](void* self) { static_cast<Shard*>(self)->retry_.cancel(); }, this),
      store_watch_(&Shard::watch_store, this) {}

Shard::~Shard() {
  // Without a word: whoever wants goodbyes has called shut_down().
  lingering_.clear();
  graveyard_.clear();
  connections_.clear();
}

Result<void> Shard::start(Ingress& ingress) {
  ingress_ = &ingress;
  loop_->each_pass([this] { end_of_pass(); });
  if (store_ == nullptr) return {};
  if (const auto restored = restore(); !restored) return restored;
  // The other shards are to know these sessions before they read the first packet: what is posted before a loop runs
  // comes first in its first pass.
  if (has_links()) flush_links();
  return {};
}

void Shard::shut_down() {
  stopping_ = true;
  loop_->stop_listening();
  while (!connections_.empty()) connections_.back()->end(mqtt::ReasonCode::server_shutting_down, false);
  end_of_pass();
  lingering_.clear();
}

// --- connections ---

Result<runtime::Address> Shard::listen(std::shared_ptr<const ListenerConfig> listener) {
  auto bound = std::make_shared<ListenerConfig>(*listener);  // knows its port, once there is one
  const auto address = loop_->listen(
      listener->address, [this, bound](std::unique_ptr<runtime::Stream> stream) { accept(std::move(stream), bound); });
  if (address) bound->address = *address;
  return address;
}

void Shard::accept(std::unique_ptr<runtime::Stream> stream, std::shared_ptr<const ListenerConfig> listener) {
  if (stopping_) return;
  Arrival arrival{.stream = std::move(stream),
                  .listener = std::move(listener),
                  .unread = {},
                  .assigned_client_id = {},
                  .connect_by = loop_->now() + config().connect_timeout};
  const std::size_t shard = arrival.listener->spread ? next_spread_++ % all_.count() : index_;
  if (shard == index_) return arrive(std::move(arrival));
  Shard& there = *all_.at(shard).shard_;
  there.loop().post([&there, arrived = std::move(arrival)]() mutable { there.arrive(std::move(arrived)); });
}

void Shard::arrive(Arrival arrival) {
  const bool is_new = arrival.unread.empty();
  if (is_new) ++counters_.accepted;
  if (stopping_ || all_.connections() >= config().max_connections + kSpareConnections) return;
  if (arrival.listener->mode == PortMode::tls && !arrival.stream->is_tls()) {
    auto secured = arrival.listener->secure(std::move(arrival.stream), {});
    if (!secured) return;
    arrival.stream = std::move(*secured);
  }
  Connection& connection = add(std::move(arrival.stream), *arrival.listener);
  remember_listener(std::move(arrival.listener));
  // An arrival's clock may differ from ours by a pass.
  connection.begin(std::max(arrival.connect_by, loop_->now()), arrival.unread, arrival.assigned_client_id);
}

Connection& Shard::add(std::unique_ptr<runtime::Stream> stream, const ListenerConfig& listener) {
  connections_.push_back(std::make_unique<Connection>(*this, std::move(stream), listener));
  connections_.back()->place_ = static_cast<std::uint32_t>(connections_.size() - 1);
  ++counters_.connections;
  all_.connections_.add();
  return *connections_.back();
}

void Shard::remember_listener(std::shared_ptr<const ListenerConfig> listener) {
  const auto found = std::find(listeners_.begin(), listeners_.end(), listener);
  if (found == listeners_.end()) listeners_.push_back(std::move(listener));
}

std::shared_ptr<const ListenerConfig> Shard::shared(const ListenerConfig& listener) const {
  for (const auto& each : listeners_)
    if (each.get() == &listener) return each;
  return nullptr;
}

bool Shard::move_home(Connection& connection, std::size_t home, Bytes unread) {
  loop_->detach(*connection.stream_);
  connection.attached_ = false;
  Arrival arrival{.stream = std::move(connection.stream_),
                  .listener = shared(*connection.listener_),
                  .unread = {unread.begin(), unread.end()},
                  .assigned_client_id = connection.extras_ ? connection.extras_->assigned_client_id : std::string{},
                  .connect_by = connection.timer_.at()};
  connection.timer_.cancel();  // it may be due in this very pass
  Shard& there = *all_.at(home).shard_;
  return there.loop().post([&there, arrived = std::move(arrival)]() mutable { there.arrive(std::move(arrived)); });
}

void Shard::bury(Connection& connection) {
  const std::size_t place = connection.place_;
  graveyard_.push_back(std::move(connections_[place]));
  if (place + 1 < connections_.size()) {
    connections_[place] = std::move(connections_.back());
    connections_[place]->place_ = static_cast<std::uint32_t>(place);
  }
  connections_.pop_back();
  --counters_.connections;
  all_.connections_.remove();
}

bool Shard::may_delay() {
  if (delayed_ >= config().max_delayed_refusals) return false;
  ++delayed_;
  return true;
}

void Shard::linger(std::unique_ptr<runtime::Stream> stream) {
  lingering_.push_back(std::make_unique<Lingering>(*this, std::move(stream)));
}

// --- passes ---

void Shard::end_of_pass() {
  if (has_links()) flush_links();
  if (store_ != nullptr) flush_store();
  while (!dirty_.empty()) {
    flush_dirty();
    if (has_links()) flush_links();  // a connection that broke while being written to has left a will
    if (store_ != nullptr) flush_store();
  }
  if (!graveyard_.empty()) graveyard_.clear();
  if (lingering_over_ > 0) {
    std::erase_if(lingering_, [](const auto& each) { return each->is_over(); });
    lingering_over_ = 0;
  }
}

void Shard::flush_dirty() {
  for (std::size_t i = 0; i < dirty_.size(); ++i) dirty_[i]->flush();
  dirty_.clear();
}

// --- acknowledgements that wait ---

std::uint32_t PendingAcks::open() {
  if (free_.empty()) {
    waiting_.emplace_back();
    return static_cast<std::uint32_t>(waiting_.size() - 1);
  }
  const std::uint32_t id = free_.back();
  free_.pop_back();
  waiting_[id] = Waiting{};
  return id;
}

void PendingAcks::set_confirm(std::uint32_t id, std::size_t shard, std::uint32_t remote_id) {
  Waiting& waiting = waiting_[id];
  waiting.has_confirm = true;
  waiting.confirm_to = static_cast<std::uint16_t>(shard);
  waiting.confirm_id = remote_id;
}

std::optional<PendingAcks::Settled> PendingAcks::settle(std::uint32_t id) {
  Waiting& waiting = waiting_[id];
  if (--waiting.missing > 0) return std::nullopt;
  free_.push_back(id);
  if (waiting.is_refused) return std::nullopt;
  return Settled{waiting.token, waiting.confirm_to, waiting.confirm_id, waiting.has_confirm};
}

std::optional<PendingAcks::Settled> PendingAcks::refuse(std::uint32_t id) {
  Waiting& waiting = waiting_[id];
  const bool is_first = !std::exchange(waiting.is_refused, true);
  if (--waiting.missing == 0) free_.push_back(id);
  if (!is_first) return std::nullopt;
  return Settled{waiting.token, waiting.confirm_to, waiting.confirm_id, waiting.has_confirm};
}

void Shard::settle(std::uint32_t pending) {
  const auto settled = pending_.settle(pending);
  if (!settled) return;
  if (settled->has_confirm)
    links_[settled->confirm_to].batch.confirm(settled->confirm_id);
  else if (!release_stored(settled->token) && !received_settled(settled->token, pending))
    acknowledge(settled->token);
}

/// The connection that still waits for the acknowledgement; null when it has gone.
Connection* Shard::connection_of(const AckToken& token) {
  Session* session = sessions_.at(token.session);
  if (session == nullptr || session->connection_generation != token.connection_generation) return nullptr;
  return session->connection;
}

void Shard::acknowledge(const AckToken& token) {
  if (token.connection_generation == kRides) return settle(token.ticket);
  if (auto* connection = connection_of(token)) connection->acknowledge(token.ticket, mqtt::ReasonCode::success);
}

void Shard::disconnect(const AckToken& token, Error why) {
  if (token.connection_generation == kRides)
    return refuse(token.ticket, why == Error::no_space ? Full::store_behind : Full::store_lost);
  if (auto* connection = connection_of(token)) connection->end(mqtt::reason_for(why));
}

}  // namespace tercet::broker
