#include "platform/registry/certificate_index.h"

#include <mutex>
#include <utility>

namespace tercet::registry {

void CertificateIndex::put(std::string_view sha256, Bound bound) {
  const std::unique_lock held(lock_);
  bound_.insert_or_assign(std::string(sha256), std::move(bound));
  in_use_.store(true, std::memory_order_relaxed);
}

std::optional<CertificateIndex::Bound> CertificateIndex::find(std::string_view sha256) const {
  const std::shared_lock held(lock_);
  const auto found = bound_.find(sha256);
  if (found == bound_.end()) return std::nullopt;
  return found->second;
}

}  // namespace tercet::registry
