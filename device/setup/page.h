#pragma once
#include <string_view>

namespace tercet::setup {

/// GET /: the form. Its inputs are named as the fields.
std::string_view page();
/// After POST /: stored, and the board starts again.
std::string_view page_done();
/// After POST / with a value that cannot be right.
std::string_view page_refused();

}  // namespace tercet::setup
