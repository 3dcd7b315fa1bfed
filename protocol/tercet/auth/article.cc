#include "tercet/auth/article.h"

namespace tercet::auth {

std::optional<ArticlePassword> parse_article_password(std::string_view password) {
  if (password.find("&timestamp=") == std::string_view::npos) return std::nullopt;
  ArticlePassword made;
  std::size_t at = password.find('&');
  made.sign = password.substr(0, at);
  for (std::string_view rest = password.substr(at + 1);;) {
    at = rest.find('&');
    const std::string_view pair = rest.substr(0, at);
    const std::size_t equals = pair.find('=');
    const std::string_view key = pair.substr(0, equals);
    const std::string_view value = equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1);
    if (equals_ignoring_case(key, "timestamp")) made.timestamp = value;
    if (equals_ignoring_case(key, "signMethod")) made.method_text = value;
    if (at == std::string_view::npos) break;
    rest.remove_prefix(at + 1);
  }
  if (!made.method_text.empty()) {
    const auto method = parse_sign_method(made.method_text);
    made.method = method.value_or(SignMethod::sha1);
    made.unknown_method = !method.has_value();
  }
  return made;
}

crypto::Digest sign_article(SignMethod method, std::string_view secret, std::string_view client_id,
                            std::string_view device, std::string_view product, std::string_view timestamp) {
  crypto::Hmac mac{method, secret};
  mac.add("clientId").add(client_id);
  mac.add("&deviceName").add(device);
  mac.add("&productKey").add(product);
  mac.add("&timestamp").add(timestamp);
  return mac.finish();
}

bool check_article(const ArticlePassword& password, const ClientId& client_id, const UserName& user,
                   std::string_view secret) {
  if (password.unknown_method || password.timestamp.empty()) return false;
  const auto fits = [&](std::string_view id) {
    return crypto::equals_hex(sign_article(password.method, secret, id, user.device, user.product, password.timestamp),
                              password.sign);
  };
  return fits(client_id.id) || (!client_id.inner_client_id.empty() && fits(client_id.inner_client_id));
}

std::optional<std::int64_t> parse_millis(std::string_view digits) {
  if (digits.empty() || digits.size() > 19) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  if (value > static_cast<std::uint64_t>(INT64_MAX)) return std::nullopt;
  return static_cast<std::int64_t>(value);
}

bool is_inside_window(std::string_view timestamp, UnixMillis now, Millis window) {
  const auto then = parse_millis(timestamp);
  if (!then) return false;
  const std::int64_t difference = *then > now.ms ? *then - now.ms : now.ms - *then;
  return difference <= window.count();
}

}  // namespace tercet::auth
