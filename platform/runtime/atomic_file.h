#pragma once
#include <string>
#include <string_view>

#include "platform/runtime/problem.h"

namespace tercet::runtime {

/// Who may read a file.
enum class FileMode : unsigned { secret = 0600, shared = 0644 };

/// Replaces the file as a whole: after a power cut there is the old one or the new one. Has the mode from its first
/// moment. Problems: io_failed with the path and what the system said.
Outcome<void> write_file_atomically(const std::string& path, std::string_view contents, FileMode mode);

/// Problems: not_found; io_failed; too_large, over 1 MB.
Outcome<std::string> read_file(const std::string& path);

}  // namespace tercet::runtime
