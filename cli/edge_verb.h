#pragma once
#include <CLI/App.hpp>
#include <cstdint>
#include <string>
#include <vector>

namespace tercet::cli {

/// `tercet edge check` and `tercet edge run`.
struct EdgeOptions {
  std::string rules_file;
  std::string tsl_file;               ///< "" = the climate product
  std::string values_file;            ///< "-" = standard input
  double generate_hours = 0;          ///< instead of values_file
  std::uint32_t seed = 1;             ///< of what is generated
  std::vector<std::string> settings;  ///< PROPERTY=NUMBER
  bool json = false;
  bool any_room = false;
  std::string language = "en";
};

/// Exit codes: 0 accepted; 1 refused, the problem is printed; 2 a file cannot be read.
int run_edge_check(const EdgeOptions& options);
/// Prints the trace. Exit codes: 0; 1 refused, or a board would have rolled the set back; 2 input.
int run_edge_run(const EdgeOptions& options);

void add_edge(CLI::App& app, int& exit_code);

}  // namespace tercet::cli
