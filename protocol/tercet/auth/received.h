#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tercet/auth/cause.h"
#include "tercet/auth/client_id.h"
#include "tercet/crypto/digest.h"

namespace tercet::auth {

/// A wrong password, read in every way in which people write a digest. Part of the examination; allocates.
class Received {
 public:
  explicit Received(std::string_view password);

  /// How the digest is written in it: nothing if it is not in it at all. In hex as it should be: no cause.
  struct Match {
    std::optional<Cause> rendering;
  };
  std::optional<Match> match(const crypto::Digest& digest) const;

  /// Algorithms whose digest would have the size of what came, and those it could be a damaged piece of.
  const std::vector<SignMethod>& likely() const { return likely_; }
  const std::vector<SignMethod>& unlikely() const { return unlikely_; }
  /// What follows the digits, "&timestamp=…" in the article's dialect.
  std::string_view tail() const { return tail_; }
  /// "40 hex digits"; says nothing about which.
  std::string describe() const;

 private:
  struct Reading {
    std::string bytes;
    std::optional<Cause> rendering;
  };
  void read(std::string bytes, std::optional<Cause> rendering);
  void read_hex(std::string_view password);
  void read_base64(std::string_view password);
  void read_decorated(std::string_view password);
  void note_damaged(std::string_view password);

  std::vector<Reading> readings_;
  std::string damaged_;  ///< lower-case hex of an odd length: cut, or leading zeros lost
  std::vector<SignMethod> likely_;
  std::vector<SignMethod> unlikely_;
  std::string tail_;
  std::size_t size_;
};

}  // namespace tercet::auth
