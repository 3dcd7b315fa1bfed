#include "platform/sink/table.h"

#include <algorithm>

namespace tercet::sink {
namespace {

bool is_name(std::string_view name, bool with_schema) {
  std::size_t dots = 0;
  for (const char c : name) {
    const bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    dots += c == '.' ? 1 : 0;
    if (!is_word && !(with_schema && c == '.')) return false;
  }
  return !name.empty() && name.size() <= 63 && dots <= 1 && name.front() != '.' && name.back() != '.' &&
         !(name.front() >= '0' && name.front() <= '9');
}

bool read_type(std::string_view text, ColumnType& type) {
  constexpr std::string_view kNames[] = {"text", "integer", "real", "boolean", "json", "time"};
  for (std::size_t i = 0; i < std::size(kNames); ++i) {
    if (text != kNames[i]) continue;
    type = static_cast<ColumnType>(i);
    return true;
  }
  return false;
}

Template must_parse(std::string_view text) {
  std::string problem;
  return *Template::parse(text, problem);
}

}  // namespace

std::string sql_name(std::string_view name, char quote) {
  const std::size_t dot = name.find('.');
  std::string out(1, quote);
  if (dot != std::string_view::npos) {
    out.append(name.substr(0, dot));
    out += quote;
    out += '.';
    out += quote;
    name.remove_prefix(dot + 1);
  }
  return out.append(name) + quote;
}

TableMapping TableMapping::read(Settings& settings) {
  TableMapping made;
  made.table = settings.text("table");
  if (!made.table.empty() && !is_name(made.table, true))
    settings.refuse("table", "has letters, digits and _, and may have a schema in front, as in public.readings");
  if (const auto* columns = settings.object("columns")) {
    for (const auto& member : *columns) {
      Column column{std::string(member.key()), ColumnType::text, {}};
      if (!is_name(column.name, false))
        settings.refuse("columns", column.name + " is no name of letters, digits and _");
      std::string text, problem;
      if (member.value().is_string()) {
        text = member.value().get_string();
      } else if (member.value().is_object()) {
        Settings one(settings, "columns." + column.name, member.value().get_object());
        text = one.text("value");
        if (!read_type(one.text_or("type", "text"), column.type))
          one.refuse("type", "is text, integer, real, boolean, json or time");
        one.finish();
      } else {
        settings.refuse("columns", column.name + " is a text such as ${temperature}, or {\"value\":...,\"type\":...}");
      }
      if (auto value = Template::parse(text, problem))
        column.value = std::move(*value);
      else
        settings.refuse("columns." + column.name, problem);
      made.columns.push_back(std::move(column));
    }
    if (made.columns.empty() || made.columns.size() > 100) settings.refuse("columns", "are 1 to 100");
  } else {
    made.columns = {{"time", ColumnType::time, must_parse("${timestamp}")},
                    {"product_key", ColumnType::text, must_parse("${productKey}")},
                    {"device_name", ColumnType::text, must_parse("${deviceName}")},
                    {"topic", ColumnType::text, must_parse("${topic}")},
                    {"message_id", ColumnType::text, must_parse("${messageId}")},
                    {"result", ColumnType::json, must_parse("${result}")}};
  }
  made.key = settings.list("upsert");
  for (const std::string& name : made.key)
    if (std::none_of(made.columns.begin(), made.columns.end(), [&](const Column& one) { return one.name == name; }))
      settings.refuse("upsert", name + " is none of the columns");
  made.creates = settings.flag_or("create", false);
  return made;
}

rule::Sent TableSink::send(std::span<const rule::Queued> records, UnixMillis) {
  std::vector<Row> rows;
  rows.reserve(records.size());
  for (const rule::Queued& record : records) {
    const Message message(record, rule_name_);
    Row row;
    row.reserve(mapping_.columns.size());
    for (const Column& column : mapping_.columns) row.push_back(column.value.value(message));
    rows.push_back(std::move(row));
  }
  Written all = write(rows);
  if (all.stop == rule::Sent::Stop::none) return {records.size(), all.stop, {}, {}};
  if (all.stop == rule::Sent::Stop::retry || rows.size() == 1) return {0, all.stop, std::move(all.cause), {}};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Written one = write(std::span(rows).subspan(i, 1));
    if (one.stop != rule::Sent::Stop::none) return {i, one.stop, std::move(one.cause), {}};
  }
  return {records.size(), rule::Sent::Stop::none, {}, {}};
}

}  // namespace tercet::sink
