#pragma once
#include <deque>
#include <string>
#include <string_view>
#include <unordered_set>

#include "tercet/base/time.h"

namespace tercet::openapi {

/// Which signature nonces have been used, so that a recorded request cannot be sent again. A nonce is kept for as long
/// as its request's timestamp would be accepted; after that the timestamp refuses the replay. Bounded: when it is full
/// of fresh nonces, new requests are refused rather than old nonces forgotten. Only correctly signed requests get here,
/// so strangers cannot fill it. Time is handed in.
class Nonces {
 public:
  static constexpr std::size_t kCapacity = 200'000;
  static constexpr Seconds kKeep{2 * 15 * 60};  ///< a timestamp may be 15 minutes ahead and then 15 minutes old

  enum class Use : unsigned char { fresh, used, full };
  explicit Nonces(std::size_t capacity = kCapacity) : capacity_(capacity) {}
  Use use(std::string_view access_key_id, std::string_view nonce, Instant now);
  std::size_t size() const { return known_.size(); }

 private:
  struct Seen {
    Instant until;
    const std::string* key;  ///< in known_, whose elements do not move
  };
  std::size_t capacity_;
  std::unordered_set<std::string> known_;
  std::deque<Seen> by_age_;
};

}  // namespace tercet::openapi
