#include "platform/rule/pump.h"

#include <algorithm>
#include <utility>

namespace tercet::rule {
namespace {

using Order = store::StreamStore::Order;
constexpr std::size_t kMaxBatchBytes = std::size_t{4} << 20;
constexpr Millis kStoreBehind{500};

}  // namespace

std::string_view name(PumpState::Status status) {
  static constexpr std::string_view kNames[] = {"idle", "sending", "pausing", "open"};
  return kNames[static_cast<std::size_t>(status)];
}

Pump::Pump(runtime::Loop& loop, store::StreamStore& store, std::uint64_t destination, std::uint16_t shards,
           std::unique_ptr<Sink> sink, const PumpSettings& settings, Drained drained)
    : loop_(loop),
      store_(store),
      destination_(destination),
      shards_(shards),
      sink_(std::move(sink)),
      settings_(settings),
      drained_(std::move(drained)),
      timer_(&Pump::on_timer, this) {
  for (std::uint16_t shard = 0; shard < shards; ++shard) lanes_.push_back({shard, 0});
  lanes_.push_back({kReplayLane, 0});
  find_lanes();
  count_dead();
}

/// There may be records of shards that this start does not have, and of an earlier replay.
void Pump::find_lanes() {
  KeyRange range = queue_range(ForwardKind::queue, destination_);
  while (true) {
    std::optional<QueueKey> first;
    static_cast<void>(store_.scan(store::Family::forward, range.from, range.to, Order::ascending,
                                  [&](std::string_view key, std::string_view) {
                                    first = read_queue_key(key);
                                    return false;
                                  }));
    if (!first) return;
    const auto known =
        std::find_if(lanes_.begin(), lanes_.end(), [&](const Lane& lane) { return lane.shard == first->shard; });
    if (known == lanes_.end()) lanes_.push_back({first->shard, 0});
    const KeyRange lane = queue_range(ForwardKind::queue, destination_, first->shard);
    if (first->shard == kReplayLane)
      static_cast<void>(store_.scan(store::Family::forward, lane.from, lane.to, Order::descending,
                                    [&](std::string_view key, std::string_view) {
                                      if (const auto last = read_queue_key(key)) replay_next_ = last->sequence + 1;
                                      return false;
                                    }));
    range.from = lane.to;
  }
}

void Pump::count_dead() {
  const KeyRange range = queue_range(ForwardKind::dead, destination_);
  const auto sequence = [&](Order order, std::uint64_t otherwise) {
    static_cast<void>(
        store_.scan(store::Family::forward, range.from, range.to, order, [&](std::string_view key, std::string_view) {
          if (const auto at = read_queue_key(key)) otherwise = at->sequence;
          return false;
        }));
    return otherwise;
  };
  dead_first_ = sequence(Order::ascending, 1);
  dead_next_ = sequence(Order::descending, 0) + 1;
}

void Pump::wake() {
  if (state_.status == PumpState::Status::idle) go_soon();
}

void Pump::wake_all() {
  find_lanes();
  wake();
}

void Pump::go_soon() {
  if (is_posted_) return;
  is_posted_ = loop_.post([this, alive = std::weak_ptr(alive_)] {
    if (alive.expired()) return;
    is_posted_ = false;
    go();
  });
  if (!is_posted_) timer_.set(loop_, loop_.now() + Millis{100});
}

bool Pump::read_lane(Lane& lane, std::vector<Read>& batch, std::size_t most) {
  const KeyRange range = queue_range(ForwardKind::queue, destination_, lane.shard);
  const std::string from = queue_key(ForwardKind::queue, {destination_, lane.shard, lane.next});
  std::size_t bytes = 0;
  static_cast<void>(store_.scan(store::Family::forward, from, range.to, Order::ascending,
                                [&](std::string_view key, std::string_view value) {
                                  const auto at = read_queue_key(key);
                                  if (!at) return true;
                                  batch.push_back({*at, std::string(value), {}});
                                  bytes += value.size();
                                  return batch.size() < most && bytes < kMaxBatchBytes;
                                }));
  // Only now that no string moves any more; a record that cannot be read is buried as it is.
  for (Read& read : batch)
    if (!read_queued(read.bytes, read.record)) read.record = {};
  return !batch.empty();
}

bool Pump::read_batch(std::vector<Read>& batch, std::size_t most) {
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    Lane& lane = lanes_[(turn_ + i) % lanes_.size()];
    if (!read_lane(lane, batch, most)) continue;
    turn_ = (turn_ + i) % lanes_.size();
    return true;
  }
  return false;
}

std::size_t Pump::allowed() {
  const std::size_t most =
      state_.failures_in_row >= settings_.failures_to_open ? 1 : std::max<std::size_t>(sink_->max_batch(), 1);
  if (settings_.per_second == 0) return most;
  const std::int64_t now = loop_.wall().ms;
  const double rate = settings_.per_second;
  if (filled_ != 0)
    tokens_ = std::min(rate, tokens_ + rate * static_cast<double>(std::max<std::int64_t>(now - filled_, 0)) / 1000);
  filled_ = now;
  if (tokens_ >= 1) return std::min(most, static_cast<std::size_t>(tokens_));
  timer_.set(loop_, loop_.now() + Millis{static_cast<std::int64_t>((1 - tokens_) * 1000 / rate) + 1});
  return 0;
}

void Pump::flush() {
  if (pending_.empty()) return;
  const auto done = [this, has_buried = has_buried_, alive = std::weak_ptr(alive_)] {
    if (has_buried && !alive.expired() && buried_durable_) buried_durable_();
  };
  if (!store_.submit(loop_, pending_, done)) return;
  pending_.clear();
  has_buried_ = false;
}

void Pump::go() {
  flush();
  if (!pending_.empty()) {  // the store is behind: what is delivered now could not be noted
    timer_.set(loop_, loop_.now() + kStoreBehind);
    return;
  }
  if (loop_.wall().ms < not_before_) {
    timer_.set(loop_, loop_.now() + Millis{not_before_ - loop_.wall().ms});
    return;
  }
  const std::size_t most = allowed();
  if (most == 0) return;
  std::vector<Read> batch;
  if (!read_batch(batch, most)) {
    state_.status = PumpState::Status::idle;
    state_.oldest = 0;
    return;
  }
  state_.oldest = batch.front().record.time;
  if (state_.status == PumpState::Status::idle) state_.status = PumpState::Status::sending;
  if (const std::size_t buried = bury_expired(batch); buried != 0) return go_soon();
  std::vector<Queued> records;
  for (const Read& read : batch) records.push_back(read.record);
  const Sent sent = sink_->send(records, loop_.wall());
  const std::size_t taken = std::min(sent.stop == Sent::Stop::none ? records.size() : sent.taken, records.size());
  tokens_ -= static_cast<double>(taken);
  state_.sent += taken;
  finish(std::span(batch).first(taken), {});
  if (sent.stop == Sent::Stop::retry && taken < records.size()) {
    if (taken != 0) state_.failures_in_row = 0, pause_ = Millis{0};
    fail(sent);
    return;
  }
  state_.failures_in_row = 0;
  pause_ = Millis{0};
  not_before_ = sent.after.count() == 0 ? 0 : loop_.wall().ms + sent.after.count();
  state_.status = PumpState::Status::sending;
  if (sent.stop == Sent::Stop::reject && taken < records.size()) {
    state_.cause = sent.cause;
    finish(std::span(batch).subspan(taken, 1), sent.cause);
  } else {
    state_.cause.clear();
  }
  turn_ = (turn_ + 1) % lanes_.size();  // every shard has its turn
  go_soon();
}

/// Those at the front that are too old, or cannot be read.
std::size_t Pump::bury_expired(const std::vector<Read>& batch) {
  const std::int64_t oldest = loop_.wall().ms - settings_.give_up_after.count();
  std::size_t count = 0;
  const auto is_over = [&](const Read& read) {
    return read.record.time == 0 || (read.record.time < oldest && read.key.shard != kReplayLane);
  };
  while (count < batch.size() && is_over(batch[count])) ++count;
  for (std::size_t i = 0; i < count; ++i)
    finish(std::span(batch).subspan(i, 1), batch[i].record.time == 0 ? "the record is damaged"
                                           : state_.cause.empty()    ? "too old"
                                                                     : std::string_view(state_.cause));
  return count;
}

/// These records are dealt with: delivered, or dead of a cause.
void Pump::finish(std::span<const Read> records, std::string_view dead_cause) {
  if (records.empty()) return;
  std::uint64_t bytes = 0;
  for (const Read& read : records) {
    bytes += read.bytes.size();
    pending_.erase(store::Family::forward, queue_key(ForwardKind::queue, read.key));
    if (!dead_cause.empty()) put_dead(read, dead_cause);
  }
  const QueueKey& last = records.back().key;
  for (Lane& lane : lanes_)
    if (lane.shard == last.shard) lane.next = last.sequence + 1;
  flush();
  if (last.shard != kReplayLane && last.shard < shards_) drained_(last.shard, records.size(), bytes);
}

void Pump::put_dead(const Read& read, std::string_view cause) {
  std::string letter;
  append_dead_letter(letter, read.bytes, loop_.wall().ms, cause.substr(0, 1000));
  pending_.put(store::Family::forward, queue_key(ForwardKind::dead, {destination_, 0, dead_next_++}), letter);
  ++state_.dead;
  if (!buried_ || read.record.time == 0) return trim_dead();
  buried_(read.record, cause, pending_);
  has_buried_ = true;
  trim_dead();
}

void Pump::trim_dead() {
  while (dead_next_ - dead_first_ > settings_.max_dead)
    pending_.erase(store::Family::forward, queue_key(ForwardKind::dead, {destination_, 0, dead_first_++}));
}

void Pump::fail(const Sent& sent) {
  ++state_.failures;
  ++state_.failures_in_row;
  state_.cause = sent.cause;
  state_.status =
      state_.failures_in_row >= settings_.failures_to_open ? PumpState::Status::open : PumpState::Status::pausing;
  pause_ = pause_.count() == 0 ? settings_.first_pause : std::min(pause_ * 2, settings_.longest_pause);
  // Between half and the whole of it, so that what failed together does not come back together.
  const auto span = static_cast<std::uint64_t>(std::max<std::int64_t>(pause_.count() / 2, 1));
  Millis wait{pause_.count() - static_cast<std::int64_t>(loop_.random().next() % span)};
  wait = std::max(wait, sent.after);
  not_before_ = loop_.wall().ms + wait.count();
  timer_.set(loop_, loop_.now() + wait);
}

std::uint64_t Pump::replay(std::uint64_t most) {
  const KeyRange range = queue_range(ForwardKind::dead, destination_);
  std::uint64_t count = 0;
  static_cast<void>(
      store_.scan(store::Family::forward, range.from, range.to, Order::ascending,
                  [&](std::string_view key, std::string_view value) {
                    if (count >= most) return false;
                    DeadLetter letter;
                    const auto at = read_queue_key(key);
                    if (!at || !read_dead_letter(value, letter)) return true;
                    std::string record;
                    append_queued(record, letter.record);
                    pending_.put(store::Family::forward,
                                 queue_key(ForwardKind::queue, {destination_, kReplayLane, replay_next_++}), record);
                    pending_.erase(store::Family::forward, key);
                    dead_first_ = at->sequence + 1;
                    ++count;
                    return true;
                  }));
  if (count == 0) return 0;
  auto submitted = std::exchange(pending_, {});
  const auto taken = store_.submit(loop_, submitted, [this, alive = std::weak_ptr(alive_)] {
    if (!alive.expired()) wake();
  });
  if (!taken) pending_ = std::move(submitted);
  return count;
}

void Pump::discard_dead() {
  const KeyRange range = queue_range(ForwardKind::dead, destination_);
  pending_.erase_range(store::Family::forward, range.from, range.to);
  dead_first_ = dead_next_;
  flush();
}

Result<void> Pump::each_dead(store::StreamStore& store, std::uint64_t destination,
                             const std::function<bool(const QueueKey&, const DeadLetter&)>& visit) {
  const KeyRange range = queue_range(ForwardKind::dead, destination);
  return store.scan(store::Family::forward, range.from, range.to, Order::ascending,
                    [&](std::string_view key, std::string_view value) {
                      DeadLetter letter;
                      const auto at = read_queue_key(key);
                      return !at || !read_dead_letter(value, letter) || visit(*at, letter);
                    });
}

}  // namespace tercet::rule
