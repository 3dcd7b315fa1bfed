#include "platform/openapi/caller.h"

#include <algorithm>
#include <array>

#include "platform/openapi/signature_v1.h"
#include "platform/openapi/signature_v3.h"
#include "platform/openapi/utc_time.h"

namespace tercet::openapi {
namespace {

bool is_form(const HttpRequest& request) {
  const std::string_view type = request.header("content-type");
  return type.empty() || type.find("x-www-form-urlencoded") != std::string_view::npos;
}

bool is_json(const HttpRequest& request) {
  return !request.body.empty() && request.header("content-type").find("json") != std::string_view::npos;
}

/// What we signed, to compare with. Nobody compares megabytes, and the signature was wrong.
std::string shown(std::string text) {
  constexpr std::size_t kMostShown = 8 * 1024;
  if (text.size() > kMostShown) text.replace(kMostShown, std::string::npos, "... (shortened)");
  return text;
}

Answer missing(std::string_view name) {
  return gateway_error(registry::ParameterCode::missing(name), std::string(name) + " is mandatory for this action.");
}

}  // namespace

std::string_view value_of(const NamedTexts& fields, std::string_view name) {
  for (const auto& [key, value] : fields)
    if (key == name) return value;
  return {};
}

Claim read_claim(const HttpRequest& request) {
  Claim claim;
  claim.query = parse_fields(request.query, Plus::itself, kMostFields + 1);
  claim.fields = claim.query;
  claim.has_json = is_json(request);
  if (!request.body.empty() && is_form(request)) {
    NamedTexts form = parse_fields(request.body, Plus::blank, kMostFields + 1 - claim.query.size());
    claim.fields.insert(claim.fields.end(), std::make_move_iterator(form.begin()), std::make_move_iterator(form.end()));
  }
  claim.too_many = claim.fields.size() > kMostFields;
  if (request.header("authorization").starts_with("ACS3-")) {
    claim.signature = Claim::Signature::v3;
    claim.action = request.header("x-acs-action");
    claim.version = request.header("x-acs-version");
    return claim;
  }
  claim.action = value_of(claim.fields, "Action");
  claim.version = value_of(claim.fields, "Version");
  if (value_of(claim.fields, "SignatureType") == "BEARERTOKEN")
    claim.signature = Claim::Signature::bearer;
  else if (value_of(claim.fields, "SignatureVersion") == "1.0")
    claim.signature = Claim::Signature::v1;
  return claim;
}

std::optional<Answer> Callers::check(const HttpRequest& request, const Claim& claim, UnixMillis wall, Instant now) {
  switch (claim.signature) {
    case Claim::Signature::v1:
      return check_v1(request, claim, wall, now);
    case Claim::Signature::v3:
      return check_v3(request, claim, wall, now);
    case Claim::Signature::bearer:
      return gateway_error(400, "UnsupportedSignatureType",
                           "Bearer tokens are not offered. Sign with an access key, version 1.0 or ACS3-HMAC-SHA256.");
    case Claim::Signature::none:
      break;
  }
  if (value_of(claim.fields, "AccessKeyId").empty())
    return gateway_error(400, "MissingAccessKeyId",
                         "AccessKeyId is mandatory for this action. Every call is signed; see docs/openapi.md.");
  return gateway_error(
      400, "IncompleteSignature",
      "The request is not signed: neither SignatureVersion=1.0 nor an ACS3-HMAC-SHA256 Authorization.");
}

std::optional<Answer> Callers::find(std::string_view id, const registry::AccessKey*& key) const {
  key = find_key_(id);
  if (key == nullptr)
    return gateway_error(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found: " + std::string(id));
  if (!key->active)
    return gateway_error(400, "InvalidAccessKeyId.Inactive", "Specified access key is disabled: " + std::string(id));
  return std::nullopt;
}

std::optional<Answer> Callers::check_timestamp(std::string_view text, UnixMillis wall, Instant now,
                                               UnixMillis& at) const {
  const auto parsed = parse_utc_seconds(text);
  if (!parsed)
    return gateway_error(
        400, "InvalidTimeStamp.Format",
        "The timestamp must be UTC in the form 2026-01-02T03:04:05Z, not \"" + std::string(text) + "\".");
  at = *parsed;
  const std::int64_t off = at.ms - wall.ms;
  if (off > kWindow.count() || -off > kWindow.count())
    return gateway_error(400, "InvalidTimeStamp.Expired",
                         "The timestamp " + std::string(text) + " is more than 15 minutes from this server's clock, " +
                             utc_seconds(wall) + ". Set the clock of whichever is wrong.");
  const UnixMillis start{wall.ms - (now - start_).count()};
  if (at.ms < start.ms / 1000 * 1000)  // timestamps have whole seconds
    return gateway_error(400, "InvalidTimeStamp.Expired",
                         "The timestamp " + std::string(text) + " is from before this server's start at " +
                             utc_seconds(start) + "; such a request cannot be told from a recorded one. Send it with " +
                             "a new timestamp; if this goes on, set the client's clock.");
  return std::nullopt;
}

std::optional<Answer> Callers::use_nonce(std::string_view key_id, std::string_view nonce, UnixMillis at,
                                         UnixMillis wall) {
  if (nonce.size() > Nonces::kMostBytes)
    return gateway_error(400, "InvalidSignatureNonce",
                         "SignatureNonce is longer than " + std::to_string(Nonces::kMostBytes) + " bytes.");
  switch (nonces_.use(key_id, nonce, UnixMillis{at.ms + kWindow.count()}, wall)) {
    case Nonces::Use::fresh:
      return std::nullopt;
    case Nonces::Use::used:
      return gateway_error(400, "SignatureNonceUsed",
                           "Specified signature nonce was used already. Every request needs a nonce of its own.");
    case Nonces::Use::full:
      break;
  }
  return gateway_error(400, "Throttling",
                       "Too many calls with this key in the last quarter of an hour. Try again later.");
}

std::optional<Answer> Callers::check_v1(const HttpRequest& request, const Claim& claim, UnixMillis wall, Instant now) {
  static constexpr std::array<std::string_view, 4> kNeeded{"AccessKeyId", "Signature", "Timestamp", "SignatureNonce"};
  for (const std::string_view name : kNeeded)
    if (value_of(claim.fields, name).empty()) return missing(name);
  if (value_of(claim.fields, "SignatureMethod") != "HMAC-SHA1")
    return gateway_error(400, "InvalidSignatureMethod", "SignatureMethod must be HMAC-SHA1.");
  const registry::AccessKey* key = nullptr;
  if (auto wrong = find(value_of(claim.fields, "AccessKeyId"), key)) return wrong;
  UnixMillis at;
  if (auto wrong = check_timestamp(value_of(claim.fields, "Timestamp"), wall, now, at)) return wrong;
  const std::string text = string_to_sign_v1(request.method_name(), claim.fields);
  if (!signature_matches_v1(key->secret, text, value_of(claim.fields, "Signature")))
    return gateway_error(
        400, "SignatureDoesNotMatch",
        "Specified signature is not matched with our calculation. server string to sign is:" + shown(text));
  return use_nonce(key->id, value_of(claim.fields, "SignatureNonce"), at, wall);
}

std::optional<Answer> Callers::check_v3(const HttpRequest& request, const Claim& claim, UnixMillis wall, Instant now) {
  // Only what is signed may be believed.
  static constexpr std::array<std::string_view, 6> kSigned{
      "host", "x-acs-action", "x-acs-version", "x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256"};
  const auto parts = parse_authorization_v3(request.header("authorization"));
  if (!parts)
    return gateway_error(400, "IncompleteSignature",
                         "Authorization must be: ACS3-HMAC-SHA256 Credential=..,SignedHeaders=..,Signature=..");
  if (parts->algorithm != "ACS3-HMAC-SHA256")
    return gateway_error(400, "InvalidSignatureMethod", "The algorithm must be ACS3-HMAC-SHA256.");
  for (const std::string_view name : kSigned)
    if (request.header(name).empty() ||
        std::find(parts->signed_headers.begin(), parts->signed_headers.end(), name) == parts->signed_headers.end())
      return gateway_error(400, "IncompleteSignature",
                           "The header " + std::string(name) + " must be there and in SignedHeaders.");
  const registry::AccessKey* key = nullptr;
  if (auto wrong = find(parts->credential, key)) return wrong;
  UnixMillis at;
  if (auto wrong = check_timestamp(request.header("x-acs-date"), wall, now, at)) return wrong;
  const std::string body_hash = sha256_hex(request.body);
  if (request.header("x-acs-content-sha256") != body_hash)
    return gateway_error(400, "SignatureDoesNotMatch",
                         "x-acs-content-sha256 is not the SHA-256 of the body, which is " + body_hash + ".");
  const std::string canonical =
      canonical_request_v3(request.method_name(), claim.query, request.headers, parts->signed_headers, body_hash);
  if (!signature_matches_v3(key->secret, string_to_sign_v3(canonical), parts->signature))
    return gateway_error(
        400, "SignatureDoesNotMatch",
        "Specified signature is not matched with our calculation. server canonical request is:" + shown(canonical));
  return use_nonce(key->id, request.header("x-acs-signature-nonce"), at, wall);
}

}  // namespace tercet::openapi
