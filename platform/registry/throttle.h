#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "platform/runtime/stream.h"
#include "tercet/base/time.h"

namespace tercet::registry {

struct ThrottleLimits {
  unsigned per_name = 5;      ///< bad logins of one name within the window before answers are delayed
  unsigned per_address = 20;  ///< the same of one address
  Millis window = std::chrono::minutes{1};
  Millis first_delay = Seconds{1};  ///< doubled by each further bad login
  Millis longest_delay = Seconds{60};
  std::size_t table_entries = 16384;  ///< per table, rounded up to a power of two; 32 bytes each
};

/// Counts bad logins per name and per address and says how long the answer to the next one waits: twice as long each
/// time. Right logins are never delayed, so nobody can lock another's device out. Two tables of fixed size: an attacker
/// with a million names pushes out the least important entries (no delay yet, longest silent), nothing grows.
/// One per shard; addresses are shared between shards by ThrottleFeed.
class Throttle {
 public:
  explicit Throttle(ThrottleLimits limits = {}, std::uint64_t seed = 0);

  /// One more bad login. Gives the delay of its answer: 0, 1 s, 2 s, 4 s, ..., longest_delay.
  Millis failed(std::string_view name, const runtime::Address& address, Instant now);
  /// A right login of the name: its count starts again. (The address keeps its count: it may be guessing others.)
  void succeeded(std::string_view name);
  /// Whether the name or the address has earned a delay that is not over yet.
  bool is_slowed(std::string_view name, const runtime::Address& address, Instant now) const;

  /// The failures of addresses counted here since the last call, for the other shards; at most 1024 are kept.
  std::vector<std::uint64_t> take_reports();
  void heard(const std::vector<std::uint64_t>& addresses, Instant now);

 private:
  struct Entry {
    std::uint64_t hash = 0;  // 0: free
    Instant since{};         // when the window of the count began
    Instant last{};
    std::uint32_t count = 0;
  };
  struct Table {
    std::vector<Entry> entries;
    unsigned allowed;
    const Entry* find(std::uint64_t hash) const;
  };
  bool is_over(const Entry& entry, unsigned allowed, Instant now) const;
  Millis count(Table& table, std::uint64_t hash, Instant now);
  Millis delay(unsigned count, unsigned allowed) const;
  std::uint64_t hash(std::string_view text) const;
  std::uint64_t hash(const runtime::Address& address) const;

  ThrottleLimits limits_;
  std::uint64_t seed_;
  Table names_, addresses_;
  std::vector<std::uint64_t> reports_;
};

}  // namespace tercet::registry
