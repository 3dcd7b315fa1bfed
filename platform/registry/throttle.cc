#include "platform/registry/throttle.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "tercet/base/bytes.h"

namespace tercet::registry {
namespace {

constexpr std::size_t kWays = 8;  // places where an entry may be
constexpr std::size_t kMostReports = 1024;

std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

std::uint64_t hash_bytes(Bytes bytes, std::uint64_t seed) {
  std::uint64_t h = mix(seed + bytes.size() + 0x9e3779b97f4a7c15ULL);
  for (std::size_t at = 0; at < bytes.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, std::min<std::size_t>(8, bytes.size() - at));
    h = mix(h ^ word) + 0x9e3779b97f4a7c15ULL;
  }
  return h == 0 ? 1 : h;
}

}  // namespace

Throttle::Throttle(ThrottleLimits limits, std::uint64_t seed) : limits_(limits), seed_(seed) {
  const std::size_t entries = std::bit_ceil(std::max(limits.table_entries, kWays));
  names_ = {std::vector<Entry>(entries), limits.per_name};
  addresses_ = {std::vector<Entry>(entries), limits.per_address};
}

std::uint64_t Throttle::hash(std::string_view text) const { return hash_bytes(as_bytes(text), seed_); }
std::uint64_t Throttle::hash(const runtime::Address& address) const {
  // An IPv6 customer has a whole /64: all of it is one address.
  const bool v4 = std::all_of(address.ip, address.ip + 10, [](std::uint8_t b) { return b == 0; });
  return hash_bytes({address.ip, v4 ? std::size_t{16} : std::size_t{8}}, 0x5eed);  // the same on every shard
}

const Throttle::Entry* Throttle::Table::find(std::uint64_t hash) const {
  const std::size_t mask = entries.size() - 1;
  for (std::size_t way = 0; way < kWays; ++way) {
    const Entry& entry = entries[(hash + way) & mask];
    if (entry.hash == hash) return &entry;
  }
  return nullptr;
}

/// Whether the count has run out: the window has passed, or for one that is being delayed, a window of silence after
/// its delay.
bool Throttle::is_over(const Entry& entry, unsigned allowed, Instant now) const {
  if (entry.hash == 0) return true;
  if (entry.count <= allowed) return now - entry.since >= limits_.window;
  return now - entry.last >= limits_.window + delay(entry.count, allowed);
}

/// One more. A new entry takes the place of the least important of its neighbours.
Millis Throttle::count(Table& table, std::uint64_t hash, Instant now) {
  const std::size_t mask = table.entries.size() - 1;
  const auto importance = [&](const Entry& e) {
    return is_over(e, table.allowed, now) ? std::pair{0U, Millis{0}} : std::pair{e.count, e.last.since_start};
  };
  Entry* place = nullptr;
  for (std::size_t way = 0; way < kWays; ++way) {
    Entry& entry = table.entries[(hash + way) & mask];
    if (entry.hash == hash) {
      place = &entry;
      break;
    }
    if (place == nullptr || importance(entry) < importance(*place)) place = &entry;
  }
  if (place->hash != hash || is_over(*place, table.allowed, now)) *place = {hash, now, now, 0};
  place->last = now;
  ++place->count;
  return delay(place->count, table.allowed);
}

Millis Throttle::delay(unsigned count, unsigned allowed) const {
  if (count <= allowed) return Millis{0};
  const unsigned doublings = std::min(count - allowed - 1, 20U);
  return std::min(limits_.longest_delay, limits_.first_delay * (1 << doublings));
}

Millis Throttle::failed(std::string_view name, const runtime::Address& address, Instant now) {
  const std::uint64_t from = hash(address);
  if (reports_.size() < kMostReports) reports_.push_back(from);
  return std::max(count(names_, hash(name), now), count(addresses_, from, now));
}

void Throttle::succeeded(std::string_view name) {
  if (const Entry* entry = names_.find(hash(name)))
    names_.entries[static_cast<std::size_t>(entry - names_.entries.data())] = {};
}

bool Throttle::is_slowed(std::string_view name, const runtime::Address& address, Instant now) const {
  const auto slowed = [&](const Table& table, std::uint64_t of) {
    const Entry* entry = table.find(of);
    return entry != nullptr && now - entry->last < delay(entry->count, table.allowed);
  };
  return slowed(names_, hash(name)) || slowed(addresses_, hash(address));
}

std::vector<std::uint64_t> Throttle::take_reports() { return std::exchange(reports_, {}); }

void Throttle::heard(const std::vector<std::uint64_t>& addresses, Instant now) {
  for (const std::uint64_t from : addresses) static_cast<void>(count(addresses_, from, now));
}

}  // namespace tercet::registry
