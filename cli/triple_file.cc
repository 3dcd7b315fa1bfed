#include "cli/triple_file.h"

#include <sys/stat.h>

#include <boost/json.hpp>
#include <charconv>
#include <fstream>
#include <sstream>

namespace tercet::cli {
namespace {

std::string trimmed(const std::string& text) {
  const auto from = text.find_first_not_of(" \t\r\n\"'");
  if (from == std::string::npos) return "";
  return text.substr(from, text.find_last_not_of(" \t\r\n\"',") - from + 1);
}

bool set_member(TripleFile& triple, const std::string& key, const std::string& value, std::string& problem) {
  if (key == "productKey" || key == "ProductKey")
    triple.product_key = value;
  else if (key == "deviceName" || key == "DeviceName")
    triple.device_name = value;
  else if (key == "deviceSecret" || key == "DeviceSecret")
    triple.device_secret = value;
  else if (key == "host")
    triple.host = value;
  else if (key == "ca")
    triple.ca = value;
  else if (key == "port") {
    const auto [end, bad] = std::from_chars(value.data(), value.data() + value.size(), triple.port);
    if (bad != std::errc{} || end != value.data() + value.size() || triple.port == 0) {
      problem = "port is '" + value + "', not a number from 1 to 65535";
      return false;
    }
  }
  return true;  // other keys are somebody else's
}

bool parse_json(const std::string& text, TripleFile& triple, std::string& problem) {
  boost::system::error_code bad;
  const auto value = boost::json::parse(text, bad);
  if (bad || !value.is_object()) {
    problem = "it starts like JSON but is not a JSON object: " + bad.message();
    return false;
  }
  for (const auto& member : value.as_object()) {
    const std::string plain =
        member.value().is_string() ? std::string(member.value().as_string()) : boost::json::serialize(member.value());
    if (!set_member(triple, member.key(), plain, problem)) return false;
  }
  return true;
}

bool parse_lines(const std::string& text, TripleFile& triple, std::string& problem) {
  std::istringstream lines(text);
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    const std::string bare = trimmed(line);
    if (bare.empty() || bare.starts_with('#')) continue;
    const auto sign = bare.find_first_of("=:");
    if (sign == std::string::npos) {
      problem = "line " + std::to_string(number) + " is not `key = value`";
      return false;
    }
    if (!set_member(triple, trimmed(bare.substr(0, sign)), trimmed(bare.substr(sign + 1)), problem)) return false;
  }
  return true;
}

}  // namespace

bool parse_triple(const std::string& text, TripleFile& triple, std::string& problem) {
  const auto first = text.find_first_not_of(" \t\r\n");
  const bool json = first != std::string::npos && text[first] == '{';
  if (!(json ? parse_json(text, triple, problem) : parse_lines(text, triple, problem))) return false;
  std::string missing;
  if (triple.product_key.empty()) missing += " productKey";
  if (triple.device_name.empty()) missing += " deviceName";
  if (triple.device_secret.empty()) missing += " deviceSecret";
  if (missing.empty()) return true;
  problem = "these keys are missing:" + missing + R"(; write {"productKey":"…","deviceName":"…","deviceSecret":"…"})";
  return false;
}

bool read_triple_file(const std::string& path, TripleFile& triple, std::string& problem) {
  struct stat about {};
  if (stat(path.c_str(), &about) != 0) {
    problem = path + ": no such file; copy the triple from the device's page into it and `chmod 600` it";
    return false;
  }
  if ((about.st_mode & 077) != 0) {
    problem = path + ": others may read it and it holds a secret; run: chmod 600 " + path;
    return false;
  }
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in || !parse_triple(text.str(), triple, problem)) {
    problem = path + ": " + (problem.empty() ? "cannot be read" : problem);
    return false;
  }
  if (!triple.ca.empty() && triple.ca.front() != '/') {
    const auto slash = path.rfind('/');
    if (slash != std::string::npos) triple.ca = path.substr(0, slash + 1) + triple.ca;
  }
  return true;
}

}  // namespace tercet::cli
