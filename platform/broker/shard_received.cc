// QoS 2 messages of clients between PUBLISH and PUBREL: which packet ids are taken, also across a restart.
//
// The id of a persistent session's message is stored in the same commit as the message, where that is stored by this
// shard. A message that other shards store has its id stored after they have confirmed: a crash between the two makes a
// repetition count twice, never get lost. PUBREC leaves after both, PUBCOMP after the id is erased.
#include "platform/broker/shard.h"
#include "tercet/base/reader.h"

namespace tercet::broker {
namespace {

using store::Family;

constexpr std::string_view kReceivedFormat{"\x01", 1};

std::string prefix_of(const Session& session) {
  std::string key = "q/" + session.identity.key();
  key.push_back('\0');
  return key;
}

std::string received_key(const Session& session, std::uint16_t packet_id) {
  std::string key = prefix_of(session);
  key.push_back(static_cast<char>(packet_id >> 8));
  key.push_back(static_cast<char>(packet_id));
  return key;
}

}  // namespace

std::uint32_t Shard::note_received(Session& session, std::uint16_t packet_id, std::uint32_t pending) {
  Received* received = session.find_received(packet_id);
  if (received == nullptr) return pending;
  if (store_ != nullptr && session.outlives_connection()) {
    received->store_after = pending != PendingAcks::kNone && pending_.missing(pending) > expected_of_store_;
    if (!received->store_after) {
      mutations_.put(Family::session, received_key(session, packet_id), kReceivedFormat);
      waits_for_ = pending;
      wait_for_store();
      pending = std::exchange(waits_for_, PendingAcks::kNone);
    }
  }
  received->pending = pending;
  return pending;
}

Shard::Full Shard::may_receive(const Session& session) {
  if (store_ == nullptr || !session.outlives_connection() || may_store()) return Full::none;
  return std::exchange(full_, Full::none);
}

std::uint32_t Shard::release_received(Session& session, Received& received) {
  if (store_ == nullptr || !session.outlives_connection()) {
    session.erase_received(received.packet_id);
    return PendingAcks::kNone;
  }
  mutations_.erase(Family::session, received_key(session, received.packet_id));
  wait_for_store();
  received.store_after = false;
  received.releasing = true;
  received.pending = std::exchange(waits_for_, PendingAcks::kNone);
  return received.pending;
}

bool Shard::waits_on_another_connection(const Session& session, const Received& received) const {
  return received.pending != PendingAcks::kNone &&
         pending_.token(received.pending).connection_generation != session.connection_generation;
}

/// What a PUBREC or PUBCOMP waited for has happened. True when it has to wait for one thing more: its packet id being
/// stored.
bool Shard::received_settled(const AckToken& token, std::uint32_t pending) {
  Session* session = sessions_.at(token.session);
  if (session == nullptr || !session->received) return false;
  for (Received& each : *session->received) {
    if (each.pending != pending) continue;
    if (each.releasing) {
      session->erase_received(each.packet_id);
      return false;
    }
    each.pending = PendingAcks::kNone;
    if (!std::exchange(each.store_after, false) || !session->outlives_connection()) return false;
    mutations_.put(Family::session, received_key(*session, each.packet_id), kReceivedFormat);
    wait_for_store();
    each.pending = std::exchange(waits_for_, PendingAcks::kNone);
    await(each.pending, token);
    return true;
  }
  return false;
}

/// What a PUBREC or PUBCOMP waited for will never happen. The message counts as new when it comes again; an id that the
/// store could not forget stays taken.
void Shard::received_refused(const AckToken& token, std::uint32_t pending) {
  Session* session = sessions_.at(token.session);
  if (session == nullptr || !session->received) return;
  for (Received& each : *session->received) {
    if (each.pending != pending) continue;
    if (!each.releasing) return session->erase_received(each.packet_id);
    each.releasing = false;
    each.pending = PendingAcks::kNone;
    return;
  }
}

void Shard::forget_received(const Session& session) {
  std::string from = prefix_of(session), to = from;
  to.back() = '\1';
  mutations_.erase_range(Family::session, from, to);
}

bool Shard::restore_received(std::string_view key, std::string_view value) {
  const auto end = key.find('\0');
  if (value != kReceivedFormat || end == std::string_view::npos || key.size() != end + 3) return false;
  const std::string_view owner = key.substr(2, end - 2);
  if (all_.home_of(owner) != index_) return true;
  Session* session = sessions_.find(owner);
  if (session == nullptr) {  // nobody will ever release it
    mutations_.erase(Family::session, key);
    return true;
  }
  Reader id{as_bytes(key.substr(end + 1))};
  session->add_received(id.u16());
  return true;
}

}  // namespace tercet::broker
