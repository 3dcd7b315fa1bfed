#pragma once
#include "cli/board.h"

namespace tercet::cli {

/// `tercet device --register`: dynamic registration (docs/identity.md) of a virtual board. The ProductSecret goes in, a
/// triple file of mode 0600 comes out, which is never written over another. The device must be there beforehand. Exit
/// codes as run_board(): 2 bad input, 14 the platform refused it, others after --give-up.
int register_board(const BoardOptions& options);

}  // namespace tercet::cli
