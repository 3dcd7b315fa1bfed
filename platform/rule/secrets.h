#pragma once
#include <string>
#include <string_view>

namespace tercet::rule {

/// A configuration as it is shown: its passwords, secrets and tokens as "******". Text that is no JSON: nothing of it.
std::string without_secrets(std::string_view configuration);
/// The same configuration, with "******" where the shown one had it put back to what it was.
std::string with_secrets_of(std::string_view configuration, std::string_view before);

}  // namespace tercet::rule
