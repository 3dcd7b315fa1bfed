#include "platform/registry/http_logins.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "platform/broker/identity.h"
#include "platform/broker/refusal_of.h"
#include "tercet/base/utf8.h"
#include "tercet/crypto/digest.h"
#include "tercet/crypto/encoding.h"

namespace tercet::registry {
namespace {

using auth::Cause;
using crypto::Algorithm;

// A token: its kind, when it ends, whom it names, and a proof of that.
//   1 | seconds since 1970, four bytes | bytes of the ProductKey | ProductKey | DeviceName | 16 bytes of an HMAC-SHA256
constexpr std::uint8_t kKind = 1;
constexpr std::size_t kFixed = 1 + 4 + 1, kProof = 16;
constexpr std::size_t kMostToken = 192;  // what the vendor's C SDK has room for
constexpr std::size_t kMostName = 64, kMostClientId = 64;
constexpr std::string_view kPurpose = "tercet token of the HTTPS channel";

struct Token {
  std::string bytes;  ///< all of it
  std::string_view signed_part() const { return std::string_view(bytes).substr(0, bytes.size() - kProof); }
  std::string_view proof() const { return std::string_view(bytes).substr(bytes.size() - kProof); }
  std::string_view product() const { return std::string_view(bytes).substr(kFixed, product_bytes()); }
  std::string_view device() const { return signed_part().substr(kFixed + product_bytes()); }
  std::size_t product_bytes() const { return static_cast<std::uint8_t>(bytes[kFixed - 1]); }
  std::int64_t ends() const {
    std::int64_t seconds = 0;
    for (std::size_t i = 1; i <= 4; ++i) seconds = seconds << 8 | static_cast<std::uint8_t>(bytes[i]);
    return seconds;
  }
};

crypto::Digest proof_of(std::string_view part, std::string_view secret) {
  crypto::Hmac mac(Algorithm::sha256, secret);
  return mac.add(kPurpose).add(part).finish();
}

std::optional<Token> read_token(std::string_view text) {
  if (text.size() > kMostToken) return std::nullopt;
  std::string padded(text);
  for (char& c : padded) c = c == '-' ? '+' : c == '_' ? '/' : c;
  while (padded.size() % 4 != 0) padded.push_back('=');
  std::array<std::uint8_t, kMostToken> room{};
  const auto decoded = crypto::decode_base64(padded, room);
  if (!decoded || decoded->size() <= kFixed + kProof) return std::nullopt;
  Token token{std::string(as_text(*decoded))};
  const bool good = static_cast<std::uint8_t>(token.bytes[0]) == kKind && token.product_bytes() != 0 &&
                    kFixed + token.product_bytes() + kProof < token.bytes.size();
  return good ? std::optional(std::move(token)) : std::nullopt;
}

std::string make_token(std::string_view product, std::string_view device, std::string_view secret, UnixMillis ends) {
  std::string token(1, static_cast<char>(kKind));
  const auto seconds = static_cast<std::uint32_t>(ends.ms / 1000);
  for (int shift = 24; shift >= 0; shift -= 8) token.push_back(static_cast<char>(seconds >> shift));
  token.push_back(static_cast<char>(product.size()));
  token.append(product).append(device);
  const crypto::Digest proof = proof_of(token, secret);
  token.append(as_text(proof.view()).substr(0, kProof));
  std::array<char, crypto::base64_size(kFixed + 2 * kMostName + kProof)> room{};
  const auto encoded = crypto::encode_base64(as_bytes(token), room);
  if (!encoded) return {};
  std::string text(*encoded);
  while (text.ends_with('=')) text.pop_back();
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return text;
}

std::optional<Algorithm> algorithm_of(std::string_view method) {
  if (method.empty() || method == "hmacmd5") return Algorithm::md5;
  if (method == "hmacsha1") return Algorithm::sha1;
  if (method == "hmacsha256") return Algorithm::sha256;
  return std::nullopt;
}

/// What is signed: "clientId…deviceName…productKey…timestamp…".
std::string content_of(const HttpLoginForm& form) {
  std::vector<const std::pair<std::string, std::string>*> fields;
  for (const auto& field : form.fields)
    if (field.first != "sign" && field.first != "signmethod" && field.first != "version") fields.push_back(&field);
  std::sort(fields.begin(), fields.end(), [](const auto* a, const auto* b) { return a->first < b->first; });
  std::string content;
  for (const auto* field : fields) content.append(field->first).append(field->second);
  return content;
}

}  // namespace

std::string_view message_of(HttpCode code) {
  switch (code) {
    case HttpCode::success:
      return "success";
#define TERCET_ROW(name, number, text, ...) \
  case HttpCode::name:                      \
    return text;
      TERCET_HTTP_CODES(TERCET_ROW)
#undef TERCET_ROW
  }
  return "common error";
}

std::string_view HttpLoginForm::value(std::string_view name) const {
  for (const auto& [key, value] : fields)
    if (key == name) return value;
  return {};
}

std::optional<TokenNames> names_in_token(std::string_view token) {
  const auto read = read_token(token);
  if (!read) return std::nullopt;
  return TokenNames{std::string(read->product()), std::string(read->device())};
}

/// Who says to be whom, for a journal entry.
struct HttpLogins::Claim {
  std::string name;
  std::string_view client_id;
  const runtime::Address& peer;
  UnixMillis wall;
  Instant now;
};

HttpLogins::Login HttpLogins::refuse(const Claim& claim, Cause cause, std::string evidence, bool guess) {
  Login login;
  if (guess) login.delay = parts_.throttle.failed(claim.name, claim.peer, claim.now);
  if (cause == Cause::connect_rate) login.code = HttpCode::too_many;
  parts_.journal.record(broker::refusal_of(broker::Refusal::Stage::connect, cause, claim.wall, claim.peer, claim.name,
                                           claim.client_id, static_cast<std::uint16_t>(login.code),
                                           "HTTPS /auth: " + std::move(evidence)));
  return login;
}

HttpLogins::Login HttpLogins::authenticate(const HttpLoginForm& form, const runtime::Address& peer, UnixMillis wall,
                                           Instant now) {
  const std::string_view product = form.value("productKey"), name = form.value("deviceName");
  const Claim claim{std::string(utf8_prefix(product, kMostName)).append("/").append(utf8_prefix(name, kMostName)),
                    form.value("clientId"), peer, wall, now};
  if (claim.client_id.empty()) return refuse(claim, Cause::client_id_empty, "clientId is missing", false);
  if (claim.client_id.size() > kMostClientId)
    return refuse(claim, Cause::client_id_too_long, "clientId of over 64 bytes", false);
  const auto algorithm = algorithm_of(form.value("signmethod"));
  if (!algorithm)
    return refuse(claim, Cause::client_id_bad_sign_method,
                  "signmethod=" + std::string(utf8_prefix(form.value("signmethod"), 32)), false);
  if (parts_.directory.product(product) == nullptr)
    return refuse(claim, Cause::unknown_product, "productKey=" + std::string(utf8_prefix(product, kMostName)), true);
  const Device* const device = parts_.directory.device(product, name);
  if (device == nullptr)
    return refuse(claim, Cause::unknown_device, "deviceName=" + std::string(utf8_prefix(name, kMostName)), true);
  if (device->by_certificate) return refuse(claim, Cause::login_needs_certificate, "AuthType is x509", false);
  const std::string content = content_of(form);
  const auto signs = [&](std::string_view secret) {
    return crypto::equals_hex(crypto::hmac(*algorithm, secret, content), form.value("sign"));
  };
  if (device->earlier != nullptr && !device->is_rotating(wall) && signs(device->earlier->secret))
    return refuse(claim, Cause::secret_ended, "over HTTPS, signed with the earlier DeviceSecret", false);
  if (!device->proves(wall, signs))
    return refuse(claim, Cause::wrong_password,
                  "sign is not the HMAC of " + std::string(utf8_prefix(content, 400)) + " with the DeviceSecret", true);
  parts_.throttle.succeeded(claim.name);
  if (!device->enabled) return refuse(claim, Cause::device_disabled, "the sign is right", false);
  if (const auto timestamp = form.value("timestamp"); !timestamp.empty()) {
    std::int64_t at = 0;
    const auto read = std::from_chars(timestamp.data(), timestamp.data() + timestamp.size(), at);
    const std::int64_t window = Millis(kWindow).count();
    if (read.ec != std::errc() || read.ptr != timestamp.data() + timestamp.size() || at < wall.ms - window ||
        at > wall.ms + window)
      return refuse(claim, Cause::clock_outside_window,
                    "timestamp=" + std::string(utf8_prefix(timestamp, 32)) + ", the server's clock says " +
                        std::to_string(wall.ms) + "; 15 minutes are allowed, or no timestamp",
                    false);
  }
  if (!rates_.take(broker::device_key(product, name), parts_.per_minute, now))
    return refuse(claim, Cause::connect_rate,
                  "over " + std::to_string(parts_.per_minute) + " logins per minute; a token is good for seven days",
                  false);
  if (device->activated.ms == 0) {
    parts_.directory.set_activated(device->number, wall);
    parts_.events.on_first_login(device->number, wall);
  }
  parts_.events.on_login(device->number, wall, peer);
  Login login{HttpCode::success, make_token(product, name, device->secret, {wall.ms + Millis(kTokenLife).count()}),
              Millis{0}};
  return login;
}

HttpLogins::Bearer HttpLogins::check(std::string_view text, UnixMillis wall) const {
  if (text.empty()) return {HttpCode::token_null, nullptr};
  const auto token = read_token(text);
  const Device* const device = token ? parts_.directory.device(token->product(), token->device()) : nullptr;
  if (device == nullptr || !device->enabled) return {};
  const crypto::Digest proof = proof_of(token->signed_part(), device->secret);
  if (!crypto::equals(proof.view().first(std::min<std::size_t>(proof.size, kProof)), as_bytes(token->proof())))
    return {};
  if (token->ends() * 1000 <= wall.ms) return {HttpCode::token_expired, nullptr};
  return {HttpCode::success, device};
}

}  // namespace tercet::registry
