#include "tercet/auth/verify.h"

#include "tercet/auth/sign.h"

namespace tercet::auth {
namespace {

bool is_secret_login(const ClientId& client_id) {
  if (client_id.auth_type != AuthType::secret && client_id.auth_type != AuthType::other) return false;
  const int mode = client_id.secure_mode.value_or(2);
  return mode != -1 && mode != -2 && mode != 8;
}

Verification verify_article(const Login& login, std::string_view secret, UnixMillis now, const VerifyPolicy& policy) {
  const ArticlePassword& password = *login.article;
  if (!check_article(password, login.client_id, *login.user, secret)) return {Verdict::wrong_password};
  const bool differs = !is_inside_window(password.timestamp, now, kArticleWindow);
  if (!policy.accept_article) return {Verdict::article_not_allowed, differs};
  if (policy.article_window && !is_inside_window(password.timestamp, now, *policy.article_window))
    return {Verdict::outside_window, differs};
  return {Verdict::article, differs};
}

Verification verify_official(const Login& login, std::string_view secret, UnixMillis now, const VerifyPolicy& policy) {
  const ClientId& id = login.client_id;
  const crypto::Digest right = sign(
      id.sign_method, secret,
      {.client_id = id.id, .device = login.user->device, .product = login.user->product, .timestamp = id.timestamp});
  if (!crypto::equals_hex(right, login.strings.password)) return {Verdict::wrong_password};
  if (!id.timestamp) return {Verdict::official};
  const bool differs = *id.timestamp != kConstantTimestamp && !is_inside_window(*id.timestamp, now, kArticleWindow);
  if (policy.official_window && !is_inside_window(*id.timestamp, now, *policy.official_window))
    return {Verdict::outside_window, differs};
  return {Verdict::official, differs};
}

}  // namespace

Login parse_login(const LoginStrings& strings) {
  return {strings, parse_client_id(strings.client_id), parse_user_name(strings.user_name),
          parse_article_password(strings.password)};
}

Verification verify(const Login& login, std::string_view secret, UnixMillis now, const VerifyPolicy& policy) {
  if (login.client_id.defects.any_fatal()) return {Verdict::bad_client_id};
  if (!login.user) return {Verdict::bad_user_name};
  if (!is_secret_login(login.client_id)) return {Verdict::not_a_secret_login};
  if (secret.empty()) return {Verdict::wrong_password};
  return login.article ? verify_article(login, secret, now, policy) : verify_official(login, secret, now, policy);
}

}  // namespace tercet::auth
