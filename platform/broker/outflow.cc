#include "platform/broker/outflow.h"

#include <algorithm>
#include <utility>

namespace tercet::broker {

void Outflow::grow() {
  const std::uint32_t capacity = std::max<std::uint32_t>(8, capacity_ * 2);
  auto ring = std::make_unique<Flight[]>(capacity);
  for (std::uint64_t i = first_; i < end_; ++i) ring[i & (capacity - 1)] = std::move(ring_[i & mask_]);
  ring_ = std::move(ring);
  capacity_ = capacity;
  mask_ = capacity - 1;
}

}  // namespace tercet::broker
