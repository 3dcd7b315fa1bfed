#pragma once
#include <span>
#include <string_view>

#include "tercet/base/result.h"

namespace tercet::setup {

/// One thing a person may set, under its name in the provisioning record. Texts are zero-terminated.
struct Field {
  const char* key;   ///< "pk", "wifi_ssid"
  const char* help;  ///< for people
  bool is_secret;    ///< never shown again
};
/// All of them, in the order to ask for them.
std::span<const Field> fields();
/// Null: there is no such field.
const Field* find_field(std::string_view key);

/// Whether the value can be right. Empty, which removes it, always can. Errors: not_found, no such field; malformed.
Result<void> check(std::string_view key, std::string_view value);

}  // namespace tercet::setup
