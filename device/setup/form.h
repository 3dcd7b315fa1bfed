#pragma once
#include <string_view>

#include "tercet/base/bytes.h"
#include "tercet/base/result.h"

namespace tercet::setup {

/// The value of `name` in a form's body (application/x-www-form-urlencoded), decoded into `into`, without blanks around
/// it. Of several the first. Errors: not_found; malformed, a broken escape; no_space, longer than `into`.
Result<std::string_view> form_value(std::string_view body, std::string_view name, MutableBytes into);

}  // namespace tercet::setup
