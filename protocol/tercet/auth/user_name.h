#pragma once
#include <optional>
#include <string_view>

namespace tercet::auth {

/// `${DeviceName}&${ProductKey}` taken apart. Views into the given text. The names are as claimed: they may be no
/// names at all, and belong to a device only once the registry says so.
struct UserName {
  std::string_view device;
  std::string_view product;
};

/// Exactly one `&` with something on both sides, else nothing.
std::optional<UserName> parse_user_name(std::string_view text);

}  // namespace tercet::auth
