#pragma once
#include <atomic>
#include <cstddef>

namespace tercet::runtime {

/// How many of something a whole process has: every shard adds and removes its own. Any thread.
class SharedCount {
 public:
  void add() { count_.fetch_add(1, std::memory_order_relaxed); }
  void remove() { count_.fetch_sub(1, std::memory_order_relaxed); }
  std::size_t value() const { return count_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::size_t> count_{0};
};

}  // namespace tercet::runtime
