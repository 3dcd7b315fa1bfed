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
    std::array<float, N> sorted = values_;
    std::sort(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(count_));
    return sorted[(count_ - 1) / 2];
  }

 private:
  std::array<float, N> values_{};
  std::size_t next_ = 0, count_ = 0;
};

}  // namespace tercet::climate
