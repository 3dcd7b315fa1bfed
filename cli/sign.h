#pragma once
#include <cstdint>
#include <string>

#include "tercet/auth/client_id.h"

namespace tercet::cli {

/// What `tercet sign` is asked for.
struct SignOptions {
  std::string product_key, device_name, device_secret;
  std::string host;  ///< "" derives it from region or instance
  std::string region = "cn-shanghai";
  std::string instance_id;  ///< "" = the old public instance
  std::uint16_t port = 8883;
  std::string client_id;  ///< "" = ProductKey.DeviceName
  std::string method = "hmacsha256";
  std::string timestamp;  ///< "" = the C SDKs' constant; "none" leaves it out
  bool plain = false;     ///< securemode=3
  bool json = false;
};

/// The text to print, for MQTTX, MQTT.fx, ESP-AT and C++, or the reason there is none.
bool render_sign(const SignOptions& options, std::string& text, std::string& problem);

}  // namespace tercet::cli
