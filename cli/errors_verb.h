#pragma once
#include <CLI/App.hpp>
#include <string>

namespace tercet::cli {

/// Adds `tercet errors` (the list, or the pages of docs/) and `tercet explain CODE`. Neither needs a platform.
/// `language`: "en" or "zh", what the environment says. Exit codes: 0, 1 for a code that is not in the book, 2 for
/// wrong arguments.
void add_errors(CLI::App& app, const std::string& language, int& exit_code);

}  // namespace tercet::cli
