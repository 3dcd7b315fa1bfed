// How changes reach the store: in pieces, in order, as it takes them.
//
// A piece is what one pass changes, cut where it grows large. What the store has no room for waits in the backlog, with
// the acknowledgements that depend on it: nothing is dropped, nothing is acknowledged before its piece is durable. Over
// the bound no further message is taken, and whoever publishes one is turned away without an acknowledgement.
#include "platform/broker/refusal_of.h"
#include "platform/broker/shard.h"
#include "platform/runtime/log.h"

namespace tercet::broker {
namespace {

using auth::Cause;
using mqtt::ReasonCode;

constexpr std::size_t kPieceBytes = 256 * 1024;  // less than a store commits at once, so that room is found
constexpr Millis kRetry{10};                     // the store takes nothing now
constexpr Millis kWatch{1000};                   // how often we ask whether what it took has failed

}  // namespace

/// Whether one more message may be stored. Session records, and what erases, need no leave: they are bounded by what
/// there is.
bool Shard::may_store() {
  if (has_room_in_store()) return true;
  full_ = store_lost_ ? Full::store_lost : Full::store_behind;
  ++counters_.dropped_store_full;
  if (!store_lost_ && !std::exchange(store_behind_, true))
    runtime::log(runtime::LogLevel::warning, "the store is behind: publishers are turned away",
                 {{"shard", index_}, {"waiting_bytes", backlog_bytes_ + mutations_.bytes()}});
  return false;
}

/// Before a change. What one pass has gathered goes on its way when it has grown large, after the records of sessions
/// that its messages are for.
void Shard::begin_change() {
  if (mutations_.bytes() < kPieceBytes) [[likely]]
    return;
  write_saved();
  submit();
}

/// At the end of a pass.
void Shard::flush_store() {
  write_saved();
  submit();
  if (store_lost_) give_up_store();
}

void Shard::submit() {
  if (mutations_.empty() && backlog_.empty()) return;
  if (backlog_.empty() && !store_lost_ && offer(mutations_, stored_waiting_)) {
    mutations_.clear();
    expected_of_store_ = 0;
    return;
  }
  close_piece();
  if (store_lost_ || loop_->now() < submit_again_) return;
  while (!backlog_.empty() && offer(backlog_.front().mutations, backlog_.front().waiting)) {
    backlog_bytes_ -= backlog_.front().mutations.bytes();
    backlog_.pop_front();
  }
  if (backlog_.empty() && std::exchange(store_behind_, false))
    runtime::log(runtime::LogLevel::info, "the store has caught up", {{"shard", index_}});
}

/// What is being gathered becomes part of the backlog.
void Shard::close_piece() {
  if (mutations_.empty()) return;
  expected_of_store_ = 0;  // what follows is not in the same commit any more
  backlog_bytes_ += mutations_.bytes();
  if (!backlog_.empty() && backlog_.back().mutations.bytes() + mutations_.bytes() <= kPieceBytes) {
    StorePiece& last = backlog_.back();
    last.mutations.append(mutations_);
    last.waiting.insert(last.waiting.end(), stored_waiting_.begin(), stored_waiting_.end());
  } else {
    backlog_.push_back({std::move(mutations_), std::move(stored_waiting_)});
  }
  mutations_.clear();
  stored_waiting_.clear();
}

/// False when the store does not take it; both are then unchanged.
bool Shard::offer(const store::Mutations& mutations, std::vector<std::uint32_t>& waiting) {
  const auto taken = store_->submit(*loop_, mutations, [this] { stored(); });
  if (taken) {
    submitted_.push_back(std::exchange(waiting, {}));
    if (!store_watch_.is_set()) store_watch_.set(*loop_, loop_->now() + kWatch);
    return true;
  }
  if (taken.error() == Error::no_space) {
    submit_again_ = loop_->now() + kRetry;
    retry_in(kRetry);
    return false;
  }
  store_lost_ = true;
  if (taken.error() != Error::closed)
    runtime::log(runtime::LogLevel::error, "the store has failed: nothing that needs it is acknowledged any more",
                 {{"shard", index_}, {"why", store_->failure()}});
  return false;
}

/// The oldest submission is durable.
void Shard::stored() {
  if (submitted_.empty()) return;  // given up, and durable after all
  const auto waiting = std::move(submitted_.front());
  submitted_.pop_front();
  for (const std::uint32_t pending : waiting) settle(pending);
}

/// A store that fails forgets what it has taken without a word.
void Shard::watch_store(void* shard) {
  auto& self = *static_cast<Shard*>(shard);
  if (self.submitted_.empty()) return;
  if (self.store_->failure().empty()) return self.store_watch_.set(*self.loop_, self.loop_->now() + kWatch);
  self.store_lost_ = true;  // the end of this pass does the rest
}

/// What waits for a store that has failed is never acknowledged: its publishers are to see that.
void Shard::give_up_store() {
  std::vector<std::uint32_t> waiting = std::exchange(stored_waiting_, {});
  mutations_.clear();
  for (const StorePiece& piece : backlog_) waiting.insert(waiting.end(), piece.waiting.begin(), piece.waiting.end());
  for (const auto& each : submitted_) waiting.insert(waiting.end(), each.begin(), each.end());
  backlog_.clear();
  backlog_bytes_ = 0;
  submitted_.clear();
  for (const std::uint32_t pending : waiting) refuse(pending, Full::store_lost);
  if (has_links()) flush_links();  // this pass has sent its batches already, and there may be no other for long
}

void Shard::refuse(std::uint32_t pending, Full why) {
  const auto refused = pending_.refuse(pending);
  if (!refused) return;
  if (refused->has_confirm) return links_[refused->confirm_to].batch.refuse(refused->confirm_id);
  if (refused->token.connection_generation == kRides) return refuse(refused->token.ticket, why);
  received_refused(refused->token, pending);
  const Session* session = sessions_.at(refused->token.session);
  if (session == nullptr || session->connection == nullptr) return;
  const auto generation = refused->token.connection_generation;
  if (generation != session->connection_generation && generation != kReleases) return;
  turn_away(*session->connection, why);
}

void Shard::turn_away(Connection& connection, Full why) {
  Cause cause = Cause::store_full;
  ReasonCode reason = ReasonCode::server_busy;
  std::string evidence = "more waits for the disk than may";
  if (why == Full::store_lost) {
    reason = ReasonCode::implementation_specific_error;
    evidence = "the disk has failed";
  } else if (why == Full::link) {
    cause = Cause::in_flight_exceeded;
    reason = ReasonCode::quota_exceeded;
    evidence = "more waits for another shard than may";
  }
  connection.journal(Refusal::Stage::publish, cause, connection.is_v5() ? mqtt::code(reason) : 0, evidence);
  connection.end(reason);
}

void Shard::retry_in(Millis delay) {
  const Instant at = loop_->now() + delay;
  if (!retry_.is_set() || retry_.at() > at) retry_.set(*loop_, at);
}

}  // namespace tercet::broker
