// From a receiver to its output: what is sent now, what waits, and the client's acknowledgements.
#include <algorithm>

#include "platform/broker/refusal_of.h"
#include "platform/broker/shard.h"

namespace tercet::broker {
namespace {

using mqtt::PacketType;
using mqtt::ReasonCode;

}  // namespace

void Shard::deliver(const Target& target, const Publication& publication, const Route& route, std::size_t index) {
  Session& session = *target.session;
  if (target.no_local && publication.origin == &session) return;
  const bool retain = target.retain_as_published && publication.retain;
  const std::uint8_t qos = std::min(publication.qos, target.qos);
  const std::uint32_t first[1] = {target.identifier};
  std::span<const std::uint32_t> identifiers{first, target.identifier != 0 ? 1u : 0u};
  std::vector<std::uint32_t> several;
  if (target.has_more_identifiers) [[unlikely]] {
    several.push_back(target.identifier);
    for (const auto& [of, identifier] : route.more_identifiers)
      if (of == index) several.push_back(identifier);
    identifiers = several;
  }
  if (qos == 0)
    deliver_qos0(session, publication, retain, identifiers);
  else
    deliver_assured(session, publication, qos, retain, identifiers);
}

/// QoS 0 is for those who are there and read.
bool Shard::deliver_qos0(Session& session, const Publication& publication, bool retain,
                         std::span<const std::uint32_t> identifiers) {
  Connection* connection = session.connection;
  if (connection == nullptr) return false;
  if (!connection->takes_more()) {
    ++counters_.dropped_slow;
    return false;
  }
  if (connection->held_for().count() > 0) {
    ++counters_.dropped_rate;
    connection->note_held();
    return false;
  }
  const Copy copy{.version = connection->version(),
                  .qos = 0,
                  .retain = retain,
                  .dup = false,
                  .packet_id = 0,
                  .identifiers = identifiers,
                  .max_bytes = connection->max_packet_bytes()};
  const UnixMillis wall = publication.expires_ms != 0 ? loop_->wall() : UnixMillis{};
  const std::size_t bytes = writer_.append(connection->output(), publication, copy, wall);
  if (bytes == 0) {
    ++counters_.dropped_too_large;
    return false;
  }
  connection->count_sent(bytes);
  ++counters_.messages_out;
  connection->touch();
  return true;
}

/// QoS 1 and 2. A session that ends with its connection needs no copy of what can leave at once; every other message is
/// kept until the client has acknowledged it, and stored where the session is.
bool Shard::deliver_assured(Session& session, const Publication& publication, std::uint8_t qos, bool retain,
                            std::span<const std::uint32_t> identifiers) {
  Connection* connection = session.connection;
  if (connection == nullptr && !session.outlives_connection()) return false;
  Outflow& flow = session.flow();
  const Millis held = connection != nullptr ? connection->held_for() : Millis{0};
  const bool now = connection != nullptr && flow.waiting() == 0 && flow.may_send(connection->window()) &&
                   connection->takes_more() && held.count() == 0;
  if (now && !session.outlives_connection()) {
    const std::uint64_t sequence = flow.push_sent(qos);
    const Copy copy{.version = connection->version(),
                    .qos = qos,
                    .retain = retain,
                    .dup = false,
                    .packet_id = Outflow::packet_id(sequence),
                    .identifiers = identifiers,
                    .max_bytes = connection->max_packet_bytes()};
    const UnixMillis wall = publication.expires_ms != 0 ? loop_->wall() : UnixMillis{};
    const std::size_t bytes = writer_.append(connection->output(), publication, copy, wall);
    if (bytes == 0) {
      ++counters_.dropped_too_large;
      flow.finish(sequence);
      return false;
    }
    connection->count_sent(bytes);
    ++counters_.messages_out;
    connection->touch();
    session.queue_was_full = false;
    return true;
  }
  if (!now && is_queue_full(session)) return false;
  if (store_ != nullptr && session.outlives_connection() && !may_store()) return false;
  const MessageRef message = identifiers.empty()
                                 ? kept_copy(publication)
                                 : MessageRef::copy_of(publication, publication.qos, loop_->wall(), identifiers);
  if (flow.waiting() == 0) session.queue_was_full = false;
  const std::uint64_t sequence = flow.push_waiting(message, qos, retain);
  ++counters_.queued_messages;
  counters_.queued_bytes += message->size();
  if (store_ != nullptr && session.outlives_connection()) store_message(session, sequence);
  if (now) pump_queue(session);
  if (held.count() > 0) {
    connection->note_held();
    pump_at(*connection, loop_->now() + held);
  }
  return true;
}

/// The answer of a full queue: the newest message is not taken; the journal is told once until the queue was empty. No
/// session may take all of the shard's quota for itself.
bool Shard::is_queue_full(Session& session) {
  const Outflow& flow = session.flow();
  const std::size_t most = config().max_queued_bytes;
  const std::size_t share = most / std::max<std::size_t>(config().queued_share, 1);
  const bool too_many = flow.waiting() >= limits_of(session).max_queued_messages;
  const bool too_large = flow.bytes() >= share;
  if (!too_many && !too_large && counters_.queued_bytes < most) return false;
  ++counters_.dropped_queue_full;
  if (std::exchange(session.queue_was_full, true)) return true;
  std::string evidence;
  if (too_many)
    evidence = std::to_string(flow.waiting()) + " messages wait";
  else if (too_large)
    evidence = std::to_string(flow.bytes()) + " bytes are kept for this session, of at most " + std::to_string(share);
  else
    evidence = std::to_string(counters_.queued_bytes) + " bytes wait for all sessions together";
  record(refusal_of(Refusal::Stage::message, auth::Cause::offline_queue_full, loop_->wall(), {}, session.identity.name,
                    session.client_id(), 0, evidence));
  return true;
}

/// One copy of the publication at hand for all sessions that keep it.
const MessageRef& Shard::kept_copy(const Publication& publication) {
  if (!kept_copy_) kept_copy_ = MessageRef::copy_of(publication, publication.qos, loop_->wall());
  return kept_copy_;
}

bool Shard::is_stale(const Session& session, const Message& message) const {
  const UnixMillis wall = loop_->wall();
  const std::int64_t longest = std::int64_t{limits_of(session).max_queued_seconds} * 1000;
  return message.is_expired(wall) || wall.ms - message.created_ms() > longest;
}

/// In order, and no more at a time than the window of this connection, which may be smaller than that of the last. A
/// PUBREL needs no place in it.
void Shard::repeat(Session& session) {
  Outflow& flow = *session.outflow;
  Connection& connection = *session.connection;
  while (flow.unrepeated() > 0 && connection.takes_more()) {
    const std::uint64_t sequence = flow.next_again();
    const auto state = flow.at(sequence).state;
    const bool is_taken = state == Outflow::State::releasing || state == Outflow::State::released;
    if (!is_taken && !flow.may_repeat(connection.window())) return;
    if (const Millis held = connection.held_for(); held.count() > 0) return pump_at(connection, loop_->now() + held);
    flow.repeat_next();
    if (!is_taken)
      write_flight(session, sequence, true);
    else if (state == Outflow::State::released)
      connection.write_ack(PacketType::pubrel, Outflow::packet_id(sequence));
  }
}

void Shard::pump(Session& session) {
  if (session.outflow) pump_queue(session);
  if (session.retained_for) send_retained(session);
}

void Shard::pump_queue(Session& session) {
  Outflow& flow = *session.outflow;
  if (flow.unrepeated() > 0) repeat(session);
  Connection* connection = session.connection;
  while (flow.waiting() > 0 && flow.may_send(connection->window()) && connection->takes_more()) {
    Outflow::Flight& flight = flow.at(flow.unsent());
    if (flight.state == Outflow::State::done) {
      flow.skip_next();
      continue;
    }
    if (flight.state == Outflow::State::released) {
      connection->write_ack(PacketType::pubrel, Outflow::packet_id(flow.send_next()));
      continue;
    }
    if (const Millis held = connection->held_for(); held.count() > 0) {
      pump_at(*connection, loop_->now() + held);
      break;
    }
    forget_waiting(flight);
    if (is_stale(session, *flight.message)) {
      ++counters_.dropped_expired;
      if (flight.stored) erase_message(session, flow.unsent());
      flow.skip_next();
      continue;
    }
    write_flight(session, flow.send_next(), false);
  }
  if (flow.waiting() == 0) session.queue_was_full = false;
}

/// Writes a message that is in flight. One too large for this client counts as arrived [MQTT-3.1.2-25].
void Shard::write_flight(Session& session, std::uint64_t sequence, bool dup) {
  Outflow::Flight& flight = session.outflow->at(sequence);
  Connection& connection = *session.connection;
  const Copy copy{.version = connection.version(),
                  .qos = flight.qos,
                  .retain = flight.retain,
                  .dup = dup,
                  .packet_id = Outflow::packet_id(sequence),
                  .identifiers = {},
                  .max_bytes = connection.max_packet_bytes()};
  const std::size_t bytes = writer_.append(connection.output(), flight.message->publication(), copy, loop_->wall());
  if (bytes == 0) {
    ++counters_.dropped_too_large;
    return finish(session, sequence);
  }
  ++counters_.messages_out;
  connection.count_sent(bytes);
  if (!session.outlives_connection()) session.outflow->drop_message(sequence);
  connection.touch();
}

void Shard::forget_waiting(const Outflow::Flight& flight) {
  if (flight.state != Outflow::State::waiting) return;
  --counters_.queued_messages;
  counters_.queued_bytes -= flight.message->size();
}

void Shard::finish(Session& session, std::uint64_t sequence) {
  Outflow& flow = *session.outflow;
  if (flow.at(sequence).stored) erase_message(session, sequence);
  flow.finish(sequence);
}

void Shard::on_ack(Connection& connection, const mqtt::Ack& ack) {
  Session& session = *connection.session();
  std::uint64_t sequence = 0;
  const bool known = session.outflow && session.outflow->find(ack.packet_id, sequence);
  const auto state = known ? session.outflow->at(sequence).state : Outflow::State::done;
  if (ack.type == PacketType::pubrec) {
    const bool refused = mqtt::is_failure(ack.reason);
    if (state == Outflow::State::releasing) return;  // its PUBREL is on its way
    const bool expected = state == Outflow::State::sent_qos2 || state == Outflow::State::released;
    if (expected && !refused) return release(connection, sequence);
    if (!expected)
      return connection.write_ack(PacketType::pubrel, ack.packet_id, ReasonCode::packet_identifier_not_found);
  } else if (ack.type == PacketType::puback ? state != Outflow::State::sent_qos1 : state != Outflow::State::released) {
    return;  // late or twice
  }
  finish(session, sequence);
  if (session.receipts) [[unlikely]]
    tell_receipt(session, sequence);
  if (session.has_backlog()) pump(session);
}

void Shard::tell_receipt(Session& session, std::uint64_t sequence) {
  const auto found = std::find_if(session.receipts->begin(), session.receipts->end(),
                                  [&](const Receipt& one) { return one.sequence == sequence; });
  if (found == session.receipts->end()) return;
  const std::uint64_t number = found->number;
  session.receipts->erase(found);
  if (session.receipts->empty()) session.receipts.reset();
  ingress().on_receipt(session.tag, number);
}

/// The client has the QoS 2 message. That is stored before PUBREL leaves: after it the client would take a repetition
/// for a new message.
void Shard::release(Connection& connection, std::uint64_t sequence) {
  Session& session = *connection.session();
  Outflow::Flight& flight = session.outflow->at(sequence);
  session.outflow->drop_message(sequence);
  const std::uint16_t packet_id = Outflow::packet_id(sequence);
  if (!flight.stored || flight.state == Outflow::State::released) {
    flight.state = Outflow::State::released;
    return connection.write_ack(PacketType::pubrel, packet_id);
  }
  flight.state = Outflow::State::releasing;
  store_release(session, sequence);
  await(std::exchange(waits_for_, PendingAcks::kNone), {session.ref(), kReleases, packet_id});
}

/// That is stored. True when the token was for it.
bool Shard::release_stored(const AckToken& token) {
  if (token.connection_generation != kReleases) return false;
  Session* session = sessions_.at(token.session);
  const auto packet_id = static_cast<std::uint16_t>(token.ticket);
  std::uint64_t sequence = 0;
  if (session == nullptr || !session->outflow || !session->outflow->find(packet_id, sequence)) return true;
  Outflow::Flight& flight = session->outflow->at(sequence);
  if (flight.state != Outflow::State::releasing) return true;
  flight.state = Outflow::State::released;
  if (session->connection != nullptr) session->connection->write_ack(PacketType::pubrel, packet_id);
  return true;
}

// --- turns ---

void Shard::pump_at(Connection& connection, Instant at) {
  if (connection.pump_due_ && connection.pump_at_ <= at) return;  // a later one in the heap means nothing any more
  connection.pump_due_ = true;
  connection.pump_at_ = at;
  pumps_due_.push_back({at, connection.session()->ref()});
  std::push_heap(pumps_due_.begin(), pumps_due_.end(), PumpDue::is_later);
  if (!pump_timer_.is_set() || at < pump_timer_.at()) pump_timer_.set(*loop_, at);
}

void Shard::on_pumps_due(void* shard) { static_cast<Shard*>(shard)->pump_due(); }

/// Those whose time has come; who wants another turn at once has it in the next pass.
void Shard::pump_due() {
  std::vector<PumpDue> due;
  for (; !pumps_due_.empty() && pumps_due_.front().at <= loop_->now(); pumps_due_.pop_back()) {
    due.push_back(pumps_due_.front());
    std::pop_heap(pumps_due_.begin(), pumps_due_.end(), PumpDue::is_later);
  }
  for (const PumpDue& each : due) {
    Session* session = sessions_.at(each.session);
    if (session == nullptr || session->connection == nullptr) continue;
    Connection& connection = *session->connection;
    if (!connection.pump_due_ || connection.pump_at_ != each.at) continue;  // had an earlier one
    ++counters_.turns;
    connection.pump_due_ = false;
    connection.go_on();
    pump(*session);
  }
  if (!pumps_due_.empty()) pump_timer_.set(*loop_, pumps_due_.front().at);
}

}  // namespace tercet::broker
