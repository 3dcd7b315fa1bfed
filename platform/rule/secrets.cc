#include "platform/rule/secrets.h"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

namespace tercet::rule {
namespace {

namespace bj = boost::json;
constexpr const char* kStars = "******";

bool is_secret(bj::string_view name) {
  constexpr std::string_view kNames[] = {"password", "secret", "token", "app_secret", "access_key", "authorization"};
  std::string lower(name.data(), name.size());
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return std::any_of(std::begin(kNames), std::end(kNames), [&](std::string_view one) { return lower == one; });
}

/// The addresses of the robots of groups carry their key.
bool is_key_in_url(bj::string_view name, const bj::value& value) {
  if (name != "url" || !value.is_string()) return false;
  const std::string_view url(value.get_string().data(), value.get_string().size());
  return url.find("key=") != std::string_view::npos || url.find("access_token=") != std::string_view::npos ||
         url.find("/bot/v2/hook/") != std::string_view::npos;
}

void hide(bj::value& value) {
  if (value.is_array())
    for (bj::value& one : value.get_array()) hide(one);
  if (!value.is_object()) return;
  for (auto& member : value.get_object()) {
    if (is_secret(member.key()) && member.value().is_string()) {
      member.value() = kStars;
    } else if (is_key_in_url(member.key(), member.value())) {
      std::string url(member.value().get_string());
      const std::size_t end =
          std::min(url.find('?'), url.find("/hook/") == std::string::npos ? std::string::npos : url.find("/hook/") + 6);
      member.value() = url.substr(0, end) + kStars;
    } else {
      hide(member.value());
    }
  }
}

/// What is shown of `before` and has not been changed is what `before` has.
void put_back(bj::value& value, const bj::value& before, const bj::value& shown) {
  if (!value.is_object() || !before.is_object() || !shown.is_object()) return;
  for (auto& member : value.get_object()) {
    const bj::value* old = before.get_object().if_contains(member.key());
    const bj::value* seen = shown.get_object().if_contains(member.key());
    if (old == nullptr || seen == nullptr) continue;
    if (member.value() == *seen)
      member.value() = *old;
    else
      put_back(member.value(), *old, *seen);
  }
}

bj::value parse(std::string_view text) {
  boost::system::error_code bad;
  bj::value parsed = bj::parse(bj::string_view(text.data(), text.size()), bad);
  return bad ? bj::value{} : parsed;
}

}  // namespace

std::string without_secrets(std::string_view configuration) {
  bj::value parsed = parse(configuration);
  if (!parsed.is_object()) return {};
  hide(parsed);
  return bj::serialize(parsed);
}

std::string with_secrets_of(std::string_view configuration, std::string_view before) {
  bj::value changed = parse(configuration);
  if (!changed.is_object()) return std::string(configuration);
  const bj::value old = parse(before), shown = parse(without_secrets(before));
  put_back(changed, old, shown);
  return bj::serialize(changed);
}

}  // namespace tercet::rule
