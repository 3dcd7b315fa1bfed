#pragma once
#include <string>
#include <vector>

#include "tercet/base/triple.h"

namespace tercet::cli {

/// A line of a list of devices: "ProductKey DeviceName DeviceSecret", blanks or commas between. Comments begin with #.
struct ListedDevice {
  DeviceId id;
  std::string secret;  ///< "" when the line has none
};

/// `problem` names file and line. With `secrets` each line must have one.
bool read_devices(const std::string& path, bool secrets, std::vector<ListedDevice>& devices, std::string& problem);
bool read_triples(const std::string& path, std::vector<Triple>& triples, std::string& problem);

}  // namespace tercet::cli
