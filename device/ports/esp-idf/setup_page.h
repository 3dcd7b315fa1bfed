#pragma once
#include "ports/esp-idf/board.h"
#include "tercet/base/result.h"

namespace tercet::idf {

/// Opens the board's own Wi-Fi network with the set-up page at http://192.168.4.1/, to which every name leads. Its name
/// and password are logged. Other networks the board is in get 403, and so do requests under a name of another site.
/// What is saved there is checked and stored, and the board starts again. Call from the client's task; when open, it
/// stays so for longer. `board` lives for ever. Errors: unsupported, the build has no Wi-Fi or no page; would_block, it
/// is being closed; no_space; bad_argument, the password of the Kconfig menu is shorter than 8 characters.
Result<void> open_setup_page(Board& board);
bool is_setup_page_open();
/// Closes both ten minutes after the last opening, or later, once the triple and a Wi-Fi network are there. Call from
/// the client's task, often; does not wait.
void run_setup_page();

}  // namespace tercet::idf
