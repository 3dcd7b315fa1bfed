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
  NamedTexts fields;  ///< query and form together
};
Claim read_claim(const HttpRequest& request);

/// Finds out who calls: key, timestamp (15 minutes either way), signature, nonce, in this order. A nonce is used up
/// only by a request whose signature is right. Times are handed in.
class Callers {
 public:
  static constexpr Millis kWindow{15 * 60 * 1000};
  using FindKey = std::function<const registry::AccessKey*(std::string_view id)>;
  explicit Callers(FindKey find_key) : find_key_(std::move(find_key)) {}

  /// Nothing when the caller is who it says; else the gateway's error.
  std::optional<Answer> check(const HttpRequest& request, const Claim& claim, UnixMillis wall, Instant now);

 private:
  std::optional<Answer> check_v1(const HttpRequest& request, const Claim& claim, UnixMillis wall, Instant now);
  std::optional<Answer> check_v3(const HttpRequest& request, const Claim& claim, UnixMillis wall, Instant now);
  std::optional<Answer> find(std::string_view id, const registry::AccessKey*& key) const;
  std::optional<Answer> use_nonce(std::string_view key_id, std::string_view nonce, Instant now);

  FindKey find_key_;
  Nonces nonces_;
};

}  // namespace tercet::openapi
