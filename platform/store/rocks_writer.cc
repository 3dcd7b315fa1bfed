#include "platform/store/rocks_writer.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace tercet::store {
namespace {

constexpr auto kRetry = std::chrono::milliseconds(1);  // a loop's queue was full: try again
constexpr int kLastTries = 1000;                       // the same at close, when the loop may have stopped for good

}  // namespace

RocksStore::Writer::Writer(Engine& engine, const RocksOptions& options)
    : engine_(engine), max_waiting_bytes_(options.max_waiting_bytes), max_group_bytes_(options.max_group_bytes) {
  thread_ = std::thread([this] { work(); });
  pthread_setname_np(thread_.native_handle(), "tercet-store");
}

RocksStore::Writer::~Writer() { close(); }

Result<void> RocksStore::Writer::submit(runtime::Loop& origin, Mutations mutations, runtime::Task on_durable) {
  const std::size_t bytes = mutations.bytes();
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    if (!failure_.empty()) return fail(Error::io_failed);
    if (closing_) return fail(Error::closed);
    if (waiting_bytes_ > 0 && waiting_bytes_ + bytes > max_waiting_bytes_) return fail(Error::no_space);
    waiting_bytes_ += bytes;
    waiting_.push_back({&origin, std::move(mutations), std::move(on_durable)});
    wake = std::exchange(idle_, false);
  }
  if (wake) arrived_.notify_one();
  return {};
}

void RocksStore::Writer::close() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    idle_ = false;
  }
  arrived_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void RocksStore::Writer::work() {
  std::vector<Submission> group;
  while (take(group)) {
    if (!group.empty()) commit(group);
    group.clear();
    deliver();
  }
  for (int tries = 0; !deliveries_.empty() && tries < kLastTries; ++tries) {
    {
      std::unique_lock lock(mutex_);
      arrived_.wait_for(lock, kRetry);
    }
    deliver();
  }
}

/// Waits for work. An empty group: only deliveries are to be tried again. False: closed, and nothing is left.
bool RocksStore::Writer::take(std::vector<Submission>& group) {
  std::unique_lock lock(mutex_);
  while (waiting_.empty()) {
    if (closing_) return false;
    idle_ = true;
    const auto woken = [this] { return !idle_; };
    if (deliveries_.empty()) {
      arrived_.wait(lock, woken);
    } else if (!arrived_.wait_for(lock, kRetry, woken)) {
      idle_ = false;
      return true;
    }
  }
  for (std::size_t bytes = 0; !waiting_.empty() && (group.empty() || bytes < max_group_bytes_);) {
    bytes += waiting_.front().mutations.bytes();
    group.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  return true;
}

void RocksStore::Writer::commit(std::vector<Submission>& group) {
  batch_.Clear();
  std::size_t bytes = 0, mutations = 0;
  for (const Submission& submission : group) {
    engine_.add(batch_, submission.mutations);
    bytes += submission.mutations.bytes();
    mutations += submission.mutations.count();
  }
  const auto began = std::chrono::steady_clock::now();
  bool failed_before;
  {
    const std::lock_guard lock(mutex_);
    failed_before = !failure_.empty();
  }
  rocksdb::Status written;
  if (!failed_before) written = engine_.write(batch_);
  const auto took = std::chrono::steady_clock::now() - began;
  const bool durable = !failed_before && written.ok();
  {
    const std::lock_guard lock(mutex_);
    waiting_bytes_ -= bytes;
    if (!failed_before && !written.ok()) failure_ = "a write failed: " + written.ToString();
  }
  if (durable) {
    commits_.fetch_add(1, std::memory_order_relaxed);
    mutations_.fetch_add(mutations, std::memory_order_relaxed);
    bytes_.fetch_add(bytes, std::memory_order_relaxed);
    sync_micros_.fetch_add(
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(took).count()),
        std::memory_order_relaxed);
  }
  address(group, durable);
}

/// Sorts the group's completions by the loops they belong to, in the order of submission.
void RocksStore::Writer::address(std::vector<Submission>& group, bool durable) {
  const std::size_t older = deliveries_.size();
  for (Submission& submission : group) {
    if (!submission.on_durable) continue;
    const auto fits = [&](const Delivery& d) { return d.origin == submission.origin; };
    auto at = std::find_if(deliveries_.begin() + static_cast<std::ptrdiff_t>(older), deliveries_.end(), fits);
    if (at == deliveries_.end()) {
      deliveries_.push_back({submission.origin, std::make_shared<std::vector<runtime::Task>>(), durable});
      at = deliveries_.end() - 1;
    }
    at->tasks->push_back(std::move(submission.on_durable));
  }
}

void RocksStore::Writer::deliver() {
  std::vector<runtime::Loop*> full;  // a loop that refused one must not get a later one
  std::deque<Delivery> left;
  for (Delivery& delivery : deliveries_) {
    const bool blocked = std::find(full.begin(), full.end(), delivery.origin) != full.end();
    if (!blocked && delivery.origin->post([tasks = delivery.tasks, run = delivery.run] {
          for (runtime::Task& task : *tasks) {
            if (run)
              task();
            else
              task = {};
          }
          tasks->clear();
        }))
      continue;
    if (!blocked) full.push_back(delivery.origin);
    left.push_back(std::move(delivery));
  }
  deliveries_ = std::move(left);
}

RocksStore::Counters RocksStore::Writer::counters() const {
  return {commits_.load(std::memory_order_relaxed), mutations_.load(std::memory_order_relaxed),
          bytes_.load(std::memory_order_relaxed), sync_micros_.load(std::memory_order_relaxed)};
}

std::string RocksStore::Writer::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

}  // namespace tercet::store
