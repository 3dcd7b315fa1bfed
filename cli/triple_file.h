#pragma once
#include <cstdint>
#include <string>

namespace tercet::cli {

/// What a triple file holds: JSON, or `key = value` lines with `#` comments. Keys: productKey, deviceName,
/// deviceSecret, and optionally host, port, ca. Everything is text here; the names are checked by who uses them.
struct TripleFile {
  std::string product_key, device_name, device_secret;
  std::string host;
  std::uint16_t port = 0;
  std::string ca;  ///< path of a PEM file; relative ones are relative to the triple file
};

/// On failure `problem` names the file, the line or key, and the remedy. A file that others than its owner may read is
/// refused, since it holds a secret.
bool read_triple_file(const std::string& path, TripleFile& triple, std::string& problem);
bool parse_triple(const std::string& text, TripleFile& triple, std::string& problem);

}  // namespace tercet::cli
