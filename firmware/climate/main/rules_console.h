#pragma once
#include "board_rules.h"
#include "ports/esp-idf/board.h"
#include "tercet/base/result.h"

namespace tercet::firmware {

/// The command `rules` on the serial console: what runs; `rules paste` takes a rule set as text. Call it once
/// open_setup_console() has succeeded. Both live for ever. Errors: unsupported, the build has no console or no rules;
/// no_space.
Result<void> add_rules_command(idf::Board& board, BoardRules& rules);

}  // namespace tercet::firmware
