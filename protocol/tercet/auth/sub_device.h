#pragma once
#include <optional>
#include <string_view>

#include "tercet/auth/client_id.h"
#include "tercet/crypto/digest.h"

namespace tercet::auth {

/// What takes part in the signature with which a gateway shows that it knows a sub-device's DeviceSecret: in topo/add
/// and in logins (device-protocol 9.1, 9.2). Fields that are not sent are not signed.
struct SubDeviceSignInput {
  std::optional<std::string_view> client_id;
  std::string_view device;
  std::string_view product;
  std::optional<std::string_view> timestamp;
};

/// HMAC over `[clientId…]deviceName…productKey…[timestamp…]`, key = the sub-device's secret. Empty digest: see Digest.
crypto::Digest sign_sub_device(SignMethod method, std::string_view secret, const SubDeviceSignInput& input);

/// Whether `sign` (hex, any case) is that signature. The vendor's C SDK 4 signs the client id with its `|…|` block,
/// others what stands before it: both are right. Compares in constant time; an empty secret is refused.
bool verify_sub_device(SignMethod method, std::string_view secret, const SubDeviceSignInput& input,
                       std::string_view sign);

}  // namespace tercet::auth
