#include <algorithm>

#include "tercet/auth/psk.h"
#include "tercet/auth/user_name.h"

namespace tercet::auth {
namespace {

constexpr std::size_t kMostDigits = 20;

/// What stands before the next `|`, which is taken off too; the rest when there is none.
std::string_view next_field(std::string_view& text) {
  const auto end = std::min(text.find('|'), text.size());
  const std::string_view field = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return field;
}

bool is_digits(std::string_view text) {
  return !text.empty() && text.size() <= kMostDigits &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::optional<PskIdentity> parse_psk_identity(std::string_view text) {
  if (std::count(text.begin(), text.end(), '|') != 3) return std::nullopt;
  if (next_field(text) != "devicename") return std::nullopt;
  const auto method = parse_sign_method(next_field(text));
  // The cloud writes a user name's two parts the other way round here: `${pk}&${dn}`.
  const auto names = parse_user_name(next_field(text));
  if (!method || !names || !is_digits(text)) return std::nullopt;
  return PskIdentity{.method = *method, .product = names->device, .device = names->product, .timestamp = text};
}

}  // namespace tercet::auth
