#include "cli/provision_source.h"

#include <openssl/crypto.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <iostream>
#include <iterator>
#include <set>

#include "cli/manage.h"
#include "ports/posix/files.h"
#include "ports/posix/triple_file.h"

namespace tercet::cli {
namespace {

using provision::BoardRecord;

constexpr std::size_t kMaxFile = 64 * 1024 * 1024;

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n\"";
  const std::size_t from = text.find_first_not_of(kBlanks);
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(kBlanks) - from + 1);
}

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t end = text.find(at);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> found;
  for (;;) {
    const std::size_t from = text.find_first_not_of(" \t\r\n,");
    if (from == std::string_view::npos) return found;
    text.remove_prefix(from);
    const std::size_t end = std::min(text.find_first_of(" \t\r\n,"), text.size());
    found.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

std::string fold(std::string_view title) {
  std::string folded;
  for (const char c : title)
    if (c != '_' && c != '-' && c != ' ') folded += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return folded;
}

Result<BoardRecord> record_of(std::string_view product, std::string_view name, std::string_view secret,
                              std::string& problem) {
  const auto key = ProductKey::parse(product);
  const auto device = DeviceName::parse(name);
  const auto hidden = DeviceSecret::parse(secret);
  if (!key) problem = "the ProductKey is missing, or not 1 to 20 letters and digits";
  if (!device) problem = "the DeviceName is missing, or not 1 to 32 of letters, digits and -_@.:";
  if (!hidden) problem = "the DeviceSecret is missing, or longer than 64 characters";
  if (!key || !device || !hidden) return fail(Error::malformed);
  return BoardRecord{.triple = {{*key, *device}, *hidden}};
}

std::string ask(const char* what, bool hidden) {
  std::cerr << what << ": " << std::flush;
  termios before{};
  const bool quiet = hidden && ::tcgetattr(STDIN_FILENO, &before) == 0;
  if (quiet) {
    termios silent = before;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
  }
  std::string line;
  std::getline(std::cin, line);
  if (quiet) {
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    std::cerr << "\n";
  }
  while (!line.empty() && line.back() == '\r') line.pop_back();
  return line;
}

}  // namespace

void wipe(std::string& text) {
  OPENSSL_cleanse(text.data(), text.size());
  text.clear();
}

Result<std::string> read_private(const std::string& path, std::string& problem) {
  if (path == "-") return std::string{std::istreambuf_iterator<char>(std::cin), {}};
  const auto open_to_others = posix::is_readable_by_others(path);
  if (open_to_others && *open_to_others) {
    problem = path + " may be read by others; run: chmod 600 " + path;
    return fail(Error::denied);
  }
  auto text = posix::read_file(path, kMaxFile);
  // What was named may be the secret itself, given by mistake, so it is not repeated.
  if (!text) problem = "a file of secrets cannot be read (" + std::string(name(text.error())) + "); is its name right?";
  return text;
}

Result<BoardRecord> parse_board(std::string_view text, std::string& problem) {
  const auto parts = words(text);
  if (parts.size() == 3 && text.find_first_of("={") == std::string_view::npos)
    return record_of(parts[0], parts[1], parts[2], problem);
  const auto parsed = posix::parse_triple(text, problem);
  if (!parsed) return fail(parsed.error());
  BoardRecord record{.triple = parsed->triple};
  record.host = parsed->file.host, record.port = parsed->file.port;
  record.ca = parsed->file.ca;
  return record;
}

Result<BoardRecord> read_board(const std::string& path, std::string& problem) {
  if (path == "-" && ::isatty(STDIN_FILENO) == 1) {
    const std::string product = ask("ProductKey", false), device = ask("DeviceName", false);
    std::string secret = ask("DeviceSecret (not shown)", true);
    auto record = record_of(std::string(trim(product)), std::string(trim(device)), trim(secret), problem);
    wipe(secret);
    return record;
  }
  auto text = read_private(path, problem);
  if (!text) return fail(text.error());
  auto record = parse_board(*text, problem);
  wipe(*text);
  if (!record || record->ca.empty()) return record;
  std::string file = record->ca;
  const std::size_t slash = path.rfind('/');
  if (file.front() != '/' && slash != std::string::npos) file = path.substr(0, slash + 1) + file;
  const auto ca = posix::read_file(file);
  if (!ca) {
    problem = file + " cannot be read; the triple's file names it as `ca`";
    return fail(ca.error());
  }
  record->ca = *ca;
  return record;
}

Result<std::vector<BoardRecord>> parse_list(std::string_view text, std::string& problem) {
  problem.clear();
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  const auto lines = split(text, '\n');
  std::vector<std::string> titles;
  for (const std::string_view title : split(lines.front(), ',')) titles.push_back(fold(trim(title)));
  const auto has = [&](const char* title) { return std::find(titles.begin(), titles.end(), title) != titles.end(); };
  if (!has("productkey") || !has("devicename") || !has("devicesecret")) {
    problem = "the first line of the list must hold the titles ProductKey,DeviceName,DeviceSecret";
    return fail(Error::malformed);
  }
  std::vector<BoardRecord> boards;
  std::set<std::string> seen;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    if (trim(lines[i]).empty()) continue;
    const auto cells = split(lines[i], ',');
    const auto cell = [&](const char* title) -> std::string_view {
      const auto at = static_cast<std::size_t>(std::find(titles.begin(), titles.end(), title) - titles.begin());
      return at < cells.size() ? trim(cells[at]) : std::string_view{};
    };
    auto record = record_of(cell("productkey"), cell("devicename"), cell("devicesecret"), problem);
    const std::string_view port = cell("port");
    std::uint16_t number = 0;
    const auto [end, bad] = std::from_chars(port.data(), port.data() + port.size(), number);
    if (cells.size() != titles.size()) problem = "it has not as many parts as the line of titles";
    if (problem.empty() && !port.empty() && (bad != std::errc{} || end != port.data() + port.size() || number == 0))
      problem = "the port is no number from 1 to 65535";
    if (problem.empty() && !seen.insert(std::string(cell("productkey")) + '/' + std::string(cell("devicename"))).second)
      problem = "the same device was before";
    if (!problem.empty()) {
      problem = "line " + std::to_string(i + 1) + " of the list: " + problem;
      return fail(Error::malformed);
    }
    record->product_secret = cell("productsecret"), record->host = cell("host");
    if (!port.empty()) record->port = number;
    boards.push_back(std::move(*record));
  }
  if (boards.empty()) {
    problem = "the list holds no board";
    return fail(Error::malformed);
  }
  return boards;
}

Result<void> parse_wifi(std::string_view text, BoardRecord& into, std::string& problem) {
  for (std::string_view line : split(text, '\n')) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with("ssid=")) into.wifi_ssid = line.substr(5);
    if (line.starts_with("password=")) into.wifi_password = line.substr(9);
  }
  if (!into.wifi_ssid.empty()) return {};
  problem = "the Wi-Fi file has no line ssid=NAME (and password=...; both taken as they are)";
  return fail(Error::malformed);
}

Result<void> read_wifi(const std::string& path, BoardRecord& into, std::string& problem) {
  if (path == "-" && ::isatty(STDIN_FILENO) == 1) {
    into.wifi_ssid = ask("Wi-Fi name", false);
    into.wifi_password = ask("Wi-Fi password (not shown)", true);
    return {};
  }
  auto text = read_private(path, problem);
  if (!text) return fail(text.error());
  const auto parsed = parse_wifi(*text, into, problem);
  wipe(*text);
  return parsed;
}

Result<BoardRecord> board_of_answer(const std::string& body, std::string& problem) {
  boost::system::error_code bad;
  const boost::json::value root = boost::json::parse(body, bad);
  const auto* object = bad ? nullptr : root.if_object();
  const auto* data = object == nullptr ? nullptr : object->if_contains("Data");
  const auto text = [&](const char* member) -> std::string_view {
    const auto* found = data == nullptr || !data->is_object() ? nullptr : data->as_object().if_contains(member);
    return found == nullptr || !found->is_string() ? std::string_view{} : std::string_view(found->as_string());
  };
  auto record = record_of(text("ProductKey"), text("DeviceName"), text("DeviceSecret"), problem);
  if (!record) problem = "the platform's answer holds no triple: " + problem;
  return record;
}

Result<BoardRecord> fetch_board(const ApiAccess& access, const Wanted& wanted, std::string& problem) {
  const std::string action = wanted.existing ? "QueryDeviceDetail" : "RegisterDevice";
  std::map<std::string, std::string> parameters{{"ProductKey", wanted.product}};
  if (!wanted.name.empty()) parameters["DeviceName"] = wanted.name;
  ApiAnswer answer = call(access, action, parameters);
  problem = refusal_of(answer, action);
  if (!problem.empty()) {
    if (answer.arrived() && !wanted.existing && problem.find("AlreadyExisted") != std::string::npos)
      problem += "; for a device that is registered already, add --existing";
    return fail(answer.arrived() ? Error::denied : Error::io_failed);
  }
  auto record = board_of_answer(answer.body, problem);
  wipe(answer.body);
  return record;
}

}  // namespace tercet::cli
