#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cli/openapi_client.h"
#include "provision/board_record.h"

namespace tercet::cli {

/// Where `tercet provision` takes secrets from: files that others cannot read, standard input, a prompt, the platform.
/// Never the command line. `problem` never holds a secret. Errors: malformed, denied (a file others can read),
/// not_found, io_failed.

/// Overwrites the bytes, then empties it.
void wipe(std::string& text);

/// A file as secrets are read from: the whole of it, refused when group or others may read it. "-" is standard input.
Result<std::string> read_private(const std::string& path, std::string& problem);

/// A triple as a file, or pasted: what `tercet device --triple` takes, or three words: ProductKey DeviceName
/// DeviceSecret.
Result<provision::BoardRecord> parse_board(std::string_view text, std::string& problem);
/// The same from a file; "-" is standard input, where a terminal is asked for the parts, the secret unseen. A `ca` in
/// the file names another file, which is read.
Result<provision::BoardRecord> read_board(const std::string& path, std::string& problem);

/// A table: a line of titles, then one board a line. Titles in any case, with or without `_`: ProductKey, DeviceName,
/// DeviceSecret; may be there: ProductSecret, Host, Port. Others are left alone.
Result<std::vector<provision::BoardRecord>> parse_list(std::string_view text, std::string& problem);

/// Wi-Fi: lines `ssid=` and `password=`, taken as they are (a password may hold `=` and blanks).
Result<void> parse_wifi(std::string_view text, provision::BoardRecord& into, std::string& problem);
/// The same from a file, or asked for at the terminal ("-").
Result<void> read_wifi(const std::string& path, provision::BoardRecord& into, std::string& problem);

/// A device of the platform: registered now, or (`existing`) one that is there already. name: "" has one made up.
struct Wanted {
  std::string product, name;
  bool existing = false;
};
Result<provision::BoardRecord> fetch_board(const ApiAccess& access, const Wanted& wanted, std::string& problem);
/// What the platform's answer to RegisterDevice or QueryDeviceDetail says; exposed for its test.
Result<provision::BoardRecord> board_of_answer(const std::string& body, std::string& problem);

}  // namespace tercet::cli
