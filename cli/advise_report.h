#pragma once
#include <string>
#include <vector>

#include "cli/advise_grade.h"

namespace tercet::cli::advise {

struct Graded {
  Point point = Point::handshake;
  Verdict verdict;
};

struct Report {
  std::vector<Graded> points;
  std::string left_out_quick, left_out_plain;
  std::size_t count(Outcome outcome) const;
  /// Of the points that were run, in percent, rounded down.
  int score() const;
  bool is_clean() const { return !points.empty() && count(Outcome::pass) == points.size(); }
};

Report make_report(const Plan& plan, const Record& record);
/// A line per point, with the remedy below what did not pass. language: en or zh; evidence is English in both.
std::string as_lines(const Report& report, std::string_view language);
std::string as_json(const Report& report, std::string_view language);

}  // namespace tercet::cli::advise
