#pragma once
#include <optional>
#include <string>
#include <vector>

#include "tercet/auth/guess.h"
#include "tercet/auth/received.h"

namespace tercet::auth {

/// How a wrong password came about: the causes, most telling first, and the formula that reproduces it.
struct Explanation {
  std::vector<Cause> causes;  ///< empty: the password is right
  std::string formula;        ///< `HMAC-SHA1(the DeviceSecret, "clientId…")`
};

/// Recomputes one usual mistake after the other, then two at a time, until one gives the received string. Bounded by
/// kMaxDigests digests.
class Search {
 public:
  Search(const Subject& subject, const Received& received, const Known& known);
  std::optional<Explanation> run();
  std::size_t digests() const { return digests_; }

 private:
  using Methods = std::vector<SignMethod>;
  bool attempt(const KeyGuess& key, const std::string& content, const Methods& methods,
               const std::vector<Cause>& causes);
  bool attempt_plain(const std::string& content);
  bool try_right();
  bool try_changes(bool common);
  bool try_keys();
  bool try_swapped_and_plain();
  bool try_siblings();
  bool try_pairs();
  std::string changed(const Change& first, const Change* second = nullptr) const;
  bool may_go_on() const { return digests_ < kMaxDigests; }

  const Subject& subject_;
  const Received& received_;
  const Known& known_;
  Content right_;
  std::vector<Change> changes_;
  std::vector<KeyGuess> keys_;
  Methods all_;
  Explanation found_;
  std::size_t digests_ = 0;
};

/// Text between quotes, with what cannot be seen written as \xNN.
std::string quoted(std::string_view text);

}  // namespace tercet::auth
