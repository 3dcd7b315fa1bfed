#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "provision/nvs_image.h"
#include "tercet/base/triple.h"

namespace tercet::provision {

/// Names in the image, as the ports for boards read them (docs/provisioning.md has the table).
inline constexpr const char* kNamespace = "tercet";
inline constexpr const char* kProductKey = "pk";
inline constexpr const char* kDeviceName = "dn";
inline constexpr const char* kDeviceSecret = "ds";
inline constexpr const char* kProductSecret = "ps";
inline constexpr const char* kHost = "host";
inline constexpr const char* kPort = "port";
inline constexpr const char* kCa = "ca";
inline constexpr const char* kWifiSsid = "wifi_ssid";
inline constexpr const char* kWifiPassword = "wifi_pass";

/// What one board is given. Everything but the triple may be missing ("").
struct BoardRecord {
  Triple triple;
  std::string product_secret = {};
  std::string host = {};
  std::optional<std::uint16_t> port = std::nullopt;
  std::string ca = {};                 ///< roots to trust, PEM
  std::vector<std::string> pins = {};  ///< SHA-256 of a server's public key in hex: instead of roots, up to 4
  std::string wifi_ssid = {};
  std::string wifi_password = {};
};

/// The entries of the namespace, in the order of the table; nothing for what is missing.
/// Errors: bad_argument; `problem` names the part and the remedy, never a secret.
Result<std::vector<NvsEntry>> entries_of(const BoardRecord& record, std::string& problem);

/// Whether a value may be shown: the parts of the record that are no secret. Values of other namespaces never are.
bool is_public(const NvsEntry& entry);

}  // namespace tercet::provision
