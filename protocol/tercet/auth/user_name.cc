#include "tercet/auth/user_name.h"

namespace tercet::auth {

std::optional<UserName> parse_user_name(std::string_view text) {
  const std::size_t at = text.find('&');
  if (at == std::string_view::npos || at == 0 || at + 1 == text.size()) return std::nullopt;
  if (text.find('&', at + 1) != std::string_view::npos) return std::nullopt;
  return UserName{text.substr(0, at), text.substr(at + 1)};
}

}  // namespace tercet::auth
