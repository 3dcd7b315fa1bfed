#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "platform/broker/rate.h"
#include "platform/broker/refusal.h"
#include "platform/registry/directory.h"
#include "platform/registry/http_code_table.h"
#include "platform/registry/login.h"
#include "platform/registry/throttle.h"
#include "tercet/auth/cause.h"

namespace tercet::registry {

/// The codes of the HTTPS channel (device-protocol 10.1).
enum class HttpCode : std::int32_t {
  success = 0,
#define TERCET_ROW(name, number, ...) name = number,
  TERCET_HTTP_CODES(TERCET_ROW)
#undef TERCET_ROW
};
/// The message that goes with it.
std::string_view message_of(HttpCode code);

/// What a device sends to /auth: every member of its JSON object, numbers as they were written.
struct HttpLoginForm {
  std::vector<std::pair<std::string, std::string>> fields;
  std::string_view value(std::string_view name) const;
};

/// Whom a token names. Nothing is proved by it: it only tells which shard to ask.
struct TokenNames {
  std::string product, device;
};
/// Nothing when it is no token of ours.
std::optional<TokenNames> names_in_token(std::string_view token);

/// Logins of devices that keep no connection: /auth, and the tokens it gives. One per shard, on its thread. A token is
/// made with the DeviceSecret and kept nowhere: it ends with its time, with a new secret and with the device, and
/// outlives a restart of the server.
class HttpLogins {
 public:
  static constexpr Seconds kTokenLife{7 * 24 * 3600};
  static constexpr Seconds kWindow{15 * 60};  ///< of a timestamp, if there is one

  struct Parts {
    Directory& directory;
    Throttle& throttle;
    broker::Journal& journal;
    LoginEvents& events;
    std::uint32_t per_minute = 0;  ///< logins of one device; 0: no limit
    std::uint64_t seed = 0;
  };
  explicit HttpLogins(const Parts& parts) : parts_(parts), rates_(parts.seed) {}

  struct Login {
    HttpCode code = HttpCode::auth_check_error;
    std::string token;
    Millis delay{0};  ///< wait this long before answering, so that guessing is slow
  };
  /// The HMAC is over name and value of every field but `sign`, `signmethod` and `version`, in the order of the names,
  /// with the DeviceSecret; hmacmd5 (when not said), hmacsha1, hmacsha256.
  Login authenticate(const HttpLoginForm& form, const runtime::Address& peer, UnixMillis wall, Instant now);

  struct Bearer {
    HttpCode code = HttpCode::token_check_error;
    const Device* device = nullptr;  ///< when success; until the Directory changes
  };
  Bearer check(std::string_view token, UnixMillis wall) const;

 private:
  struct Claim;
  Login refuse(const Claim& claim, auth::Cause cause, std::string evidence, bool guess);
  Parts parts_;
  broker::NameRates rates_;
};

}  // namespace tercet::registry
