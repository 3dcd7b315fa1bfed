#pragma once
#include "ports/esp-idf/board.h"
#include "tercet/base/result.h"

namespace tercet::idf {

/// Commands on the serial console (whatever sdkconfig says it is: UART, USB), on a task of ESP-IDF's:
///   set <field> <value>    store a value; `set wifi_ssid "my network"`
///   show                   what is stored, secrets as stars
///   forget                 erase it all, the triple too
///   setup                  open the set-up page
///   restart                start again with what is stored
/// `board` lives for ever. Errors: unsupported, the build has no console; no_space.
Result<void> open_setup_console(Board& board);

}  // namespace tercet::idf
