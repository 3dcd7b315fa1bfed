// What this platform lets pass and the real cloud would not.
#include <algorithm>
#include <array>

#include "tercet/auth/mistake.h"
#include "tercet/auth/search.h"

namespace tercet::auth {
namespace {

/// As the documents and the official clients write them (2.3).
constexpr std::array<std::string_view, 18> kDocumentedKeys{
    "securemode", "signmethod", "timestamp", "_v",         "lan",   "_ss", "ext", "gw", "v",
    "authType",   "authtype",   "random",    "instanceId", "_conn", "pid", "mid", "an", "sign-type"};
constexpr std::array<std::string_view, 4> kIdentityKeys{"clientId", "deviceName", "productKey", "authId"};

template <std::size_t N>
bool is_one_of(const std::array<std::string_view, N>& keys, std::string_view key, bool exactly) {
  return std::any_of(keys.begin(), keys.end(),
                     [&](std::string_view k) { return exactly ? k == key : equals_ignoring_case(k, key); });
}

/// Keys of the extension that stand out, joined for the evidence.
struct OddKeys {
  std::string blanks;
  std::string cased;
  std::string identity;
  std::string unknown;
};

void append(std::string& list, std::string_view item) {
  if (!list.empty()) list += ", ";
  list += quoted(item);
}

OddKeys look_at(const ClientId& id) {
  OddKeys odd;
  ExtensionPairs pairs{id.extension};
  while (const auto pair = pairs.next()) {
    if (pair->written.front() == ' ' || pair->written.back() == ' ') append(odd.blanks, pair->written);
    if (is_one_of(kIdentityKeys, pair->key, false))
      append(odd.identity, pair->key);
    else if (!is_one_of(kDocumentedKeys, pair->key, false))
      append(odd.unknown, pair->key);
    else if (!is_one_of(kDocumentedKeys, pair->key, true))
      append(odd.cased, pair->key);
  }
  return odd;
}

}  // namespace

std::vector<Mistake> what_the_real_cloud_would_refuse(const LoginStrings& strings) {
  const Login login = parse_login(strings);
  const ClientId& id = login.client_id;
  std::vector<Mistake> made;
  if (login.article) {
    const ArticlePassword& password = *login.article;
    made.push_back({Cause::article_password_suffix, "the password goes on behind its " +
                                                        std::to_string(password.sign.size()) + " hex digits with " +
                                                        quoted(strings.password.substr(password.sign.size()))});
    made.push_back({Cause::article_ampersand_content,
                    "signed: \"clientId…&deviceName…&productKey…&timestamp…\"; the cloud signs "
                    "\"clientId…deviceName…productKey…timestamp…\""});
    if (id.sign_method_text.empty())
      made.push_back({Cause::article_sign_method_missing,
                      "client id " + quoted(id.whole) + "; used was " + std::string(name(password.method))});
    if (id.timestamp != password.timestamp)
      made.push_back({Cause::article_timestamp_missing,
                      "client id " + quoted(id.whole) + "; signed was " + std::string(password.timestamp)});
  }
  const OddKeys odd = look_at(id);
  if (!odd.cased.empty()) made.push_back({Cause::article_key_case, "parameters " + odd.cased});
  if (!odd.blanks.empty()) made.push_back({Cause::article_blank_after_comma, "parameters " + odd.blanks});
  if (!odd.identity.empty()) made.push_back({Cause::article_identity_repeated, "parameters " + odd.identity});
  if (!odd.unknown.empty()) made.push_back({Cause::article_unknown_keys, "parameters " + odd.unknown});
  return made;
}

}  // namespace tercet::auth
