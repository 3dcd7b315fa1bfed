#include "cli/triples.h"

#include <algorithm>
#include <fstream>
#include <sstream>

namespace tercet::cli {

bool read_devices(const std::string& path, bool secrets, std::vector<ListedDevice>& devices, std::string& problem) {
  std::ifstream file(path);
  if (!file) {
    problem = path + ": cannot be read";
    return false;
  }
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    std::replace(line.begin(), line.end(), ',', ' ');
    std::istringstream words(line);
    std::string product, device, secret;
    words >> product >> device >> secret;
    if (product.empty() || product.front() == '#') continue;
    const auto key = ProductKey::parse(product);
    const auto name = DeviceName::parse(device);
    const bool has_secret = DeviceSecret::parse(secret).has_value();
    if (!key || !name || ((secrets || !secret.empty()) && !has_secret)) {
      problem = path + ":" + std::to_string(number) +
                (secrets ? ": want ProductKey DeviceName DeviceSecret" : ": want ProductKey DeviceName [DeviceSecret]");
      return false;
    }
    devices.push_back({{*key, *name}, secret});
  }
  if (devices.empty()) problem = path + ": no devices in it";
  return !devices.empty();
}

bool read_triples(const std::string& path, std::vector<Triple>& triples, std::string& problem) {
  std::vector<ListedDevice> devices;
  if (!read_devices(path, true, devices, problem)) return false;
  for (const ListedDevice& one : devices) triples.push_back({one.id, *DeviceSecret::parse(one.secret)});
  return true;
}

}  // namespace tercet::cli
