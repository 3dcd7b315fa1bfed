#pragma once
#include <atomic>
#include <cstddef>
#include <mutex>
#include <vector>

#include "platform/runtime/task.h"

namespace tercet::runtime {

/// The bounded queue through which other threads reach a loop. Any thread pushes; the loop takes all at once, by
/// swapping vectors. A push says whether the loop sleeps and must be woken: at most once per sleep.
class Inbox {
 public:
  explicit Inbox(std::size_t capacity) : capacity_(capacity) {}

  enum class Push : unsigned char { refused, queued, wake };
  Push push(Task task) {
    const std::lock_guard lock(mutex_);
    if (closed_ || tasks_.size() >= capacity_) return Push::refused;
    tasks_.push_back(std::move(task));
    waiting_.store(true, std::memory_order_relaxed);
    if (!asleep_) return Push::queued;
    asleep_ = false;
    return Push::wake;
  }
  /// Swaps what has gathered for `into`, which must be empty. Loop's thread.
  void take(std::vector<Task>& into) {
    if (!waiting_.load(std::memory_order_relaxed)) return;
    const std::lock_guard lock(mutex_);
    tasks_.swap(into);
    waiting_.store(false, std::memory_order_relaxed);
  }
  /// False when a task waits: do not sleep. Loop's thread; after the sleep call wake_up().
  bool fall_asleep() {
    const std::lock_guard lock(mutex_);
    if (!tasks_.empty()) return false;
    asleep_ = true;
    return true;
  }
  void wake_up() {
    const std::lock_guard lock(mutex_);
    asleep_ = false;
  }
  /// Every later push is refused.
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }

 private:
  const std::size_t capacity_;
  std::mutex mutex_;
  std::vector<Task> tasks_;
  std::atomic<bool> waiting_{false};
  bool asleep_ = false;
  bool closed_ = false;
};

}  // namespace tercet::runtime
