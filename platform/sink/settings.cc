#include "platform/sink/settings.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

namespace tercet::sink {

namespace bj = boost::json;

Settings::Settings(std::string_view text) {
  boost::system::error_code bad;
  bj::value parsed = bj::parse(bj::string_view(text.data(), text.size()), bad);
  if (bad || !parsed.is_object())
    problem_ = bad ? "the configuration is no JSON (" + bad.message() + ")" : "the configuration is no JSON object";
  else
    own_ = std::move(parsed.get_object());
}

Settings::Settings(Settings& parent, std::string_view name, const bj::object& part)
    : object_(&part), parent_(&parent), prefix_(std::string(name) + ".") {}

void Settings::set_problem(std::string text) {
  if (parent_ != nullptr) return parent_->set_problem(prefix_ + text);
  if (problem_.empty()) problem_ = std::move(text);
}

void Settings::refuse(std::string_view name, std::string_view why) {
  set_problem(std::string(name) + ": " + std::string(why));
}

const bj::value* Settings::find(std::string_view name) {
  asked_.emplace_back(name);
  return object_->if_contains(bj::string_view(name.data(), name.size()));
}

bool Settings::has(std::string_view name) const { return object_->contains(bj::string_view(name.data(), name.size())); }

const bj::value* Settings::value(std::string_view name) { return find(name); }

std::string Settings::text(std::string_view name) {
  const bj::value* found = find(name);
  if (found == nullptr || !found->is_string() || found->get_string().empty()) {
    refuse(name, found == nullptr ? "is missing: a text" : "must be a text that is not empty");
    return {};
  }
  return std::string(found->get_string());
}

std::string Settings::text_or(std::string_view name, std::string_view otherwise) {
  const bj::value* found = find(name);
  if (found == nullptr) return std::string(otherwise);
  if (!found->is_string()) {
    refuse(name, "must be a text");
    return std::string(otherwise);
  }
  return std::string(found->get_string());
}

std::int64_t Settings::number_or(std::string_view name, std::int64_t otherwise, std::int64_t least, std::int64_t most) {
  const bj::value* found = find(name);
  if (found == nullptr) return otherwise;
  boost::system::error_code bad;
  const auto number = found->to_number<std::int64_t>(bad);
  if (bad || number < least || number > most) {
    refuse(name, "must be a whole number from " + std::to_string(least) + " to " + std::to_string(most));
    return otherwise;
  }
  return number;
}

bool Settings::flag_or(std::string_view name, bool otherwise) {
  const bj::value* found = find(name);
  if (found == nullptr) return otherwise;
  if (!found->is_bool()) {
    refuse(name, "must be true or false");
    return otherwise;
  }
  return found->get_bool();
}

std::vector<std::string> Settings::list(std::string_view name) {
  const bj::value* found = find(name);
  std::vector<std::string> all;
  if (found == nullptr) return all;
  if (found->is_string()) return {std::string(found->get_string())};
  if (found->is_array())
    for (const bj::value& one : found->get_array())
      if (one.is_string()) all.emplace_back(one.get_string());
  if (!found->is_array() || all.size() != found->get_array().size()) refuse(name, "must be a list of texts");
  return all;
}

const bj::object* Settings::object(std::string_view name) {
  const bj::value* found = find(name);
  if (found == nullptr) return nullptr;
  if (!found->is_object()) {
    refuse(name, "must be a JSON object");
    return nullptr;
  }
  return &found->get_object();
}

std::string Settings::choice(std::string_view name, std::initializer_list<std::string_view> all,
                             std::string_view otherwise) {
  const std::string given = text_or(name, otherwise);
  if (std::find(all.begin(), all.end(), given) != all.end()) return given;
  std::string known;
  for (const std::string_view one : all) known.append(known.empty() ? "" : ", ").append(one);
  refuse(name, "must be one of " + known);
  return std::string(otherwise);
}

void Settings::finish() {
  for (const auto& member : *object_) {
    const std::string_view name(member.key().data(), member.key().size());
    if (std::find(asked_.begin(), asked_.end(), name) != asked_.end()) continue;
    std::string known;
    for (const std::string& one : asked_) known.append(known.empty() ? "" : ", ").append(one);
    return refuse(name, "is not known here; there are " + known);
  }
}

}  // namespace tercet::sink
