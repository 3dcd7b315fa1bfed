#include "climate/remote_rules.h"

namespace tercet::climate {

MutableBytes RemoteRules::Hands::room() { return rules.text(); }

device::RemoteConfigEvents::Verdict RemoteRules::Hands::on_config(Bytes text, Instant now) {
  edge::Problem problem;
  const auto taken = rules.offer(as_text(text), 0, now, problem);
  if (events != nullptr) events->on_offered(problem);
  if (taken) return Verdict::taken;
  // What the store had no room for may come again.
  const bool is_final = taken.error() == Error::malformed || taken.error() == Error::version_conflict;
  return is_final ? Verdict::refused : Verdict::unable;
}

bool RemoteRules::Hands::has_memory() { return events == nullptr || events->has_room(); }

void RemoteRules::Hands::on_fetch(std::string_view url, std::uint32_t bytes) {
  if (events != nullptr) events->on_fetch(url, bytes);
}

void RemoteRules::Hands::on_fetch_failed(const device::FetchFailure& failure, std::string_view detail,
                                         Millis retry_in) {
  if (events != nullptr) events->on_fetch_failed(failure, detail, retry_in);
}

}  // namespace tercet::climate
