#include "tercet/auth/registration.h"

#include <array>

#include "tercet/base/writer.h"
#include "tercet/crypto/encoding.h"

namespace tercet::auth {
namespace {

MutableBytes bytes_of(std::span<char> text) { return {reinterpret_cast<std::uint8_t*>(text.data()), text.size()}; }

bool is_plain(std::string_view text) { return text.find_first_of("|,") == text.npos; }

bool write_user_name(Credentials& made, const DeviceId& id) {
  std::array<char, 64> text;
  Writer user{bytes_of(text)};
  user.text(id.device.str()), user.ch('&'), user.text(id.product.str());
  return user.ok() && made.user_name.assign(user.text()).has_value();
}

}  // namespace

Result<Credentials> make_registration(const DeviceId& id, std::string_view product_secret, std::string_view random,
                                      const RegistrationOptions& options) {
  if (random.empty() || random.size() > 32 || !is_plain(random) || !is_plain(options.instance_id))
    return fail(Error::bad_argument);
  Credentials made;
  std::array<char, decltype(made.client_id)::capacity()> text;
  Writer out{bytes_of(text)};
  out.text(id.device.str()), out.ch('.'), out.text(id.product.str());
  out.text("|random="), out.text(random);
  out.text(options.unlisted ? ",authType=regnwl" : ",authType=register");
  out.text(",securemode=2,signmethod="), out.text(name(options.method));
  if (!options.instance_id.empty()) out.text(",instanceId="), out.text(options.instance_id);
  out.ch('|');
  if (!out.ok() || !made.client_id.assign(out.text())) return fail(Error::bad_argument);
  const crypto::Digest digest =
      sign_registration(options.method, product_secret, id.device.str(), id.product.str(), random);
  std::array<char, 2 * crypto::kMaxDigestBytes> hex;
  const auto password = crypto::encode_hex(digest.view(), hex);
  if (digest.empty() || !password || !made.password.assign(*password) || !write_user_name(made, id))
    return fail(Error::internal);
  return made;
}

Result<Credentials> make_token_login(const DeviceId& id, std::string_view client_id, std::string_view token,
                                     const TokenOptions& options) {
  if (client_id.empty() || client_id.find('|') != client_id.npos || token.empty() || !is_plain(options.version))
    return fail(Error::bad_argument);
  Credentials made;
  std::array<char, decltype(made.client_id)::capacity()> text;
  Writer out{bytes_of(text)};
  out.text(client_id), out.text("|authType=connwl,securemode=-2");
  if (options.auto_subscribe) out.text(",_ss=1");
  if (options.ext != 0) out.text(",ext="), out.decimal(std::uint64_t{options.ext});
  if (!options.version.empty()) out.text(",_v="), out.text(options.version);
  out.ch('|');
  if (!out.ok() || !made.client_id.assign(out.text()) || !made.password.assign(token)) return fail(Error::bad_argument);
  if (!write_user_name(made, id)) return fail(Error::internal);
  return made;
}

}  // namespace tercet::auth
