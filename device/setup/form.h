#pragma once
#include <optional>
#include <string_view>

#include "setup/field.h"
#include "tercet/base/bytes.h"
#include "tercet/base/result.h"

namespace tercet::setup {

/// The value of `name` in a form's body (application/x-www-form-urlencoded), decoded into `into`. Of several the
/// first. Errors: not_found; malformed, a broken escape; no_space, longer than `into`.
Result<std::string_view> form_value(std::string_view body, std::string_view name, MutableBytes into);

/// What `field` is to become by a form that a person has filled in: a value, or empty, it is removed. Nothing: it stays
/// as it is, because it was left empty or is not in the form. A Wi-Fi name with an empty password is an open network:
/// the password is removed. Blanks around a value go (they come with pasting), but not those of Wi-Fi, where they
/// count. Errors: malformed, no_space, as form_value(). What the value can be, check() says.
Result<std::optional<std::string_view>> change_of(std::string_view body, const Field& field, MutableBytes into);

}  // namespace tercet::setup
