#pragma once
#include <algorithm>
#include <array>
#include <cstddef>

namespace tercet::climate {

/// The median of the last N values: one wild sample out of five never shows. N is odd.
template <std::size_t N>
class Median {
  static_assert(N % 2 == 1);

 public:
  void add(float value) {
    values_[next_] = value;
    next_ = (next_ + 1) % N;
    count_ = std::min(count_ + 1, N);
  }
  bool empty() const { return count_ == 0; }
  void clear() { count_ = next_ = 0; }
  /// Of fewer than N values the lower one of the two in the middle. Not empty.
  float value() const {
    std::array<float, N> sorted{};
    for (std::size_t taken = 0; taken < count_; ++taken) {  // insertion: N is small, and std::sort is not
      std::size_t at = taken;
      for (; at > 0 && values_[taken] < sorted[at - 1]; --at) sorted[at] = sorted[at - 1];
      sorted[at] = values_[taken];
    }
    return sorted[(count_ - 1) / 2];
  }

 private:
  std::array<float, N> values_{};
  std::size_t next_ = 0, count_ = 0;
};

}  // namespace tercet::climate
