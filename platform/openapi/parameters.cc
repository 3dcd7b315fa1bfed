#include "platform/openapi/parameters.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>

namespace tercet::openapi {
namespace {

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return (x | 0x20) == (y | 0x20); });
}

constexpr int kMaxDepth = 4;

}  // namespace

Parameters::Parameters(const NamedTexts& fields) {
  for (const auto& [name, value] : fields) values_.try_emplace(name, value);
}

std::string_view Parameters::text(std::string_view name) const {
  const auto it = values_.find(name);
  return it == values_.end() ? std::string_view{} : std::string_view(it->second);
}

std::optional<std::int64_t> Parameters::number(std::string_view name) const {
  const std::string_view digits = text(name);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

std::optional<bool> Parameters::flag(std::string_view name) const {
  const std::string_view value = text(name);
  if (equals_ignoring_case(value, "true") || value == "1") return true;
  if (equals_ignoring_case(value, "false") || value == "0") return false;
  return std::nullopt;
}

std::vector<std::string> Parameters::list(std::string_view name) const {
  std::vector<std::string> elements;
  for (std::size_t i = 1; i <= kMaxElements; ++i) {
    const auto it = values_.find(std::string(name).append(".").append(std::to_string(i)));
    if (it == values_.end()) break;
    elements.push_back(it->second);
  }
  if (elements.empty() && has(name)) elements.emplace_back(text(name));
  return elements;
}

bool Parameters::add(const boost::json::object& object) {
  for (const auto& member : object)
    if (!add(std::string(member.key()), member.value(), 0)) return false;
  return true;
}

bool Parameters::add(const std::string& name, const boost::json::value& value, int depth) {
  if (depth > kMaxDepth || values_.size() >= kMostFields) return false;
  if (value.is_null()) return true;
  if (const auto* array = value.if_array()) {
    std::size_t i = 0;
    for (const auto& element : *array)
      if (!add(name + "." + std::to_string(++i), element, depth + 1)) return false;
    return true;
  }
  if (const auto* object = value.if_object()) {
    for (const auto& member : *object)
      if (!add(name + "." + std::string(member.key()), member.value(), depth + 1)) return false;
    return true;
  }
  const auto* text = value.if_string();
  values_.try_emplace(name, text ? std::string(*text) : boost::json::serialize(value));
  return true;
}

}  // namespace tercet::openapi
