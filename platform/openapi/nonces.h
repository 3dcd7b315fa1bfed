#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "tercet/base/time.h"

namespace tercet::openapi {

/// Which signature nonces have been used, so that a recorded request cannot be sent again. A nonce is kept for as long
/// as its request's timestamp would be accepted; after that the timestamp refuses the replay. Bounded, for each key and
/// in total: when it is full of fresh nonces, new requests are refused rather than old nonces forgotten. Only correctly
/// signed requests get here, so strangers cannot fill it, and one key cannot take the room of another: a total of
/// several keys' quotas. Time is handed in.
class Nonces {
 public:
  static constexpr std::size_t kPerKey = 200'000;  ///< 220 calls a second, for as long as a timestamp is good
  static constexpr std::size_t kInTotal = 4 * kPerKey;
  static constexpr std::size_t kMostBytes = 128;  ///< of one nonce; the caller refuses longer ones

  enum class Use : unsigned char { fresh, used, full };
  explicit Nonces(std::size_t per_key = kPerKey, std::size_t in_total = kInTotal)
      : per_key_(per_key), in_total_(in_total) {}
  /// `until`: the last moment at which the request's timestamp is accepted.
  Use use(std::string_view access_key_id, std::string_view nonce, UnixMillis until, UnixMillis wall);
  std::size_t size() const { return known_.size(); }

 private:
  using Hash = std::array<std::uint64_t, 2>;
  struct Spread {
    std::size_t operator()(const Hash& hash) const { return static_cast<std::size_t>(hash[0]); }
  };
  struct Batch {
    std::string key;
    std::vector<Hash> nonces;
  };
  void forget(UnixMillis wall);

  std::size_t per_key_, in_total_;
  std::unordered_set<Hash, Spread> known_;
  std::unordered_map<std::string, std::size_t> of_key_;
  std::map<std::int64_t, std::vector<Batch>> ends_;  ///< by the second in which they may be forgotten
};

}  // namespace tercet::openapi
