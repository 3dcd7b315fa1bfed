#include "tercet/auth/sub_device.h"

namespace tercet::auth {

crypto::Digest sign_sub_device(SignMethod method, std::string_view secret, const SubDeviceSignInput& input) {
  crypto::Hmac mac{method, secret};
  if (input.client_id) mac.add("clientId").add(*input.client_id);
  mac.add("deviceName").add(input.device);
  mac.add("productKey").add(input.product);
  if (input.timestamp) mac.add("timestamp").add(*input.timestamp);
  return mac.finish();
}

bool verify_sub_device(SignMethod method, std::string_view secret, const SubDeviceSignInput& input,
                       std::string_view sign) {
  if (secret.empty()) return false;
  if (crypto::equals_hex(sign_sub_device(method, secret, input), sign)) return true;
  if (!input.client_id || input.client_id->find('|') == std::string_view::npos) return false;
  SubDeviceSignInput shorter = input;
  shorter.client_id = input.client_id->substr(0, input.client_id->find('|'));
  return crypto::equals_hex(sign_sub_device(method, secret, shorter), sign);
}

}  // namespace tercet::auth
