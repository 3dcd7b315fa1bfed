#include "cli/manage.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>

namespace tercet::cli {
namespace {
namespace json = boost::json;

const json::value* walk(const json::value& root, const std::string& path) {
  const json::value* at = &root;
  std::size_t from = 0;
  while (from < path.size()) {
    const auto dot = std::min(path.find('.', from), path.size());
    if (!at->is_object()) return nullptr;
    at = at->as_object().if_contains(path.substr(from, dot - from));
    if (at == nullptr) return nullptr;
    from = dot + 1;
  }
  return at;
}

/// A device's name is whatever somebody has sent: control characters would command the terminal.
std::string printable(std::string_view text) {
  std::string shown;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const bool is_c1 = c == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (c >= 0x20 && c != 0x7F && !is_c1) {
      shown += text[i];
      continue;
    }
    char code[8];
    std::snprintf(code, sizeof code, "\\x%02x", is_c1 ? static_cast<unsigned char>(text[++i]) : c);
    shown += code;
  }
  return shown;
}

std::string plain(const json::value& value) {
  if (value.is_string()) return printable(std::string_view(value.as_string()));
  if (value.is_null()) return "";
  return json::serialize(value);
}

/// Columns a terminal gives a text: CJK and other wide characters take two.
std::size_t width(const std::string& text) {
  std::size_t columns = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if ((c & 0xC0) == 0x80) continue;
    columns += c >= 0xE3 ? 2 : 1;
  }
  return columns;
}

std::string padded(const std::string& text, std::size_t columns) {
  const std::size_t have = width(text);
  return text + std::string(columns > have ? columns - have : 0, ' ');
}

std::vector<std::string> columns_of(const json::array& rows) {
  std::vector<std::string> names;
  for (const auto& row : rows) {
    if (!row.is_object()) continue;
    for (const auto& member : row.as_object()) {
      if (member.value().is_object() || member.value().is_array()) continue;
      if (std::find(names.begin(), names.end(), member.key()) == names.end()) names.emplace_back(member.key());
    }
  }
  return names;
}

std::string object_lines(const json::object& object) {
  std::size_t widest = 0;
  for (const auto& member : object) widest = std::max(widest, std::string(member.key()).size());
  std::string text;
  for (const auto& member : object)
    text += padded(std::string(member.key()), widest) + "  " + plain(member.value()) + "\n";
  return text;
}

}  // namespace

std::string render_table(const std::string& body, const std::string& list, const std::vector<std::string>& columns) {
  boost::system::error_code bad;
  const json::value root = json::parse(body, bad);
  if (bad) return body + "\n";
  const json::value* found = walk(root, list);
  if (found == nullptr) return "";
  if (found->is_object()) return object_lines(found->as_object());
  if (!found->is_array()) return plain(*found) + "\n";
  const json::array& rows = found->as_array();
  const std::vector<std::string> names = columns.empty() ? columns_of(rows) : columns;
  std::vector<std::size_t> widths;
  for (const auto& name : names) widths.push_back(width(name));
  std::vector<std::vector<std::string>> cells;
  for (const auto& row : rows) {
    std::vector<std::string> line;
    for (std::size_t i = 0; i < names.size(); ++i) {
      const auto* value = row.is_object() ? row.as_object().if_contains(names[i]) : nullptr;
      line.push_back(value == nullptr ? "" : plain(*value));
      widths[i] = std::max(widths[i], width(line.back()));
    }
    cells.push_back(std::move(line));
  }
  std::string text;
  const auto add = [&](const std::vector<std::string>& line) {
    for (std::size_t i = 0; i < line.size(); ++i) text += (i == 0 ? "" : "  ") + padded(line[i], widths[i]);
    text.erase(text.find_last_not_of(' ') + 1);
    text += '\n';
  };
  add(names);
  for (const auto& line : cells) add(line);
  return text;
}

std::string render_records(const std::string& body, const std::string& list, const std::vector<std::string>& columns) {
  boost::system::error_code bad;
  const json::value root = json::parse(body, bad);
  const json::value* found = bad ? nullptr : walk(root, list);
  if (found == nullptr || !found->is_array()) return "";
  std::string text;
  for (const auto& row : found->as_array()) {
    json::object kept;
    for (const auto& name : columns) {
      const auto* value = row.is_object() ? row.as_object().if_contains(name) : nullptr;
      if (value != nullptr && !plain(*value).empty()) kept[name] = *value;
    }
    text += object_lines(kept) + "\n";
  }
  return text;
}

std::string refusal_of(const ApiAnswer& answer, const std::string& action) {
  if (!answer.arrived()) return answer.problem;
  boost::system::error_code bad;
  const json::value root = json::parse(answer.body, bad);
  const json::object* object = bad ? nullptr : root.if_object();
  const auto* success = object == nullptr ? nullptr : object->if_contains("Success");
  if (answer.http_status == 200 && success != nullptr && success->is_bool() && success->as_bool()) return "";
  const auto text = [&](const char* name) {
    const auto* value = object == nullptr ? nullptr : object->if_contains(name);
    return value == nullptr ? std::string{} : plain(*value);
  };
  const std::string message = text("ErrorMessage").empty() ? text("Message") : text("ErrorMessage");
  return action + " refused (HTTP " + std::to_string(answer.http_status) + "): " + text("Code") + " " +
         (object == nullptr ? answer.body : message);
}

int run_call(const ApiAccess& access, const Call& wanted, bool as_json) {
  const ApiAnswer answer = call(access, wanted.action, wanted.parameters);
  const std::string refusal = refusal_of(answer, wanted.action);
  if (as_json && answer.arrived()) std::printf("%s\n", answer.body.c_str());
  if (!refusal.empty()) {
    std::fprintf(stderr, "tercet: %s\n", refusal.c_str());
    return answer.arrived() ? 1 : 2;
  }
  if (as_json) return 0;
  const auto render = wanted.as_records ? render_records : render_table;
  std::fputs(render(answer.body, wanted.list, wanted.columns).c_str(), stdout);
  return 0;
}

}  // namespace tercet::cli
