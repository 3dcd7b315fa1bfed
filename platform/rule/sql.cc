#include "platform/rule/sql.h"

#include "platform/rule/sql_parser.h"
#include "tercet/mqtt/topic.h"

namespace tercet::rule {

bool Query::is_about(std::string_view topic) const {
  for (const std::string& filter : topics_)
    if (mqtt::matches(filter, topic)) return true;
  return false;
}

Compiled compile(std::string_view sql) {
  auto query = std::make_shared<Query>();
  SqlParser parser(*query, sql);
  if (!parser.parse_all()) return {nullptr, parser.problem()};
  return {std::move(query), std::nullopt};
}

Compiled compile_parts(std::string_view select, std::string_view topic, std::string_view where, std::string& part_of) {
  auto query = std::make_shared<Query>();
  part_of = "Select";
  SqlParser items(*query, select);
  if (!items.parse_items()) return {nullptr, items.problem()};
  part_of = "Topic";
  SqlParser from(*query, topic);
  if (!from.parse_topic()) return {nullptr, from.problem()};
  part_of = "Where";
  if (where.find_first_not_of(" \t\r\n") == std::string_view::npos) return {std::move(query), std::nullopt};
  SqlParser condition(*query, where);
  if (!condition.parse_where()) return {nullptr, condition.problem()};
  return {std::move(query), std::nullopt};
}

std::string sql_of(std::string_view select, std::string_view topic, std::string_view where) {
  std::string sql = "SELECT " + std::string(select) + " FROM \"" + std::string(topic) + "\"";
  if (where.find_first_not_of(" \t\r\n") != std::string_view::npos) sql += " WHERE " + std::string(where);
  return sql;
}

}  // namespace tercet::rule
