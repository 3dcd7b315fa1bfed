#include "platform/broker/session.h"

#include <algorithm>
#include <cstring>

#include "platform/broker/hash.h"

namespace tercet::broker {

void Session::set_client_id(std::string_view text) {
  client_id_text.reset();
  if (text == identity.name) return;
  client_id_text = std::make_unique<char[]>(text.size() + 1);
  if (!text.empty()) std::memcpy(client_id_text.get(), text.data(), text.size());
}

namespace {

auto place_of(std::vector<Received>& received, std::uint16_t packet_id) {
  return std::lower_bound(received.begin(), received.end(), packet_id,
                          [](const Received& each, std::uint16_t id) { return each.packet_id < id; });
}

}  // namespace

Received* Session::find_received(std::uint16_t packet_id) {
  if (!received) return nullptr;
  const auto place = place_of(*received, packet_id);
  return place != received->end() && place->packet_id == packet_id ? &*place : nullptr;
}

Received& Session::add_received(std::uint16_t packet_id) {
  if (!received) received = std::make_unique<std::vector<Received>>();
  return *received->insert(place_of(*received, packet_id), Received{.packet_id = packet_id});
}

void Session::erase_received(std::uint16_t packet_id) {
  const auto place = place_of(*received, packet_id);
  if (place != received->end() && place->packet_id == packet_id) received->erase(place);
  if (received->empty()) received.reset();
}

SessionTable::~SessionTable() {
  for (const Slot& slot : slots_) delete slot.session;
}

bool SessionTable::has_key(const Session& session, std::string_view key) {
  return key.size() == session.identity.name.size() + 2 && key[0] == (session.is_device() ? 'd' : 'c') &&
         key.substr(2) == session.identity.name;
}

std::uint32_t SessionTable::hash_of(std::string_view key) const {
  return static_cast<std::uint32_t>(seeded_hash(key, seed_));
}

Session* SessionTable::find(std::string_view key) const {
  if (table_.empty()) return nullptr;
  const std::uint32_t hash = hash_of(key);
  for (std::size_t at = hash & (table_.size() - 1); table_[at] != 0; at = (at + 1) & (table_.size() - 1)) {
    Session* session = slots_[table_[at] - 1].session;
    if (session->hash == hash && has_key(*session, key)) return session;
  }
  return nullptr;
}

void SessionTable::index(const Session& session) {
  std::size_t at = session.hash & (table_.size() - 1);
  while (table_[at] != 0) at = (at + 1) & (table_.size() - 1);
  table_[at] = session.slot + 1;
}

void SessionTable::grow() {
  table_.assign(std::max<std::size_t>(16, table_.size() * 2), 0);
  for (const Slot& slot : slots_)
    if (slot.session != nullptr) index(*slot.session);
}

Session& SessionTable::create(const Identity& identity) {
  if ((size_ + 1) * 3 > table_.size() * 2) grow();
  auto* session = new Session;
  session->identity = identity;
  session->identity.name.shrink_to_fit();
  session->hash = hash_of(identity.key());
  if (free_.empty()) {
    session->slot = static_cast<std::uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    session->slot = free_.back();
    free_.pop_back();
  }
  slots_[session->slot].session = session;
  session->generation = slots_[session->slot].generation;
  index(*session);
  ++size_;
  return *session;
}

void SessionTable::destroy(Session& session) {
  const std::size_t mask = table_.size() - 1;
  std::size_t hole = session.hash & mask;
  while (table_[hole] != session.slot + 1) hole = (hole + 1) & mask;
  for (std::size_t at = (hole + 1) & mask; table_[at] != 0; at = (at + 1) & mask) {
    const std::size_t home = slots_[table_[at] - 1].session->hash & mask;
    if (((at - home) & mask) < ((at - hole) & mask)) continue;
    table_[hole] = table_[at];
    hole = at;
  }
  table_[hole] = 0;
  Slot& slot = slots_[session.slot];
  slot.session = nullptr;
  ++slot.generation;
  free_.push_back(session.slot);
  --size_;
  delete &session;
}

}  // namespace tercet::broker
