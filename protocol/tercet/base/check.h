#pragma once

namespace tercet {

/// Ends the process (or reboots the board) after naming the broken promise. For our own mistakes only: bytes from a
/// peer never reach a check. A program may install its own last words.
[[noreturn]] void check_failed(const char* condition, const char* file, int line);
[[noreturn]] void check_failed();
using CheckHandler = void (*)(const char* condition, const char* file, int line);
void set_check_handler(CheckHandler handler);

}  // namespace tercet

/// On in release builds too. With TERCET_NO_CHECK_TEXT, to save flash, the place is told by the return address alone.
#ifdef TERCET_NO_CHECK_TEXT
#define TERCET_CHECK(condition) (static_cast<bool>(condition) ? static_cast<void>(0) : ::tercet::check_failed())
#else
#define TERCET_CHECK(condition) \
  (static_cast<bool>(condition) ? static_cast<void>(0) : ::tercet::check_failed(#condition, __FILE__, __LINE__))
#endif
