#include "provision/board_record.h"

#include <algorithm>

namespace tercet::provision {
namespace {

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); });
}

bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

constexpr std::size_t kMaxPins = 4;

/// Roots and pins are one text: certificates, then lines.
std::string trust_of(const BoardRecord& record) {
  std::string text = record.ca;
  if (!text.empty() && !text.ends_with('\n') && !record.pins.empty()) text += '\n';
  for (const std::string& pin : record.pins) text += "pin-sha256:" + pin + "\n";
  return text;
}

/// Why the record cannot be written; "" when it can.
std::string fault_of(const BoardRecord& record) {
  if (record.product_secret.size() > 64 || !is_printable(record.product_secret))
    return "the ProductSecret has over 64 characters, or blanks; copy it again from the product's page";
  if (record.host.size() > 253 || !is_printable(record.host)) return "the host is no host name or address";
  if (record.port && *record.port == 0) return "a port is 1 to 65535";
  if (record.ca.find("PRIVATE KEY") != std::string::npos)
    return "the CA file holds a private key, which must not go into a board; give the file with the certificate only";
  if (!record.ca.empty() && record.ca.find("-----BEGIN CERTIFICATE-----") == std::string::npos)
    return "the CA file is not PEM: it has no line -----BEGIN CERTIFICATE-----";
  if (trust_of(record).size() > kMaxTextBytes)
    return "the CA file has over 3999 bytes; give only the roots this board needs, without explanations";
  for (const std::string& pin : record.pins)
    if (pin.size() != 64 || !is_hex(pin)) return "a pin is the SHA-256 of the server's public key: 64 hex digits";
  if (record.pins.size() > kMaxPins) return "a board takes at most 4 pins";
  if (record.wifi_ssid.size() > 32) return "a Wi-Fi name has at most 32 bytes";
  if (record.wifi_ssid.empty() && !record.wifi_password.empty()) return "a Wi-Fi password without a Wi-Fi name";
  const std::size_t length = record.wifi_password.size();
  if (length != 0 && (length < 8 || length > 64 || (length == 64 && !is_hex(record.wifi_password))))
    return "a Wi-Fi password has 8 to 63 characters (or is a key of 64 hex digits)";
  return "";
}

}  // namespace

Result<std::vector<NvsEntry>> entries_of(const BoardRecord& record, std::string& problem) {
  problem = fault_of(record);
  if (!problem.empty()) return fail(Error::bad_argument);
  std::vector<NvsEntry> entries;
  const auto add = [&entries](const char* key, std::string_view text) {
    if (!text.empty()) entries.emplace_back(kNamespace, key, text);
  };
  entries.reserve(10);  // a vector that grows would leave copies of secrets behind
  add(kProductKey, record.triple.id.product.str());
  add(kDeviceName, record.triple.id.device.str());
  add(kDeviceSecret, record.triple.secret.str());
  add(kProductSecret, record.product_secret);
  add(kHost, record.host);
  if (record.port) entries.emplace_back(kNamespace, kPort, NvsType::u16, *record.port);
  add(kCa, trust_of(record));
  add(kWifiSsid, record.wifi_ssid);
  add(kWifiPassword, record.wifi_password);
  return entries;
}

bool is_public(const NvsEntry& entry) {
  if (entry.name_space != kNamespace) return false;
  for (const char* key : {kProductKey, kDeviceName, kHost, kPort, kCa, kWifiSsid})
    if (entry.key == key) return true;
  return false;
}

}  // namespace tercet::provision
