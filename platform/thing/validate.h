#pragma once
#include <string>
#include <string_view>

#include "platform/registry/directory.h"
#include "platform/thing/model.h"
#include "tercet/alink/codes.h"
#include "tercet/json/reader.h"

namespace tercet::thing {

using registry::Validation;

/// What a check of a value found. Views live as long as model and payload.
struct Checked {
  alink::Code code = alink::Code::success;  ///< one of the TSL family, 6302..6328
  std::string_view where = {};              ///< the offending member of a struct, raw; "" = the value itself
  bool ok() const { return code == alink::Code::success; }
};

/// Checks one value. No allocation.
/// none: everything passes. weak: the JSON type, the magnitude of the type, and names of struct members.
/// strong: also range, step, length, choices, element and member counts.
Checked check(const Model& model, const Spec& spec, const json::Value& value, Validation mode);

/// Whether the value is JSON by the book. Trailing commas are forgiven in messages (official C clients send them), but
/// not in values that others will read.
bool is_strict_json(const json::Value& value);

/// The front of raw JSON string contents, cut where neither a character nor an escape is broken.
std::string_view shortened(std::string_view raw, std::size_t most);

/// The text of a failed check as the cloud words it: `tsl parse: params not exist -> temperature`.
/// Appends to `out`, raw JSON string contents (no quotes), at most 64 bytes of the identifier.
void append_check_text(std::string& out, const Checked& checked, std::string_view raw_identifier);

}  // namespace tercet::thing
