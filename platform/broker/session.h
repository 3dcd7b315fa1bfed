#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "platform/broker/identity.h"
#include "platform/broker/ingress.h"
#include "platform/broker/message.h"
#include "platform/broker/outflow.h"
#include "platform/broker/retained.h"
#include "platform/broker/sub_devices.h"
#include "platform/broker/subscription_tree.h"
#include "platform/runtime/loop.h"
#include "tercet/base/time.h"

namespace tercet::broker {

class Connection;

/// Where one subscription of a session is: the node, its shared group if it has one, and the place in that list.
struct Subscription {
  Node* node = nullptr;
  Group* group = nullptr;
  std::uint32_t index = 0;

  std::vector<Subscriber>& list() const { return group != nullptr ? group->members : node->subscribers; }
  Subscriber& subscriber() const { return list()[index]; }
};

/// A QoS 2 message of the client between its PUBLISH and PUBCOMP.
struct Received {
  std::uint16_t packet_id = 0;
  bool store_after = false;  ///< its id is stored only when the message is where it has to be, then PUBREC leaves
  bool releasing = false;    ///< its PUBREL is here, and the store is to forget the id before PUBCOMP leaves
  std::uint32_t pending = 0xFFFFFFFF;  ///< what its PUBREC or PUBCOMP waits for, see PendingAcks
};

/// What is published when the connection ends without a DISCONNECT.
struct SessionWill {
  MessageRef message;
  bool retain = false;
  std::uint32_t delay_seconds = 0;
  std::uint32_t expiry_seconds = 0;  ///< of the message, once published; 0 none
};

class Session;
class Shard;

/// What a session without a connection waits for.
struct Absence {
  Absence(runtime::Timer::Fire fire, Shard& in, Session& of) : shard(in), session(of), timer(fire, this) {}
  Shard& shard;
  Session& session;
  runtime::Timer timer;
  std::int64_t ends_ms = 0;      ///< wall clock; the session is dropped
  std::int64_t will_due_ms = 0;  ///< wall clock; the will is published; 0 none
};

/// A message of the outflow whose acknowledgement somebody wants to hear of.
struct Receipt {
  std::uint64_t sequence;
  std::uint64_t number;
};

/// What the broker knows of a client or device beyond its connection. Lean: what few sessions need is allocated when
/// they need it. Owned by the SessionTable of its home shard.
class Session {
 public:
  static constexpr std::uint32_t kForEver = 0xFFFFFFFF;

  Identity identity;
  Connection* connection = nullptr;
  std::vector<Subscription> subscriptions;
  std::unique_ptr<Outflow> outflow;
  std::unique_ptr<std::vector<Received>> received;            ///< by packet id
  std::unique_ptr<std::vector<RetainedCursor>> retained_for;  ///< of new subscriptions, until all of it is sent
  std::unique_ptr<SessionWill> will;
  std::unique_ptr<Absence> absence;                    ///< while offline
  std::unique_ptr<std::vector<std::string>> unwanted;  ///< filters it unsubscribed from that `_ss=1` had implied
  std::unique_ptr<std::vector<Receipt>> receipts;      ///< that somebody waits for
  std::unique_ptr<SubDevices> sub_devices;             ///< of a gateway with sub-devices, and of a sub-device
  std::unique_ptr<char[]> client_id_text;              ///< where it differs from the identity's name
  std::uint64_t tag = 0;
  Instant last_take_over{Millis::min()};
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;
  std::uint32_t connection_generation = 0;
  std::uint32_t hash = 0;
  std::uint32_t mark = 0;            ///< the search in which it was found last
  std::uint32_t marked = 0;          ///< and its place in what was found
  std::uint32_t expiry_seconds = 0;  ///< how long it outlives its connection
  std::uint8_t ext = 0;
  bool auto_subscribe = false;
  bool stored = false;          ///< the store has a record of it, or will at the end of this pass
  bool save_wanted = false;     ///< its record has changed in this pass
  bool queue_was_full = false;  ///< and the journal knows
  bool retained_noted = false;  ///< its record says that some of retained_for has not been sent

  bool is_device() const { return identity.kind == Identity::Kind::device; }
  bool is_sub_device() const { return sub_devices && sub_devices->over; }  ///< and logged in over a gateway
  bool is_online() const { return connection != nullptr || is_sub_device(); }
  /// The login of a sub-device over this session; null when there is none.
  const SubDevices::Rider* rider(std::string_view name) const {
    return sub_devices ? sub_devices->find(name) : nullptr;
  }
  bool has_backlog() const { return retained_for || (outflow && outflow->has_backlog()); }
  bool outlives_connection() const { return expiry_seconds > 0; }
  SessionRef ref() const { return {slot, generation}; }
  std::string_view client_id() const {
    return client_id_text ? std::string_view(client_id_text.get()) : std::string_view(identity.name);
  }
  void set_client_id(std::string_view text);
  /// The QoS 2 message that was taken with this packet id and not released; null when there is none.
  Received* find_received(std::uint16_t packet_id);
  Received& add_received(std::uint16_t packet_id);
  void erase_received(std::uint16_t packet_id);
  Outflow& flow() {
    if (!outflow) outflow = std::make_unique<Outflow>();
    return *outflow;
  }
};

/// The sessions of one shard, by reference and by identity key ("d/..." or "c/..."). References stay valid for other
/// sessions' coming and going; that of a session which has gone is not found again.
class SessionTable {
 public:
  explicit SessionTable(std::uint64_t seed) : seed_(seed) {}
  ~SessionTable();
  SessionTable(const SessionTable&) = delete;
  SessionTable& operator=(const SessionTable&) = delete;

  Session* find(std::string_view key) const;
  Session* at(SessionRef ref) const {
    if (ref.slot >= slots_.size() || slots_[ref.slot].generation != ref.generation) return nullptr;
    return slots_[ref.slot].session;
  }
  /// There must be none of that identity.
  Session& create(const Identity& identity);
  void destroy(Session& session);
  std::size_t size() const { return size_; }
  template <typename Visit>
  void each(Visit&& visit) const {
    for (const Slot& slot : slots_)
      if (slot.session != nullptr) visit(*slot.session);
  }

 private:
  struct Slot {
    Session* session = nullptr;
    std::uint32_t generation = 1;
  };
  static bool has_key(const Session& session, std::string_view key);
  std::uint32_t hash_of(std::string_view key) const;
  void index(const Session& session);
  void grow();

  std::uint64_t seed_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  std::vector<std::uint32_t> table_;  ///< slot + 1 by hash, open addressing
  std::size_t size_ = 0;
};

}  // namespace tercet::broker
