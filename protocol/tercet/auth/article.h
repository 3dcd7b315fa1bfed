#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "tercet/auth/client_id.h"
#include "tercet/auth/user_name.h"
#include "tercet/base/time.h"
#include "tercet/crypto/digest.h"

namespace tercet::auth {

/// The login of a widely copied ESP32 tutorial. The real cloud refuses it; this platform can let it in. It differs from
/// the official one in two ways: the signed pairs are joined by `&`, and the password carries
/// `&timestamp=…&signMethod=…` behind the signature.
struct ArticlePassword {
  std::string_view sign;
  std::string_view timestamp;
  SignMethod method = SignMethod::sha1;
  std::string_view method_text;  ///< "" when the password names none
  bool unknown_method = false;
};
/// Nothing when the password is not of this dialect, that is, has no `&timestamp=`.
std::optional<ArticlePassword> parse_article_password(std::string_view password);

/// HMAC over `clientId…&deviceName…&productKey…&timestamp…`.
crypto::Digest sign_article(SignMethod method, std::string_view secret, std::string_view client_id,
                            std::string_view device, std::string_view product, std::string_view timestamp);

/// Whether the signature fits, for the id before the bar or for the one repeated inside. Constant time per try.
bool check_article(const ArticlePassword& password, const ClientId& client_id, const UserName& user,
                   std::string_view secret);

/// The tutorial's window: a login's timestamp may be this far from the server's clock, either way.
inline constexpr Millis kArticleWindow = std::chrono::minutes{15};
/// False also for a timestamp that is no number of milliseconds.
bool is_inside_window(std::string_view timestamp, UnixMillis now, Millis window);
/// Digits only, at most 19 of them.
std::optional<std::int64_t> parse_millis(std::string_view digits);

}  // namespace tercet::auth
