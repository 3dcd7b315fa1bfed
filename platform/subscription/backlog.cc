#include "platform/subscription/backlog.h"

#include <algorithm>
#include <utility>

namespace tercet::subscription {
namespace {

using Order = store::StreamStore::Order;
using rule::ForwardKind;
constexpr std::size_t kReadAhead = 512, kReadAheadBytes = std::size_t{2} << 20, kClearAtOnce = 5'000;
constexpr Millis kStoreBehind{200};

}  // namespace

Backlog::Backlog(runtime::Loop& loop, store::StreamStore& store, std::uint64_t destination, std::uint16_t shards,
                 const BacklogSettings& settings, Drained drained, std::function<void()> ready)
    : loop_(loop),
      store_(store),
      destination_(destination),
      settings_(settings),
      drained_(std::move(drained)),
      ready_(std::move(ready)),
      shards_(shards),
      timer_([](void* self) { static_cast<Backlog*>(self)->on_timer(); }, this),
      expiry_([](void* self) { static_cast<Backlog*>(self)->on_expiry(); }, this),
      flush_again_([](void* self) { static_cast<Backlog*>(self)->flush(); }, this) {
  for (std::uint16_t shard = 0; shard < shards; ++shard) lanes_.push_back({shard, 0, 0});
  find_lanes();
  expiry_.set(loop_, loop_.now() + settings_.expire_every);
}

/// Of shards that this start does not have, and of actions whose failures come here.
void Backlog::find_lanes() {
  lanes_due_ = false;
  rule::KeyRange range = rule::queue_range(ForwardKind::queue, destination_);
  range.from = rule::queue_key(ForwardKind::queue, {destination_, shards_, 0});
  while (true) {
    std::optional<rule::QueueKey> first;
    static_cast<void>(store_.scan(store::Family::forward, range.from, range.to, Order::ascending,
                                  [&first](std::string_view key, std::string_view) {
                                    first = rule::read_queue_key(key);
                                    return false;
                                  }));
    if (!first) return;
    if (std::none_of(lanes_.begin(), lanes_.end(), [&](const Lane& lane) { return lane.shard == first->shard; }))
      lanes_.push_back({first->shard, 0, 0});
    range.from = rule::queue_range(ForwardKind::queue, destination_, first->shard).to;
  }
}

bool Backlog::next(Taken& taken) { return next_new(taken) || next_again(taken); }

bool Backlog::next_new(Taken& taken) {
  while (flights_.size() < settings_.most_in_flight) {
    if (ahead_.empty() && !read_ahead()) return false;
    Read read = std::move(ahead_.front());
    ahead_.pop_front();
    const Lane& lane = lanes_[read.lane];
    if (lane.clear_until >= read.sequence) continue;  // clear_some() erases it
    taken.bytes = std::move(read.bytes);
    if (!rule::read_queued(taken.bytes, taken.record) || taken.record.time + settings_.keep.count() < loop_.wall().ms) {
      ++counts_.expired;
      erase(lane.shard, read.sequence, taken.bytes.size());
      continue;
    }
    taken.token = ++tokens_;
    taken.tries = 0;
    const Instant due = loop_.now() + settings_.answer_within;
    flights_[taken.token] = {lane.shard, read.sequence, taken.bytes.size(), taken.record.time, 1, true, due};
    unanswered_.push_back({due, taken.token});
    watch();
    ++counts_.taken;
    return true;
  }
  return false;
}

/// Reads the next few records of one lane, each in its turn.
bool Backlog::read_ahead() {
  if (!has_more_) return false;
  if (lanes_due_) find_lanes();
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    const std::size_t index = (turn_ + i) % lanes_.size();
    Lane& lane = lanes_[index];
    const std::string from = rule::queue_key(ForwardKind::queue, {destination_, lane.shard, lane.next});
    const std::string to = rule::queue_range(ForwardKind::queue, destination_, lane.shard).to;
    std::size_t bytes = 0;
    static_cast<void>(store_.scan(store::Family::forward, from, to, Order::ascending,
                                  [&](std::string_view key, std::string_view value) {
                                    const auto at = rule::read_queue_key(key);
                                    if (!at) return true;
                                    ahead_.push_back({index, at->sequence, std::string(value)});
                                    bytes += value.size();
                                    return ahead_.size() < kReadAhead && bytes < kReadAheadBytes;
                                  }));
    if (ahead_.empty()) continue;
    lane.next = ahead_.back().sequence + 1;
    turn_ = (index + 1) % lanes_.size();
    return true;
  }
  has_more_ = false;
  return false;
}

bool Backlog::next_again(Taken& taken) {
  while (!at_once_.empty()) {
    const std::uint64_t token = at_once_.front();
    at_once_.pop_front();
    if (take_again(token, taken)) return true;
  }
  while (!again_.empty() && again_.front().at <= loop_.now()) {
    const std::uint64_t token = again_.front().token;
    again_.pop_front();
    if (take_again(token, taken)) return true;
  }
  watch();
  return false;
}

bool Backlog::take_again(std::uint64_t token, Taken& taken) {
  const auto found = flights_.find(token);
  if (found == flights_.end() || found->second.is_out) return false;
  Flight& flight = found->second;
  auto bytes = store_.get(store::Family::forward,
                          rule::queue_key(ForwardKind::queue, {destination_, flight.shard, flight.sequence}));
  if (!bytes || flight.time + settings_.keep.count() < loop_.wall().ms) {
    if (bytes) ++counts_.expired;
    const Flight old = flight;
    flights_.erase(found);
    gone(old);
    return false;
  }
  taken.bytes = std::move(*bytes);
  if (!rule::read_queued(taken.bytes, taken.record)) return false;
  taken.token = token;
  taken.tries = flight.tries++;
  flight.is_out = true;
  flight.due = loop_.now() + settings_.answer_within;
  unanswered_.push_back({flight.due, token});
  watch();
  ++counts_.taken;
  return true;
}

std::int64_t Backlog::accept(std::uint64_t token) {
  const auto found = flights_.find(token);
  if (found == flights_.end()) return 0;
  ++counts_.accepted;
  const Flight flight = found->second;
  flights_.erase(found);
  gone(flight);
  return flight.time;
}

void Backlog::give_back(std::uint64_t token, bool at_once) {
  const auto found = flights_.find(token);
  if (found == flights_.end() || !found->second.is_out) return;
  ++counts_.given_back;
  Flight& flight = found->second;
  flight.is_out = false;
  flight.due = at_once ? loop_.now() : loop_.now() + settings_.again_after;
  if (at_once)
    at_once_.push_back(token);
  else
    again_.push_back({flight.due, token});
  if (at_once && ready_) ready_();
  watch();
}

void Backlog::gone(const Flight& flight) { erase(flight.shard, flight.sequence, flight.bytes); }

void Backlog::erase(std::uint16_t shard, std::uint64_t sequence, std::uint64_t bytes) {
  pending_.erase(store::Family::forward, rule::queue_key(ForwardKind::queue, {destination_, shard, sequence}));
  auto& drained = drained_of_[shard];
  ++drained.first;
  drained.second += bytes;
  flush_soon();
}

/// What a pass has got rid of goes to the store together.
void Backlog::flush_soon() {
  if (is_flush_due_) return;
  is_flush_due_ = loop_.post([this, alive = std::weak_ptr(alive_)] {
    if (alive.expired()) return;
    is_flush_due_ = false;
    flush();
  });
  if (!is_flush_due_) flush_again_.set(loop_, loop_.now() + kStoreBehind);
}

void Backlog::flush() {
  if (pending_.empty()) return;
  if (!store_.submit(loop_, pending_, [] {})) {
    flush_again_.set(loop_, loop_.now() + kStoreBehind);
    return;
  }
  pending_.clear();
  for (const auto& [shard, drained] : drained_of_) drained_(shard, drained.first, drained.second);
  drained_of_.clear();
}

void Backlog::watch() {
  Instant at = Instant::never();
  if (!unanswered_.empty()) at = std::min(at, unanswered_.front().at);
  if (!again_.empty()) at = std::min(at, std::max(again_.front().at, loop_.now() + Millis{1}));
  if (at == Instant::never())
    timer_.cancel();
  else if (!timer_.is_set() || at < timer_.at())
    timer_.set(loop_, at);
}

void Backlog::on_timer() {
  while (!unanswered_.empty() && unanswered_.front().at <= loop_.now()) {
    const Due due = unanswered_.front();
    unanswered_.pop_front();
    const auto found = flights_.find(due.token);
    if (found == flights_.end() || !found->second.is_out || found->second.due != due.at) continue;
    found->second.is_out = false;
    found->second.due = loop_.now();
    ++counts_.unanswered;
    at_once_.push_back(due.token);
  }
  const bool is_ready = !at_once_.empty() || (!again_.empty() && again_.front().at <= loop_.now());
  if (is_ready && ready_) ready_();
  // What is ready and has no consumer waits for one: the timer is for what is not ready yet.
  Instant at = Instant::never();
  if (!unanswered_.empty()) at = unanswered_.front().at;
  if (!is_ready && !again_.empty()) at = std::min(at, again_.front().at);
  if (at != Instant::never()) timer_.set(loop_, at);
}

/// Drops what is too old: what waits for its time, and what nobody has read yet.
void Backlog::on_expiry() {
  expiry_.set(loop_, loop_.now() + settings_.expire_every);
  const std::int64_t oldest = loop_.wall().ms - settings_.keep.count();
  for (auto at = flights_.begin(); at != flights_.end();) {
    if (at->second.is_out || at->second.time >= oldest) {
      ++at;
      continue;
    }
    const Flight flight = at->second;
    at = flights_.erase(at);
    ++counts_.expired;
    gone(flight);
  }
  if (!ahead_.empty() || is_clearing_) return;  // somebody is reading: next() looks at the time itself
  for (Lane& lane : lanes_) {
    std::size_t count = 0;
    static_cast<void>(store_.scan(store::Family::forward,
                                  rule::queue_key(ForwardKind::queue, {destination_, lane.shard, lane.next}),
                                  rule::queue_range(ForwardKind::queue, destination_, lane.shard).to, Order::ascending,
                                  [&](std::string_view key, std::string_view value) {
                                    const auto at = rule::read_queue_key(key);
                                    rule::Queued record;
                                    if (!at) return true;
                                    if (rule::read_queued(value, record) && record.time >= oldest) return false;
                                    ++counts_.expired;
                                    erase(lane.shard, at->sequence, value.size());
                                    lane.next = at->sequence + 1;
                                    return ++count < kClearAtOnce;
                                  }));
    if (count == kClearAtOnce) expiry_.set(loop_, loop_.now() + Millis{1});
  }
}

void Backlog::clear(std::function<void(std::uint64_t)> then) {
  cleared_.push_back(std::move(then));
  for (auto& [token, flight] : flights_) {
    ++cleared_records_;
    gone(flight);
  }
  flights_.clear();
  unanswered_.clear();
  again_.clear();
  at_once_.clear();
  for (const Read& read : ahead_) {
    ++cleared_records_;
    erase(lanes_[read.lane].shard, read.sequence, read.bytes.size());
  }
  ahead_.clear();
  for (Lane& lane : lanes_)
    static_cast<void>(store_.scan(store::Family::forward,
                                  rule::queue_key(ForwardKind::queue, {destination_, lane.shard, lane.next}),
                                  rule::queue_range(ForwardKind::queue, destination_, lane.shard).to, Order::descending,
                                  [&lane](std::string_view key, std::string_view) {
                                    if (const auto last = rule::read_queue_key(key)) lane.clear_until = last->sequence;
                                    return false;
                                  }));
  if (!is_clearing_) clear_some();
}

/// A few thousand at a time, so that consumers of other groups do not wait.
void Backlog::clear_some() {
  std::size_t count = 0;
  for (Lane& lane : lanes_) {
    while (lane.clear_until >= lane.next && count < kClearAtOnce) {
      std::uint64_t last = lane.clear_until;
      static_cast<void>(store_.scan(
          store::Family::forward, rule::queue_key(ForwardKind::queue, {destination_, lane.shard, lane.next}),
          rule::queue_key(ForwardKind::queue, {destination_, lane.shard, lane.clear_until + 1}), Order::ascending,
          [&](std::string_view key, std::string_view value) {
            const auto at = rule::read_queue_key(key);
            if (!at) return true;
            erase(lane.shard, at->sequence, value.size());
            ++cleared_records_;
            last = at->sequence;
            return ++count < kClearAtOnce;
          }));
      lane.next = (count < kClearAtOnce ? lane.clear_until : last) + 1;
    }
    if (lane.next > lane.clear_until) lane.clear_until = 0;
  }
  is_clearing_ = count >= kClearAtOnce;
  if (is_clearing_ && loop_.post([this, alive = std::weak_ptr(alive_)] {
        if (!alive.expired()) clear_some();
      }))
    return;
  is_clearing_ = false;
  const std::uint64_t records = std::exchange(cleared_records_, 0);
  for (auto& then : std::exchange(cleared_, {})) then(records);
}

}  // namespace tercet::subscription
