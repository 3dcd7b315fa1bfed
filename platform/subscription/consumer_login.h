#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "tercet/crypto/digest.h"

namespace tercet::subscription {

/// What a consumer says in SASL PLAIN (cloud-side reference 4.2):
/// `{clientId}|authMode=aksign,signMethod=hmacsha1,timestamp=1573489088171,authId={AccessKeyId},iotInstanceId=,consumerGroupId={group}|`
/// The pairs come in any order, names and values without blanks; names that are not known are passed over.
struct ConsumerLogin {
  std::string client_id;  ///< 1 to 64 characters, shown in QueryConsumerGroupStatus
  crypto::Algorithm method = crypto::Algorithm::sha1;
  std::string timestamp;  ///< milliseconds since 1970 as the consumer wrote it: any, since its clock is not checked
  std::string access_key_id;
  std::string group;  ///< GroupId; DEFAULT_GROUP when it is left out
};

/// Reads the user name. Nothing: `problem` says what is wrong with it and what belongs there.
std::optional<ConsumerLogin> read_consumer_login(std::string_view user_name, std::string& problem);
/// The password that this consumer must send: base64 of the HMAC of `authId=...&timestamp=...`. "" when the digest is
/// not to be had.
std::string consumer_password(const ConsumerLogin& login, std::string_view access_key_secret);
/// In constant time.
bool is_signed(const ConsumerLogin& login, std::string_view password, std::string_view access_key_secret);

}  // namespace tercet::subscription
