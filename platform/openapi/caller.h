#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "platform/openapi/answer.h"
#include "platform/openapi/http_message.h"
#include "platform/openapi/nonces.h"
#include "platform/openapi/percent.h"
#include "platform/registry/records.h"
#include "tercet/base/time.h"

namespace tercet::openapi {

/// What a request says before anybody has believed it.
struct Claim {
  enum class Signature : unsigned char { none, v1, v3, bearer };
  Signature signature = Signature::none;
  std::string action;
  std::string version;
  NamedTexts query;
  NamedTexts fields;      ///< query and form together
  bool too_many = false;  ///< more than kMostFields; those beyond are left out
  bool has_json = false;  ///< the body is a JSON document
};
Claim read_claim(const HttpRequest& request);
/// The first field of that name, or "".
std::string_view value_of(const NamedTexts& fields, std::string_view name);

/// Finds out who calls: key, timestamp (15 minutes either way), signature, nonce, in this order. A nonce is used up
/// only by a request whose signature is right. Times are handed in.
///
/// Nonces are kept in memory. So that a restart does not make recorded requests good again, a timestamp from before
/// the start (by the monotonic clock, so that setting the wall clock locks nobody out) is refused: a client whose clock
/// is N seconds behind is refused for the first N seconds, and is told so. What is left: requests signed with a
/// timestamp later than the start, by a clock that is ahead or in the second of the start, can be sent again after a
/// restart, once.
class Callers {
 public:
  static constexpr Millis kWindow{15 * 60 * 1000};
  using FindKey = std::function<const registry::AccessKey*(std::string_view id)>;
  Callers(FindKey find_key, Instant start) : find_key_(std::move(find_key)), start_(start) {}

  /// Nothing when the caller is who it says; else the gateway's error.
  std::optional<Answer> check(const HttpRequest& request, const Claim& claim, UnixMillis wall, Instant now);

 private:
  std::optional<Answer> check_v1(const HttpRequest& request, const Claim& claim, UnixMillis wall, Instant now);
  std::optional<Answer> check_v3(const HttpRequest& request, const Claim& claim, UnixMillis wall, Instant now);
  std::optional<Answer> check_timestamp(std::string_view text, UnixMillis wall, Instant now, UnixMillis& at) const;
  std::optional<Answer> find(std::string_view id, const registry::AccessKey*& key) const;
  std::optional<Answer> use_nonce(std::string_view key_id, std::string_view nonce, UnixMillis at, UnixMillis wall);

  FindKey find_key_;
  Instant start_;
  Nonces nonces_;
};

}  // namespace tercet::openapi
