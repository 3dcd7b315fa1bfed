#include "tercet/auth/sign.h"

#include <algorithm>
#include <array>

#include "tercet/base/writer.h"
#include "tercet/crypto/encoding.h"

namespace tercet::auth {
namespace {

MutableBytes bytes_of(std::span<char> text) { return {reinterpret_cast<std::uint8_t*>(text.data()), text.size()}; }

// What parse_client_id() would read back unchanged; said here again, so that a board need not carry the parser.
bool is_good_id(std::string_view id) {
  const auto characters = std::count_if(id.begin(), id.end(), [](char c) { return (c & 0xC0) != 0x80; });
  return !id.empty() && id.find('|') == id.npos && characters <= std::ptrdiff_t{kMaxClientIdCharacters};
}
bool is_good_value(std::string_view value) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  if (!value.empty() && (is_blank(value.front()) || is_blank(value.back()))) return false;
  return value.find_first_of("|,") == value.npos;
}

void write_client_id(Writer& out, std::string_view id, const LoginOptions& options) {
  out.text(id);
  out.ch('|');
  if (options.timestamp) out.text("timestamp="), out.text(*options.timestamp), out.ch(',');
  if (options.auto_subscribe) out.text("_ss=1,");
  if (!options.version.empty()) out.text("_v="), out.text(options.version), out.ch(',');
  out.text("securemode=");
  out.decimal(static_cast<std::int64_t>(options.secure_mode));
  out.text(",signmethod=");
  out.text(name(options.method));
  if (options.ext != 0) out.text(",ext="), out.decimal(std::uint64_t{options.ext});
  out.ch('|');
}

}  // namespace

crypto::Digest sign(SignMethod method, std::string_view secret, const SignInput& input) {
  crypto::Hmac mac{method, secret};
  mac.add("clientId").add(input.client_id);
  mac.add("deviceName").add(input.device);
  mac.add("productKey").add(input.product);
  if (input.timestamp) mac.add("timestamp").add(*input.timestamp);
  return mac.finish();
}

Result<std::string_view> sign_content(const SignInput& input, std::span<char> out) {
  Writer text{bytes_of(out)};
  text.text("clientId"), text.text(input.client_id);
  text.text("deviceName"), text.text(input.device);
  text.text("productKey"), text.text(input.product);
  if (input.timestamp) text.text("timestamp"), text.text(*input.timestamp);
  if (!text.ok()) return fail(Error::no_space);
  return text.text();
}

crypto::Digest sign_registration(SignMethod method, std::string_view product_secret, std::string_view device,
                                 std::string_view product, std::string_view random) {
  crypto::Hmac mac{method, product_secret};
  mac.add("deviceName").add(device).add("productKey").add(product).add("random").add(random);
  return mac.finish();
}

Result<Credentials> make_credentials(const Triple& triple, const LoginOptions& options) {
  std::array<char, 64> standard_id;
  Writer named{bytes_of(standard_id)};
  named.text(triple.id.product.str()), named.ch('.'), named.text(triple.id.device.str());
  const std::string_view id = options.client_id.empty() ? named.text() : options.client_id;
  if (!is_good_id(id) || !is_good_value(options.version) || !is_good_value(options.timestamp.value_or("")))
    return fail(Error::bad_argument);

  Credentials made;
  std::array<char, decltype(made.client_id)::capacity()> client_id;
  Writer written{bytes_of(client_id)};
  write_client_id(written, id, options);
  if (!written.ok() || !made.client_id.assign(written.text())) return fail(Error::bad_argument);

  std::array<char, 64> user_name;
  Writer user{bytes_of(user_name)};
  user.text(triple.id.device.str()), user.ch('&'), user.text(triple.id.product.str());
  const crypto::Digest digest = sign(options.method, triple.secret.str(),
                                     {.client_id = id,
                                      .device = triple.id.device.str(),
                                      .product = triple.id.product.str(),
                                      .timestamp = options.timestamp});
  std::array<char, 2 * crypto::kMaxDigestBytes> hex;
  const auto password = crypto::encode_hex(digest.view(), hex);
  if (digest.empty() || !password || !made.password.assign(*password) || !made.user_name.assign(user.text()))
    return fail(Error::internal);
  return made;
}

}  // namespace tercet::auth
