#pragma once
#include <atomic>
#include <cstddef>

namespace tercet::runtime {

/// How many of something there are that several threads add and remove: what a whole process has, or what one thread
/// has sent and another has not taken yet. Any thread.
class SharedCount {
 public:
  void add(std::size_t many = 1) { count_.fetch_add(many, std::memory_order_relaxed); }
  void remove(std::size_t many = 1) { count_.fetch_sub(many, std::memory_order_relaxed); }
  std::size_t value() const { return count_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::size_t> count_{0};
};

}  // namespace tercet::runtime
