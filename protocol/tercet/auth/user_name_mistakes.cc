#include <algorithm>
#include <array>

#include "tercet/auth/mistake.h"
#include "tercet/auth/search.h"

namespace tercet::auth {
namespace {

bool is_name_character(char c) {
  const char l = static_cast<char>(c | 0x20);
  return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') ||
         std::string_view("-_@.:").find(c) != std::string_view::npos;
}

bool contains_ignoring_case(std::string_view text, std::string_view word) {
  for (std::size_t i = 0; i + word.size() <= text.size(); ++i)
    if (equals_ignoring_case(text.substr(i, word.size()), word)) return true;
  return false;
}

bool is_placeholder(std::string_view text) {
  constexpr std::array kWords{"your",        "xxx",         "${",         "<",         "***",
                              "product_key", "device_name", "productkey", "devicename"};
  return std::any_of(kWords.begin(), kWords.end(),
                     [text](std::string_view w) { return contains_ignoring_case(text, w); });
}

bool has_odd_character(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return c != '&' && !is_name_character(c); });
}

std::string replaced(std::string_view text, std::string_view what, std::string_view by) {
  std::string made(text);
  if (const std::size_t at = made.find(what); at != std::string::npos) made.replace(at, what.size(), by);
  return made;
}

}  // namespace

std::vector<Mistake> find_user_name_mistakes(
    std::string_view user_name,
    const std::function<bool(std::string_view product, std::string_view device)>& is_device) {
  std::vector<Mistake> made;
  const std::string shown = "user name " + quoted(user_name);
  const auto add = [&](Cause cause, const std::string& more = {}) { made.push_back({cause, shown + more}); };
  if (user_name.empty()) {
    made.push_back({Cause::user_name_missing, "the user name is empty"});
    return made;
  }
  const auto user = parse_user_name(user_name);
  if (user && is_device && is_device(user->device, user->product))
    add(Cause::user_name_swapped,
        ": " + std::string(user->device) + " is a ProductKey here, with a device " + std::string(user->product));
  if (is_placeholder(user_name)) add(Cause::user_name_placeholder);
  if (user_name.find("&amp;") != std::string_view::npos || user_name.ends_with("&amp"))
    add(Cause::user_name_html_ampersand, "; meant was " + quoted(replaced(user_name, "&amp;", "&")));
  else if (user_name.starts_with('&') || user_name.ends_with('&'))
    add(Cause::user_name_incomplete);
  else if (!user)
    add(Cause::user_name_separator);
  else if (has_odd_character(user_name))
    add(Cause::user_name_blank);
  return made;
}

}  // namespace tercet::auth
