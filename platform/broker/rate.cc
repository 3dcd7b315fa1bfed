#include "platform/broker/rate.h"

#include "platform/broker/hash.h"

namespace tercet::broker {

bool NameRates::take(std::string_view name, std::uint32_t per_minute, Instant now) {
  if (per_minute == 0) return true;
  const std::int64_t ms = now.since_start.count();
  if (names_.size() >= sweep_at_) sweep(ms);
  const std::int64_t full = kMinute * per_minute;
  const auto [place, is_new] = names_.try_emplace(seeded_hash(name, seed_), Credit{ms, full});
  Credit& known = place->second;
  known.credit = std::min(full, known.credit + (ms - known.at_ms) * per_minute);
  known.at_ms = ms;
  if (known.credit < kMinute) return false;
  known.credit -= kMinute;
  return true;
}

void NameRates::sweep(std::int64_t ms) {
  std::erase_if(names_, [ms](const auto& each) { return ms - each.second.at_ms >= kMinute; });
  sweep_at_ = std::max<std::size_t>(1024, 2 * names_.size());
}

}  // namespace tercet::broker
