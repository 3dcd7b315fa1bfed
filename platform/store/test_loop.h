#pragma once
#include <condition_variable>
#include <functional>
#include <mutex>
#include <vector>

#include "platform/runtime/loop.h"
#include "platform/runtime/random.h"
#include "platform/runtime/timer_wheel.h"

namespace tercet::store {

/// A Loop for tests: any thread posts, the test runs what was posted and moves the time. No sockets.
class TestLoop final : public runtime::Loop {
 public:
  explicit TestLoop(std::size_t capacity = 1 << 20) : capacity_(capacity) {}

  Instant now() const override { return now_; }
  UnixMillis wall() const override { return {1'700'000'000'000 + now_.since_start.count()}; }
  runtime::Random& random() override { return random_; }
  runtime::TimerWheel& timers() override { return timers_; }
  bool post(runtime::Task task) override {
    const std::lock_guard lock(mutex_);
    if (tasks_.size() >= capacity_) return false;
    tasks_.push_back(std::move(task));
    arrived_.notify_one();
    return true;
  }
  void attach(runtime::Stream&, runtime::StreamEvents&) override {}
  void detach(runtime::Stream&) override {}
  void want_write(runtime::Stream&) override {}
  void each_pass(std::function<void()> flush) override { flushes_.push_back(std::move(flush)); }
  Result<runtime::Address> listen(const runtime::Address&, Accept) override { return fail(Error::unsupported); }
  void stop_listening() override {}
  std::string last_error() const override { return {}; }

  /// One pass over what was posted so far. Gives the number of tasks run.
  std::size_t run() {
    std::vector<runtime::Task> tasks;
    {
      const std::lock_guard lock(mutex_);
      tasks.swap(tasks_);
    }
    for (auto& task : tasks) task();
    for (const auto& flush : flushes_) flush();
    return tasks.size();
  }
  /// Passes until nothing is left.
  void settle() {
    while (run() != 0) {
    }
  }
  /// Waits for tasks of other threads until `done` holds. False after 30 s.
  template <typename Done>
  bool run_until(Done&& done) {
    while (!done()) {
      if (run() != 0) continue;
      std::unique_lock lock(mutex_);
      if (!arrived_.wait_for(lock, std::chrono::seconds(30), [this] { return !tasks_.empty(); })) return false;
    }
    return true;
  }
  /// Runs what was posted, then moves the time, running timers and what they post on the way.
  void advance(Millis by) {
    settle();
    const Instant until = now_ + by;
    while (now_ < until) {
      now_ = std::min(until, std::max(now_ + Millis{1}, timers_.next_wake()));
      timers_.advance(now_);
      settle();
    }
  }
  void set_capacity(std::size_t capacity) {
    const std::lock_guard lock(mutex_);
    capacity_ = capacity;
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::size_t capacity_;
  std::vector<runtime::Task> tasks_;
  std::vector<std::function<void()>> flushes_;
  Instant now_{};
  runtime::TimerWheel timers_{Instant{}};
  runtime::SeededRandom random_{7};
};

}  // namespace tercet::store
