#include "platform/subscription/consumer_login.h"

#include <algorithm>

#include "tercet/crypto/encoding.h"

namespace tercet::subscription {
namespace {

constexpr std::size_t kMostUserName = 1024, kMostClientId = 64;
constexpr std::string_view kForm =
    "the user name is clientId|authMode=aksign,signMethod=hmacsha1,timestamp=MILLISECONDS,authId=ACCESSKEYID,"
    "consumerGroupId=GROUP|";

bool is_digits(std::string_view text) {
  return !text.empty() && text.size() <= 20 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::optional<ConsumerLogin> read_consumer_login(std::string_view user_name, std::string& problem) {
  ConsumerLogin login;
  const auto refuse = [&problem](std::string_view what) {
    problem = std::string(what) + "; " + std::string(kForm);
    return std::nullopt;
  };
  if (user_name.size() > kMostUserName) return refuse("a user name has at most 1024 characters");
  const std::size_t open = user_name.find('|');
  if (open == std::string_view::npos || user_name.back() != '|' || open + 1 == user_name.size())
    return refuse("the user name has no parameters between bars");
  login.client_id = user_name.substr(0, open);
  if (login.client_id.empty() || login.client_id.size() > kMostClientId)
    return refuse("the client id before the first bar has 1 to 64 characters");
  std::string_view rest = user_name.substr(open + 1, user_name.size() - open - 2);
  std::string_view mode, method;
  while (!rest.empty()) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    const std::string_view pair = rest.substr(0, comma);
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos) return refuse("a parameter of the user name has no '='");
    const std::string_view name = pair.substr(0, equals), value = pair.substr(equals + 1);
    if (name == "authMode") mode = value;
    if (name == "signMethod") method = value;
    if (name == "timestamp") login.timestamp = value;
    if (name == "authId") login.access_key_id = value;
    if (name == "consumerGroupId") login.group = value;
  }
  if (mode != "aksign") return refuse("authMode is aksign");
  if (method == "hmacmd5")
    login.method = crypto::Algorithm::md5;
  else if (method == "hmacsha1")
    login.method = crypto::Algorithm::sha1;
  else if (method == "hmacsha256")
    login.method = crypto::Algorithm::sha256;
  else
    return refuse("signMethod is hmacmd5, hmacsha1 or hmacsha256");
  if (!is_digits(login.timestamp)) return refuse("timestamp is in milliseconds, digits only");
  if (login.access_key_id.empty()) return refuse("authId, the AccessKey's ID, is missing");
  if (login.group.empty()) login.group = "DEFAULT_GROUP";
  return login;
}

std::string consumer_password(const ConsumerLogin& login, std::string_view access_key_secret) {
  const crypto::Digest digest =
      crypto::hmac(login.method, access_key_secret, "authId=" + login.access_key_id + "&timestamp=" + login.timestamp);
  std::string out(crypto::base64_size(digest.size), '\0');
  const auto written = crypto::encode_base64(digest.view(), out);
  return !digest.empty() && written ? std::string(*written) : std::string{};
}

bool is_signed(const ConsumerLogin& login, std::string_view password, std::string_view access_key_secret) {
  return crypto::equals(as_bytes(consumer_password(login, access_key_secret)), as_bytes(password));
}

}  // namespace tercet::subscription
