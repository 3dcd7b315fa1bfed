#include "tercet/auth/registration_check.h"

#include "tercet/auth/sign.h"

namespace tercet::auth {

LoginKind kind_of(const ClientId& client_id) {
  const int mode = client_id.secure_mode.value_or(2);
  switch (client_id.auth_type) {
    case AuthType::register_device:
      return LoginKind::registration;
    case AuthType::register_unlisted:
      return mode == -2 && client_id.random.empty() ? LoginKind::token : LoginKind::unlisted_registration;
    case AuthType::connect_unlisted:
      return LoginKind::token;
    case AuthType::id2:
      return LoginKind::other;
    case AuthType::secret:
    case AuthType::other:
      break;
  }
  return mode == -1 || mode == -2 || mode == 8 ? LoginKind::other : LoginKind::secret;
}

bool check_registration(const Login& login, std::string_view product_secret) {
  if (!login.user || login.client_id.random.empty() || product_secret.empty()) return false;
  const crypto::Digest right = sign_registration(login.client_id.sign_method, product_secret, login.user->device,
                                                 login.user->product, login.client_id.random);
  return crypto::equals_hex(right, login.strings.password);
}

FormVerdict check_form(const RegistrationForm& form, std::string_view product_secret) {
  if (form.product.empty() || form.device.empty() || form.random.empty() || form.sign.empty() ||
      form.sign_method.empty())
    return FormVerdict::incomplete;
  const auto method = parse_sign_method(form.sign_method);
  if (!method) return FormVerdict::unknown_method;
  if (product_secret.empty()) return FormVerdict::wrong_sign;
  const auto is_right = [&](SignMethod by) {
    return crypto::equals_hex(sign_registration(by, product_secret, form.device, form.product, form.random), form.sign);
  };
  return is_right(*method) || (*method != SignMethod::sha1 && is_right(SignMethod::sha1)) ? FormVerdict::good
                                                                                          : FormVerdict::wrong_sign;
}

}  // namespace tercet::auth
