// Retained messages: set on the publisher's shard and told to all, stored by the home shard of their topic, sent to new
// subscribers as fast as these take them.
#include <algorithm>

#include "platform/broker/refusal_of.h"
#include "platform/broker/shard.h"
#include "tercet/base/reader.h"

namespace tercet::broker {
namespace {

using store::Family;

constexpr std::size_t kTopicsPerTurn = 4096;       // looked at for one subscriber, then others have their turn
constexpr std::size_t kBytesPerTurn = 256 * 1024;  // the same of what is sent
constexpr Millis kStoreBehind{100};                // when a subscriber's turn comes again meanwhile
constexpr std::string_view kPrefix = "r/";         // of keys
constexpr std::uint8_t kRetainedFormat = 1;

std::string retain_key(std::string_view topic) { return std::string(kPrefix).append(topic); }

void put_number(std::string& out, std::uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}

}  // namespace

// --- setting ---

/// Keeps the message on every shard. Whoever asks waits for the store of the topic's home shard: so the changes of one
/// topic reach the store in one order.
void Shard::retain(const Publication& publication) {
  if (const auto refusal = retained_.refusal(publication)) {  // wills and the platform's own; others were asked before
    record(refusal_of(Refusal::Stage::publish, auth::Cause::retained_full, loop_->wall(), {}, {}, {}, 0,
                      std::string(publication.topic) + ": " + *refusal));
    return;
  }
  retain_clock_.wall_ms = std::max(retain_clock_.wall_ms, loop_->wall().ms);
  retain_clock_.order = ((retain_clock_.order >> 8) + 1) << 8 | index_;
  const RetainStamp stamp = retain_clock_;
  put_retained(publication, stamp);
  const std::size_t home = retained_home(publication.topic);
  for (std::size_t k = 0; k < links_.size(); ++k) {
    if (k == index_) continue;
    std::optional<std::uint32_t> confirm;
    if (k == home && publication.qos > 0 && store_ != nullptr) {
      need_wait();
      confirm = waits_for_;
    }
    links_[k].batch.retain(publication, stamp, confirm);
  }
}

void Shard::linked_retain(std::size_t from, const LinkRecord& record) {
  put_retained(record.publication, record.stamp);
  confirm_later(from, record);
}

std::size_t Shard::retained_home(std::string_view topic) const { return all_.home_of(retain_key(topic)); }

void Shard::put_retained(const Publication& publication, const RetainStamp& stamp) {
  retain_clock_ = {std::max(retain_clock_.wall_ms, stamp.wall_ms), std::max(retain_clock_.order, stamp.order)};
  const auto change = retained_.put(publication, publication.qos, stamp, loop_->now(), loop_->wall());
  retained_changed();
  if (store_ == nullptr || change == RetainedMessages::Change::none || retained_home(publication.topic) != index_)
    return;
  begin_change();
  if (change == RetainedMessages::Change::erased) {
    mutations_.erase(Family::session, retain_key(publication.topic));
  } else {
    std::string value(1, static_cast<char>(kRetainedFormat));
    put_number(value, static_cast<std::uint64_t>(stamp.wall_ms));
    put_number(value, stamp.order);
    encode_message(value, publication, publication.qos, true);
    mutations_.put(Family::session, retain_key(publication.topic), value);
  }
  if (publication.qos > 0) wait_for_store();
}

void Shard::retained_changed() {
  counters_.retained = retained_.size();
  counters_.retained_bytes = retained_.bytes();
  retained_timer_.set(*loop_, retained_.next_expiry());
}

void Shard::on_retained_expiry(void* shard) { static_cast<Shard*>(shard)->expire_retained(); }

void Shard::expire_retained() {
  retained_.expire(loop_->now(), [this](std::string_view topic) {
    if (store_ == nullptr || retained_home(topic) != index_) return;
    begin_change();
    mutations_.erase(Family::session, retain_key(topic));
  });
  retained_changed();
}

/// At a start the wall clock is believed: it is all there is. What has expired meanwhile goes in the first pass.
/// Records of before there was a format began with the time, whose first byte is 0.
bool Shard::restore_retained(std::string_view key, std::string_view value) {
  const bool has_format = !value.empty() && value[0] != 0;
  if (has_format && static_cast<std::uint8_t>(value[0]) != kRetainedFormat) return false;
  Reader in{as_bytes(value.substr(has_format ? 1 : 0))};
  RetainStamp stamp;
  stamp.wall_ms = static_cast<std::int64_t>(in.u64());
  stamp.order = in.u64();
  const auto publication = decode_message(as_text(in.rest()));
  if (!publication || publication->topic != key.substr(kPrefix.size())) return false;
  retain_clock_ = {std::max(retain_clock_.wall_ms, stamp.wall_ms), std::max(retain_clock_.order, stamp.order)};
  retained_.put(*publication, publication->qos, stamp, loop_->now(), loop_->wall());
  retained_changed();
  return true;
}

// --- sending ---

/// A subscription has been answered: what is retained for it is due.
void Shard::start_retained(Session& session, std::string_view filter, const Subscriber& subscriber) {
  forget_retained(session, filter);
  if (!session.retained_for) session.retained_for = std::make_unique<std::vector<RetainedCursor>>();
  session.retained_for->push_back(
      {.filter = std::string(filter), .at = {}, .identifier = subscriber.identifier, .qos = subscriber.qos});
}

void Shard::forget_retained(Session& session, std::string_view filter) {
  if (!session.retained_for) return;
  std::erase_if(*session.retained_for, [filter](const RetainedCursor& each) { return each.filter == filter; });
  if (session.retained_for->empty()) retained_sent(session);
}

/// Nothing is due any more. If the session's record says that something is, it is written again.
void Shard::retained_sent(Session& session) {
  session.retained_for.reset();
  if (session.retained_noted && session.outlives_connection()) save(session);
}

/// Sends as much as leaves at once: nothing of it has to wait in the session, so nothing is lost there. Goes on when an
/// acknowledgement comes, when the output has been written, or in the next pass.
void Shard::send_retained(Session& session) {
  auto& cursors = *session.retained_for;
  std::size_t steps = kTopicsPerTurn;
  for (std::size_t bytes = 0; !cursors.empty();) {
    Connection& connection = *session.connection;
    RetainedCursor& cursor = cursors.front();
    const bool assured = cursor.qos > 0;
    const Outflow* flow = session.outflow.get();  // null: nothing of QoS 1 or 2 was ever for it
    if (!connection.takes_more()) return;
    if (const Millis wait = connection.held_for(); wait.count() > 0) return pump_at(connection, loop_->now() + wait);
    if (assured && flow != nullptr && (flow->waiting() > 0 || !flow->may_send(connection.window()))) return;
    if (assured && store_ != nullptr && session.outlives_connection() && !has_room_in_store())
      return pump_at(connection, loop_->now() + kStoreBehind);
    if (steps == 0 || bytes > kBytesPerTurn) return pump_at(connection, loop_->now());
    const auto found = retained_.next(cursor.filter, cursor.at, steps, loop_->now());
    if (found.message) {
      bytes += found.message->size();
      send_retained_one(session, cursor, found);
    } else if (steps > 0) {
      cursors.erase(cursors.begin());
    }
  }
  retained_sent(session);
}

void Shard::send_retained_one(Session& session, const RetainedCursor& cursor, const RetainedMessages::Found& found) {
  Publication publication = found.message->publication();
  if (found.expires_at != Instant::never())  // by today's wall clock
    publication.expires_ms = loop_->wall().ms + (found.expires_at - loop_->now()).count();
  const std::uint8_t qos = std::min(found.message->qos(), cursor.qos);
  const std::uint32_t identifier[1] = {cursor.identifier};
  const std::span<const std::uint32_t> identifiers{identifier, cursor.identifier != 0 ? 1u : 0u};
  kept_copy_ = MessageRef{};
  if (qos == 0)
    deliver_qos0(session, publication, true, identifiers);
  else
    deliver_assured(session, publication, qos, true, identifiers);
  kept_copy_ = MessageRef{};
  waits_for_ = PendingAcks::kNone;  // nobody asks when it is stored
  full_ = Full::none;
}

}  // namespace tercet::broker
