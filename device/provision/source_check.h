#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tercet::provision {

/// A secret in a source file. The value itself is never in it.
struct SourceFinding {
  std::size_t line = 0;  ///< from 1
  std::string what;      ///< "DEVICE_SECRET: 32 hex digits"
};

/// Finds what looks like a DeviceSecret, ProductSecret, AccessKeySecret, a computed MQTT password or a private key:
/// - a value behind a name with `secret` in it (also `ds`, `ps`), on its line or the next two: 16 and more hex digits,
/// or
///   letters and digits without words in them, as the platforms make them;
/// - 32, 40 or 64 hex digits behind a name with `password` in it (a computed one works as long as the secret does);
/// - a ProductKey and 32 letters and digits on one line; a column of a table (.csv) whose title says so;
/// - `-----BEGIN ... PRIVATE KEY-----`.
/// Placeholders ("YOUR_DEVICE_SECRET", "xxxxxxxx", 0123..., one thing repeated) are none. A comment `not-a-secret` on
/// the line, or on the one before, says that a finding is wrong. file_name: its ending decides how bare words are read.
std::vector<SourceFinding> find_secrets(std::string_view file_name, std::string_view text);

}  // namespace tercet::provision
