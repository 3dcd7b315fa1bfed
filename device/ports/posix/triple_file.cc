#include "ports/posix/triple_file.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "ports/posix/files.h"
#include "tercet/json/reader.h"

namespace tercet::posix {
namespace {

/// The six texts, owned; the secret is wiped with them.
struct Fields {
  std::string product_key, device_name, device_secret, host, port, ca;
  ~Fields() { std::fill(device_secret.begin(), device_secret.end(), '\0'); }
};

std::string fold(std::string_view key) {
  std::string folded;
  for (const char c : key)
    if (c != '_' && c != '-') folded += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return folded;
}

void take(Fields& fields, std::string_view key, std::string_view value) {
  const std::string name = fold(key);
  if (name == "productkey") fields.product_key = value;
  if (name == "devicename") fields.device_name = value;
  if (name == "devicesecret") fields.device_secret = value;
  if (name == "host") fields.host = value;
  if (name == "port") fields.port = value;
  if (name == "ca") fields.ca = value;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.remove_suffix(1);
  return text;
}

bool take_json(Fields& fields, std::string_view text, std::string& problem) {
  const auto document = json::parse(text);
  if (!document) {
    const auto fault = json::find_fault(text);
    problem = fault ? std::string(fault->reason) + " at byte " + std::to_string(fault->offset) : "not JSON";
    return false;
  }
  for (const auto& [name, value] : document->members()) {
    std::array<std::uint8_t, 512> buffer;
    const auto said = value.text();
    const auto plain = said ? said->unescape(buffer) : Result<std::string_view>(value.raw());
    if (plain) take(fields, name.raw(), *plain);
  }
  return true;
}

void take_lines(Fields& fields, std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.front() == '#') continue;
    const std::size_t sign = line.find_first_of("=:");
    if (sign == std::string_view::npos) continue;
    take(fields, trim(line.substr(0, sign)), trim(line.substr(sign + 1)));
  }
}

}  // namespace

Result<ParsedTriple> parse_triple(std::string_view text, std::string& problem) {
  Fields fields;
  const std::string_view body = trim(text);
  if (body.starts_with('{')) {
    if (!take_json(fields, body, problem)) return fail(Error::malformed);
  } else {
    take_lines(fields, body);
  }
  const auto product = ProductKey::parse(fields.product_key);
  const auto device = DeviceName::parse(fields.device_name);
  const auto secret = DeviceSecret::parse(fields.device_secret);
  if (!product) problem = "productKey is missing or has characters no ProductKey has";
  if (!device) problem = "deviceName is missing or has characters no DeviceName has";
  if (!secret) problem = "deviceSecret is missing or too long";
  if (!product || !device || !secret) return fail(Error::malformed);
  ParsedTriple parsed{{{*product, *device}, fields.host, std::nullopt, fields.ca}, {{*product, *device}, *secret}};
  if (fields.port.empty()) return parsed;
  std::uint16_t port = 0;
  const char* end = fields.port.data() + fields.port.size();
  const auto [at, failed] = std::from_chars(fields.port.data(), end, port);
  if (failed != std::errc{} || at != end || port == 0) {
    problem = "port is no number from 1 to 65535";
    return fail(Error::malformed);
  }
  parsed.file.port = port;
  return parsed;
}

namespace {

Result<ParsedTriple> read(const std::string& path, std::string& problem) {
  const auto open_to_others = is_readable_by_others(path);
  if (!open_to_others) {
    problem = path + ": cannot be read";
    return fail(open_to_others.error());
  }
  if (*open_to_others) {
    problem = path + ": may be read by others; run: chmod 600 " + path;
    return fail(Error::denied);
  }
  auto text = read_file(path, 64 * 1024);
  if (!text) {
    problem = path + ": cannot be read";
    return fail(text.error());
  }
  auto parsed = parse_triple(*text, problem);
  std::fill(text->begin(), text->end(), '\0');
  if (!parsed) problem = path + ": " + problem;
  return parsed;
}

}  // namespace

Result<TripleFile> read_triple_file(const std::string& path, std::string& problem) {
  auto parsed = read(path, problem);
  if (!parsed) return fail(parsed.error());
  TripleFile& file = parsed->file;
  const std::size_t slash = path.rfind('/');
  if (!file.ca.empty() && file.ca.front() != '/' && slash != std::string::npos)
    file.ca = path.substr(0, slash + 1) + file.ca;
  return file;
}

Result<DeviceSecret> TripleFileSecrets::secret_of(const DeviceId& device) {
  std::string problem;
  const auto parsed = read(path_, problem);
  if (!parsed) return fail(parsed.error());
  if (!(parsed->file.id == device)) return fail(Error::not_found);
  return parsed->triple.secret;
}

}  // namespace tercet::posix
