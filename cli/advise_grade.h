#pragma once
#include <optional>
#include <string>
#include <vector>

#include "cli/advise_record.h"

namespace tercet::cli::advise {

enum class Outcome : std::uint8_t { pass, fail, not_seen };
std::string_view name(Outcome outcome);  ///< "pass", "fail", "not-seen"

struct Verdict {
  Outcome outcome = Outcome::not_seen;
  std::string evidence{};         ///< one line of English: what was seen
  std::optional<Words> remedy{};  ///< more to the point than the point's own
};

/// What was seen says about this point. Pure: looks at nothing but the record.
Verdict grade(Point point, const Record& record);

/// Pauses between a connection that ended without CONNACK 0 and the next one, of the longest such series.
std::vector<Millis> failure_pauses(const Record& record);
/// Whether they grow, once they tell: after kMostPauses they always do.
std::optional<bool> do_pauses_grow(const std::vector<Millis>& pauses);

// The parts of grade(), by what they look at.
Verdict grade_login(Point point, const Record& record);
Verdict grade_posts(Point point, const Record& record);
Verdict grade_command(Point point, const Record& record);
Verdict grade_pace(Point point, const Record& record);
Verdict grade_certificate(Point point, const Record& record);
Verdict grade_broken_server(Point point, const Record& record);

// What they share.
Verdict pass(std::string evidence);
Verdict fail_with(std::string evidence);
Verdict fail_with(std::string evidence, const Words& remedy);
Verdict not_seen(std::string evidence);
/// The first connection of this act, if possible one with a CONNECT; null when there was none.
const Visit* first_visit(const Record& record, Act act);
std::string seconds(Millis time);  ///< "3.2 s"

}  // namespace tercet::cli::advise
