#pragma once
#include "ports/esp-idf/board.h"
#include "tercet/base/result.h"

namespace tercet::idf {

/// Opens the board's own Wi-Fi network with the set-up page at http://192.168.4.1/, to which every name leads. Its name
/// and password are logged. What is saved there is checked and stored, and the board starts again. Call from the
/// client's task; harmless when open. `board` lives for ever. Errors: unsupported, the build has no Wi-Fi or no page;
/// no_space; bad_argument, the password of the Kconfig menu is shorter than 8 characters.
Result<void> open_setup_page(Board& board);
bool is_setup_page_open();
/// Closes both. Not within a request of the page's.
void close_setup_page();

}  // namespace tercet::idf
