#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "tercet/device/port.h"

namespace tercet::posix {

/// What a triple file says. Everything but the identity is optional.
struct TripleFile {
  DeviceId id;
  std::string host;
  std::optional<std::uint16_t> port;
  std::string ca;  ///< path; a relative one is relative to the triple file
};

/// Reads a triple: a JSON object, or lines `key=value` (also `key: value`, `#` comments). Keys, in any case and with or
/// without `_`: productKey, deviceName, deviceSecret, host, port, ca; others are ignored.
/// Errors: not_found; denied, the file may be read by others than its owner (chmod 600); malformed, problem says what;
/// io_failed.
Result<TripleFile> read_triple_file(const std::string& path, std::string& problem);
/// The same from text; the secret must be there and is returned too.
struct ParsedTriple {
  TripleFile file;
  Triple triple;
};
Result<ParsedTriple> parse_triple(std::string_view text, std::string& problem);

/// The DeviceSecret out of a triple file, read anew at each login so that it never stays in memory.
class TripleFileSecrets final : public device::SecretStore {
 public:
  explicit TripleFileSecrets(std::string path) : path_(std::move(path)) {}
  Result<DeviceSecret> secret_of(const DeviceId& device) override;

 private:
  std::string path_;
};

}  // namespace tercet::posix
