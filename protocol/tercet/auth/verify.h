#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "tercet/auth/article.h"
#include "tercet/auth/client_id.h"
#include "tercet/auth/user_name.h"
#include "tercet/base/time.h"

namespace tercet::auth {

/// The three strings of a CONNECT as received.
struct LoginStrings {
  std::string_view client_id;
  std::string_view user_name;
  std::string_view password;
};

/// The same, taken apart once: the server needs the names to find the secret, and `_ss` and `ext` afterwards. Views.
struct Login {
  LoginStrings strings;
  ClientId client_id;
  std::optional<UserName> user;  ///< nothing: the user name is malformed
  std::optional<ArticlePassword> article;
};
Login parse_login(const LoginStrings& strings);

struct VerifyPolicy {
  bool accept_article = true;
  /// How far an article login's clock may be off; nothing = any.
  std::optional<Millis> article_window = kArticleWindow;
  /// The same for official logins. Nothing by default, as in the cloud: the vendor's C SDKs always sign the year 2050.
  std::optional<Millis> official_window = std::nullopt;
};

enum class Verdict : std::uint8_t {
  official,             ///< accepted
  article,              ///< accepted, in the tutorial's dialect; the real cloud would refuse it
  bad_client_id,        ///< refused, CONNACK 2: see ClientId::defects
  bad_user_name,        ///< refused, CONNACK 4
  wrong_password,       ///< refused, CONNACK 4: find_mistakes() says why
  outside_window,       ///< refused, CONNACK 4: the signature is right, the clock is not
  article_not_allowed,  ///< refused, CONNACK 4: right, but this product takes official logins only
  not_a_secret_login,   ///< refused here: registration, token or ID² logins are checked elsewhere or not offered
};

struct Verification {
  Verdict verdict = Verdict::wrong_password;
  /// The login is accepted, or would be, but its timestamp is further than kArticleWindow from the clock (and is not
  /// the C SDKs' constant): for the clock policy `warn`.
  bool clock_differs = false;
  bool accepted() const { return verdict == Verdict::official || verdict == Verdict::article; }
};

/// Checks a login against the DeviceSecret of the device it names. One HMAC for an official login, one or two for an
/// article's; compares in constant time; allocates nothing. An empty secret is refused.
Verification verify(const Login& login, std::string_view secret, UnixMillis now, const VerifyPolicy& policy = {});
inline Verification verify(const LoginStrings& strings, std::string_view secret, UnixMillis now,
                           const VerifyPolicy& policy = {}) {
  return verify(parse_login(strings), secret, now, policy);
}

}  // namespace tercet::auth
