#include "platform/openapi/nonces.h"

namespace tercet::openapi {

Nonces::Use Nonces::use(std::string_view access_key_id, std::string_view nonce, Instant now) {
  while (!by_age_.empty() && by_age_.front().until <= now) {
    known_.erase(known_.find(*by_age_.front().key));
    by_age_.pop_front();
  }
  std::string key;
  key.append(access_key_id).append("\n").append(nonce);
  if (known_.contains(key)) return Use::used;
  if (known_.size() >= capacity_) return Use::full;
  const auto at = known_.insert(std::move(key)).first;
  by_age_.push_back({now + kKeep, &*at});
  return Use::fresh;
}

}  // namespace tercet::openapi
