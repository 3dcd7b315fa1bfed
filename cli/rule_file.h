#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace tercet::cli {

/// What became of a rule file (docs/rules.md, "Rule files").
struct RuleFileReport {
  std::size_t rules = 0, messages = 0;
  std::vector<std::string> failures;  ///< a line each: "file, rule 2 (hot), message 3: expected ..., got ..."
  std::string problem;                ///< the file itself is wrong; nothing else then
  bool ok() const { return problem.empty() && failures.empty(); }
};

/// Runs every rule of the file on its messages and compares what would be sent with what is expected. `name` is for the
/// texts. Reads no network and no clock: messages say when they come.
RuleFileReport run_rule_file(std::string_view text, const std::string& name);

}  // namespace tercet::cli
