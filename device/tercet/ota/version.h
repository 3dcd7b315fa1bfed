#pragma once
#include <compare>
#include <string_view>

namespace tercet::ota {

/// Which of two versions is newer. Digits are compared as numbers, so that 1.10 is newer than 1.9, everything else
/// letter by letter; `v1.2` and `V1.2` are `1.2`. What one has more of makes it newer (1.2.1 > 1.2), unless it begins
/// with
/// `-`, which marks what comes before a release (1.2-rc1 < 1.2).
std::strong_ordering compare_versions(std::string_view a, std::string_view b);

}  // namespace tercet::ota
