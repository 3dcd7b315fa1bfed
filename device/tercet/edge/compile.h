#pragma once
#include <optional>
#include <string_view>

#include "tercet/edge/model.h"
#include "tercet/edge/problem.h"
#include "tercet/edge/rule_set.h"

namespace tercet::edge {

/// Checks a rule set's text whole against the grammar (docs/edge-rules.md), the model, and the room there is; writes
/// nothing to `room`. Nothing, with `problem` set, when it is refused.
std::optional<RuleSet> check(std::string_view text, const Model& model, const RuleStorage& room, Problem& problem);

/// Writes a text that check() has accepted with the same arguments into `into`.
RuleSet compile(std::string_view text, const Model& model, const RuleStorage& into);

}  // namespace tercet::edge
