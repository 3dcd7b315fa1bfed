// What outlives the process: persistent sessions, their queues, retained messages.
//
// Family session: "d/..." or "c/..." (identity key) -> session, "r/" + topic -> retained message,
//                 "q/" + identity key, NUL, packet id (2 bytes) -> QoS 2 message received and not released.
// Family queue:   identity key, NUL, sequence number (8 bytes, big end first) -> message, or that the client has it and
//                 is to be told to release it.
// Every value begins with the version of its format.
#include <algorithm>

#include "platform/broker/shard.h"
#include "tercet/base/reader.h"

namespace tercet::broker {
namespace {

using store::Family;

constexpr std::uint8_t kSessionFormat = 1;
constexpr std::uint8_t kMessageFormat = 1;
constexpr std::string_view kReleased{"\x02", 1};

void put_number(std::string& out, std::uint64_t value, int bytes) {
  while (bytes-- > 0) out.push_back(static_cast<char>(value >> (8 * bytes)));
}

bool is_retained_due(const Session& session, std::string_view filter) {
  if (!session.retained_for) return false;
  return std::any_of(session.retained_for->begin(), session.retained_for->end(),
                     [filter](const RetainedCursor& each) { return each.filter == filter; });
}

std::string queue_key(const Session& session, std::uint64_t sequence) {
  std::string key = session.identity.key();
  key.push_back('\0');
  put_number(key, sequence, 8);
  return key;
}

enum SubscriptionFlag : std::uint8_t { flag_no_local = 4, flag_retain_as_published = 8, flag_retained_due = 16 };

}  // namespace

// --- writing ---

/// The session's record is written at the end of the pass, once, however often it changes until then.
void Shard::save(Session& session) {
  if (store_ == nullptr) return;
  session.stored = true;
  if (session.save_wanted) return;
  session.save_wanted = true;
  unsaved_.push_back(session.ref());
}

/// A record needs room in the backlog as a message does; what finds none is written later, once for all its changes.
void Shard::write_saved() {
  if (unsaved_.empty() || backlog_bytes_ >= config().max_unstored_bytes) return;
  for (const SessionRef ref : std::exchange(unsaved_, {})) {
    Session* session = sessions_.at(ref);
    if (session == nullptr || !session->save_wanted) continue;
    begin_change();
    write_record(*session);
  }
}

void Shard::write_record(Session& session) {
  session.save_wanted = false;
  session.retained_noted = session.retained_for != nullptr;
  std::string value;
  put_number(value, kSessionFormat, 1);
  put_number(value, session.expiry_seconds, 4);
  put_number(value, static_cast<std::uint64_t>(session.absence ? session.absence->ends_ms : 0), 8);
  put_number(value, session.tag, 8);
  put_number(value, session.subscriptions.size(), 4);
  for (const Subscription& each : session.subscriptions) {
    const Subscriber& subscriber = each.subscriber();
    const std::string filter = SubscriptionTree::filter_of(*each.node);
    const std::string_view group = each.group != nullptr ? std::string_view(each.group->name) : std::string_view{};
    const bool retained_due = group.empty() && is_retained_due(session, filter);
    const int flags = subscriber.qos | (subscriber.no_local ? flag_no_local : 0) |
                      (subscriber.retain_as_published ? flag_retain_as_published : 0) |
                      (retained_due ? flag_retained_due : 0);
    put_number(value, static_cast<std::uint64_t>(flags), 1);
    put_number(value, subscriber.identifier, 4);
    put_number(value, filter.size(), 2);
    value.append(filter);
    put_number(value, group.size(), 2);
    value.append(group);
  }
  mutations_.put(Family::session, session.identity.key(), value);
}

/// Nothing of the session is to survive a restart.
void Shard::forget_saved(Session& session) {
  if (store_ == nullptr || !session.stored) return;
  begin_change();
  const std::string key = session.identity.key();
  mutations_.erase(Family::session, key);
  mutations_.erase_range(Family::queue, key + '\0', key + '\1');
  forget_received(session);
  session.stored = session.save_wanted = false;
}

/// The publisher is acknowledged only when the message is on disk.
void Shard::store_message(Session& session, std::uint64_t sequence) {
  begin_change();
  Outflow::Flight& flight = session.outflow->at(sequence);
  std::string value;
  put_number(value, kMessageFormat, 1);
  put_number(value, static_cast<std::uint64_t>(flight.message->created_ms()), 8);
  encode_message(value, flight.message->publication(), flight.qos, flight.retain);
  mutations_.put(Family::queue, queue_key(session, sequence), value);
  flight.stored = true;
  wait_for_store();
}

/// In the place of the message: the client has it.
void Shard::store_release(Session& session, std::uint64_t sequence) {
  begin_change();
  mutations_.put(Family::queue, queue_key(session, sequence), kReleased);
  wait_for_store();
}

void Shard::wait_for_store() {
  need_wait();
  stored_waiting_.push_back(waits_for_);
  ++expected_of_store_;
}

void Shard::erase_message(Session& session, std::uint64_t sequence) {
  begin_change();
  mutations_.erase(Family::queue, queue_key(session, sequence));
}

// --- reading, at start ---

Result<void> Shard::restore() {
  Error error = Error::internal;
  bool ok = true;
  const auto visit_session = [&](std::string_view key, std::string_view value) {
    ok = key.starts_with("r/")   ? restore_retained(key, value)
         : key.starts_with("q/") ? restore_received(key, value)
                                 : restore_session(key, value);
    return ok;
  };
  const auto visit_message = [&](std::string_view key, std::string_view value) {
    ok = restore_message(key, value);
    return ok;
  };
  const std::string end(1, '\xFF');
  if (const auto read = store_->scan(Family::session, "", end, store::StreamStore::Order::ascending, visit_session);
      !read)
    error = read.error(), ok = false;
  else if (!ok)
    error = Error::malformed;
  if (!ok) return fail(error);
  if (const auto read = store_->scan(Family::queue, "", end, store::StreamStore::Order::ascending, visit_message);
      !read)
    return fail(read.error());
  if (!ok) return fail(Error::malformed);
  return {};
}

bool Shard::restore_session(std::string_view key, std::string_view value) {
  if (all_.home_of(key) != index_) return true;
  Reader in{as_bytes(value)};
  if (in.u8() != kSessionFormat || key.size() < 3) return false;
  Identity identity;
  identity.kind = key[0] == 'd' ? Identity::Kind::device : Identity::Kind::client;
  identity.name = key.substr(2);
  Session& session = sessions_.create(identity);
  ++counters_.sessions;
  session.stored = true;
  session.expiry_seconds = in.u32();
  const auto ends_ms = static_cast<std::int64_t>(in.u64());
  session.tag = in.u64();
  for (std::uint32_t left = in.u32(); left > 0 && in.ok(); --left) {
    const std::uint8_t flags = in.u8();
    Subscriber subscriber;
    subscriber.session = &session;
    subscriber.qos = flags & 3;
    subscriber.no_local = (flags & flag_no_local) != 0;
    subscriber.retain_as_published = (flags & flag_retain_as_published) != 0;
    subscriber.durable = true;
    subscriber.identifier = in.u32();
    const auto filter = as_text(in.binary());
    const auto group = as_text(in.binary());
    if (!in.ok()) break;
    add_subscription(session, filter, group, subscriber, limits_of(session));
    if ((flags & flag_retained_due) != 0) start_retained(session, filter, subscriber);
  }
  if (!in.ok()) return false;
  session.retained_noted = session.retained_for != nullptr;
  // One that was online when the process ended starts its absence now.
  set_absent(session, ends_ms != 0 ? ends_ms : loop_->wall().ms + std::int64_t{session.expiry_seconds} * 1000, 0);
  return true;
}

bool Shard::restore_message(std::string_view key, std::string_view value) {
  const auto end = key.find('\0');
  if (end == std::string_view::npos || key.size() != end + 9) return false;
  Session* session = sessions_.find(key.substr(0, end));
  if (session == nullptr) return true;
  Reader at{as_bytes(key.substr(end + 1))};
  const std::uint64_t sequence = at.u64();
  if (!session->outflow) session->outflow = std::make_unique<Outflow>(sequence);
  Outflow& flow = *session->outflow;
  while (flow.end() < sequence) flow.push_gap();
  if (value == kReleased) {
    flow.push_released();
    return true;
  }
  Reader in{as_bytes(value)};
  if (in.u8() != kMessageFormat) return false;
  const UnixMillis created{static_cast<std::int64_t>(in.u64())};
  const auto publication = decode_message(as_text(in.rest()));
  if (!publication) return false;
  const MessageRef message = MessageRef::copy_of(*publication, publication->qos, created);
  flow.push_waiting(message, publication->qos, publication->retain);
  flow.at(sequence).stored = true;
  ++counters_.queued_messages;
  counters_.queued_bytes += message->size();
  return true;
}

}  // namespace tercet::broker
