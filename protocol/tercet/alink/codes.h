#pragma once
#include <cstdint>
#include <string_view>

#include "tercet/alink/code_table.h"
#include "tercet/base/error.h"

namespace tercet::alink {

/// Codes of Alink replies (11.1). A reply may carry others: devices define 100000..110000 themselves.
enum class Code : std::int32_t {
#define TERCET_ROW(name, number, ...) name = number,
  TERCET_ALINK_CODES(TERCET_ROW)
#undef TERCET_ROW
};

constexpr std::int32_t number(Code code) { return static_cast<std::int32_t>(code); }
/// What the reply's `message` says: lower case, no quotes, and never a word that a text-scanning client could take for
/// a member's name.
std::string_view message(Code code);
/// The code that stands for one of our errors.
Code code_of(Error error);

}  // namespace tercet::alink
