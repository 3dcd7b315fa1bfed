#include "tercet/auth/psk.h"

#include <array>

#include "tercet/auth/sign.h"
#include "tercet/base/writer.h"
#include "tercet/crypto/encoding.h"

namespace tercet::auth {
namespace {

constexpr std::string_view kType = "devicename";

}  // namespace

PskKey make_psk_key(const PskIdentity& identity, std::string_view secret) {
  crypto::Hmac mac{identity.method, secret};
  mac.add("id").add(identity.product).add("&").add(identity.device);
  mac.add("timestamp").add(identity.timestamp);
  const crypto::Digest digest = mac.finish();
  std::array<char, 2 * crypto::kMaxDigestBytes> hex;
  PskKey key;
  if (const auto text = crypto::encode_hex(digest.view(), hex, crypto::HexCase::upper); text && !digest.empty())
    (void)key.text_.assign(*text);  // 64 at most
  volatile char* p = hex.data();
  for (std::size_t i = 0; i < hex.size(); ++i) p[i] = 0;
  return key;
}

Result<PskCredentials> make_psk_credentials(const Triple& triple) {
  const PskIdentity identity{.method = SignMethod::sha256,
                             .product = triple.id.product.str(),
                             .device = triple.id.device.str(),
                             .timestamp = kConstantTimestamp};
  PskCredentials made;
  std::array<std::uint8_t, decltype(made.identity)::capacity()> text;
  Writer out{text};
  out.text(kType), out.ch('|'), out.text(name(identity.method)), out.ch('|');
  out.text(identity.product), out.ch('&'), out.text(identity.device), out.ch('|'), out.text(identity.timestamp);
  made.key = make_psk_key(identity, triple.secret.str());
  if (!out.ok() || !made.identity.assign(out.text()) || made.key.empty()) return fail(Error::internal);
  return made;
}

}  // namespace tercet::auth
