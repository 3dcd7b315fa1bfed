#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/edge_values.h"
#include "tercet/edge/problem.h"
#include "tercet/edge/rule_set.h"

namespace tercet::cli {

struct EdgeRun {
  std::vector<EdgeRow> rows;
  std::vector<std::pair<std::size_t, double>> settings;  ///< known from the beginning, and never stale
  bool json = false;                                     ///< an object per step instead of words
  bool any_room = false;                                 ///< more than the default buffers of a board hold
};

/// What became of a run.
struct EdgeOutcome {
  bool accepted = false;
  edge::Problem problem;     ///< when it was not
  bool rolled_back = false;  ///< as a board would have done
  std::string trace;         ///< a line per step; the same input gives the same trace
};

/// Runs a rule set with the board's own engine and keeper over the rows. Settable properties keep their value until a
/// rule or a row changes it, as on a board.
EdgeOutcome run_edge_rules(const std::string& text, const edge::Model& model, const EdgeRun& run);

/// Checks only; `used` says what the set takes of the room.
bool check_edge_rules(const std::string& text, const edge::Model& model, bool any_room, edge::Problem& problem,
                      std::string& used);

}  // namespace tercet::cli
