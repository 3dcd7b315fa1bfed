#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "tercet/mqtt/packet.h"

namespace tercet::broker {

/// The PUBACKs and PUBRECs of one connection that are withheld, in the order their messages came: one leaves only after
/// all before it [MQTT-4.6.0-2, MQTT-4.6.0-3]. A ticket names a place in that order.
class AckLine {
 public:
  struct Entry {
    std::uint16_t packet_id = 0;
    mqtt::PacketType type = mqtt::PacketType::puback;
    mqtt::ReasonCode reason = mqtt::ReasonCode::success;
    bool ready = false;
  };

  bool empty() const { return first_ == end_; }
  std::size_t size() const { return end_ - first_; }

  std::uint32_t push(std::uint16_t packet_id, mqtt::PacketType type) {
    if (size() == ring_.size()) grow();
    ring_[end_ & (ring_.size() - 1)] = {packet_id, type, mqtt::ReasonCode::success, false};
    return end_++;
  }
  /// Marks one as due. A ticket that is not in the line is ignored.
  void ready(std::uint32_t ticket, mqtt::ReasonCode reason) {
    if (ticket - first_ >= size()) return;
    Entry& entry = ring_[ticket & (ring_.size() - 1)];
    entry.ready = true;
    entry.reason = reason;
  }
  /// The next that may leave.
  std::optional<Entry> pop() {
    if (empty()) return std::nullopt;
    const Entry entry = ring_[first_ & (ring_.size() - 1)];
    if (!entry.ready) return std::nullopt;
    ++first_;
    return entry;
  }

 private:
  void grow() {
    std::vector<Entry> larger(ring_.empty() ? 4 : ring_.size() * 2);
    for (std::uint32_t i = first_; i != end_; ++i) larger[i & (larger.size() - 1)] = ring_[i & (ring_.size() - 1)];
    ring_.swap(larger);
  }
  std::vector<Entry> ring_;
  std::uint32_t first_ = 0;
  std::uint32_t end_ = 0;
};

}  // namespace tercet::broker
