#include "platform/openapi/nonces.h"

#include <algorithm>
#include <cstring>

#include "tercet/crypto/digest.h"

namespace tercet::openapi {

void Nonces::forget(UnixMillis wall) {
  while (!ends_.empty() && ends_.begin()->first * 1000 < wall.ms) {
    for (const Batch& batch : ends_.begin()->second) {
      for (const Hash& hash : batch.nonces) known_.erase(hash);
      const auto counted = of_key_.find(batch.key);
      counted->second -= batch.nonces.size();
      if (counted->second == 0) of_key_.erase(counted);
    }
    ends_.erase(ends_.begin());
  }
}

Nonces::Use Nonces::use(std::string_view access_key_id, std::string_view nonce, UnixMillis until, UnixMillis wall) {
  forget(wall);
  const crypto::Digest digest = crypto::sha256(std::string(access_key_id).append("\n").append(nonce));
  Hash hash;
  std::memcpy(hash.data(), digest.view().data(), sizeof hash);
  if (known_.contains(hash)) return Use::used;
  std::string key(access_key_id);
  std::size_t& of_key = of_key_[key];
  if (of_key >= per_key_ || known_.size() >= in_total_) {
    if (of_key == 0) of_key_.erase(key);
    return Use::full;
  }
  ++of_key;
  known_.insert(hash);
  std::vector<Batch>& batches = ends_[(until.ms + 999) / 1000];
  const auto mine = std::find_if(batches.begin(), batches.end(), [&](const Batch& batch) { return batch.key == key; });
  if (mine == batches.end())
    batches.push_back({std::move(key), {hash}});
  else
    mine->nonces.push_back(hash);
  return Use::fresh;
}

}  // namespace tercet::openapi
