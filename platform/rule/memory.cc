#include "platform/rule/memory.h"

#include <algorithm>

#include "platform/rule/record_fields.h"

namespace tercet::rule {
namespace {

constexpr char kVersion = 1;

bool read(std::string_view in, DeviceMemory& memory) {
  if (in.empty() || in.front() != kVersion) return false;
  in.remove_prefix(1);
  std::uint8_t raised = 0;
  std::uint16_t count = 0;
  if (!take_field(in, raised) || !take_field(in, memory.raised_at) || !take_field(in, memory.told_at) ||
      !take_field(in, memory.changed_at) || !take_field(in, count))
    return false;
  memory.is_raised = raised != 0;
  memory.memories.resize(count);
  for (Memory& one : memory.memories) {
    std::uint8_t flags = 0, slots = 0;
    if (!take_field(in, flags) || !take_field(in, one.since)) return false;
    one.is_on = (flags & 1) != 0;
    if ((flags & 2) == 0) continue;
    one.window.resize(1);
    if (!take_field(in, slots) || slots > Window::kSlots) return false;
    for (std::uint8_t i = 0; i < slots; ++i) {
      Window::Slot slot;
      if (!take_field(in, slot.at) || !take_field(in, slot.count) || !take_field(in, slot.sum) ||
          !take_field(in, slot.least) || !take_field(in, slot.most))
        return false;
      if (slot.at < 0) return false;
      one.window[0].slots[static_cast<std::size_t>(slot.at) % Window::kSlots] = slot;
    }
  }
  return in.empty();
}

}  // namespace

void Window::add(std::int64_t now_ms, std::int64_t length_ms, double value) {
  const std::int64_t at = now_ms * static_cast<std::int64_t>(kSlots) / length_ms;
  Slot& slot = slots[static_cast<std::size_t>(at) % kSlots];
  if (slot.at != at) slot = {at, 0, 0, value, value};
  ++slot.count;
  slot.sum += value;
  slot.least = std::min(slot.least, value);
  slot.most = std::max(slot.most, value);
}

Window::Sums Window::sums(std::int64_t now_ms, std::int64_t length_ms) const {
  const std::int64_t newest = now_ms * static_cast<std::int64_t>(kSlots) / length_ms;
  Sums sums;
  for (const Slot& slot : slots) {
    if (slot.at < 0 || slot.at > newest || slot.at + static_cast<std::int64_t>(kSlots) <= newest) continue;
    sums.least = sums.count == 0 ? slot.least : std::min(sums.least, slot.least);
    sums.most = sums.count == 0 ? slot.most : std::max(sums.most, slot.most);
    sums.count += slot.count;
    sums.sum += slot.sum;
  }
  return sums;
}

void append_memory(std::string& out, const DeviceMemory& memory) {
  out += kVersion;
  append_field(out, static_cast<std::uint8_t>(memory.is_raised ? 1 : 0));
  append_field(out, memory.raised_at), append_field(out, memory.told_at), append_field(out, memory.changed_at);
  append_field(out, static_cast<std::uint16_t>(memory.memories.size()));
  for (const Memory& one : memory.memories) {
    append_field(out, static_cast<std::uint8_t>((one.is_on ? 1 : 0) | (one.window.empty() ? 0 : 2)));
    append_field(out, one.since);
    if (one.window.empty()) continue;
    const auto& slots = one.window[0].slots;
    const auto used = std::count_if(slots.begin(), slots.end(), [](const Window::Slot& slot) { return slot.at >= 0; });
    append_field(out, static_cast<std::uint8_t>(used));
    for (const Window::Slot& slot : slots) {
      if (slot.at < 0) continue;
      append_field(out, slot.at), append_field(out, slot.count), append_field(out, slot.sum),
          append_field(out, slot.least), append_field(out, slot.most);
    }
  }
}

bool read_memory(std::string_view in, DeviceMemory& memory) {
  if (read(in, memory)) return true;
  memory = {};
  return false;
}

}  // namespace tercet::rule
