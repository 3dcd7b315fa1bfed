#include <algorithm>
#include <numeric>

#include "cli/advise_grade.h"

namespace tercet::cli::advise {
namespace {

constexpr std::size_t kFewestPauses = 4;
constexpr Millis kSlowAlready{15'000};

std::string list(const std::vector<Millis>& pauses) {
  std::string text = "pauses";
  for (const Millis pause : pauses) {
    text += ' ' + seconds(pause);
    text.resize(text.size() - 2);  // one unit at the end is enough
  }
  return text + " s";
}

/// A ratio that a program without chance has between two pauses.
bool is_clockwork(Millis a, Millis b) {
  const auto about = [](double is, double wanted) { return is >= wanted * 0.97 && is <= wanted * 1.03; };
  if (a < Millis{100} && b < Millis{100}) return true;
  if (std::max(a, b) - std::min(a, b) < Millis{60}) return true;
  const double ratio = static_cast<double>(b.count()) / static_cast<double>(std::max<std::int64_t>(1, a.count()));
  return about(ratio, 1) || about(ratio, 1.5) || about(ratio, 2);
}

Verdict grade_growth(const std::vector<Millis>& pauses) {
  const auto grow = do_pauses_grow(pauses);
  if (!grow) return not_seen("only " + std::to_string(pauses.size()) + " pauses were seen");
  return *grow ? pass(list(pauses)) : fail_with(list(pauses));
}

Verdict grade_jitter(const std::vector<Millis>& pauses) {
  if (pauses.size() < kFewestPauses) return not_seen("only " + std::to_string(pauses.size()) + " pauses were seen");
  for (std::size_t i = 1; i < pauses.size(); ++i)
    if (!is_clockwork(pauses[i - 1], pauses[i])) return pass(list(pauses));
  return fail_with(list(pauses) + ": any other device of this firmware makes the same");
}

Verdict grade_rate(const Record& record) {
  if (record.visits.empty()) return not_seen("the device did not come");
  std::ptrdiff_t most = 0;
  auto oldest = record.visits.begin();
  for (auto visit = record.visits.begin(); visit != record.visits.end(); ++visit) {
    while (visit->began - oldest->began >= Seconds{60}) ++oldest;
    most = std::max(most, visit - oldest + 1);
  }
  const std::string evidence = "at most " + std::to_string(most) + " in any minute";
  return most > kConnectsPerMinute ? fail_with(evidence) : pass(evidence);
}

}  // namespace

std::vector<Millis> failure_pauses(const Record& record) {
  std::vector<Millis> longest, series;
  const Visit* before = nullptr;
  for (const Visit& visit : record.visits) {
    if (before != nullptr && before->ended && !before->accepted())
      series.push_back(std::max(Millis{0}, visit.began - *before->ended));
    else
      series.clear();
    if (series.size() > longest.size()) longest = series;
    before = &visit;
  }
  return longest;
}

std::optional<bool> do_pauses_grow(const std::vector<Millis>& pauses) {
  if (pauses.size() < kFewestPauses) return std::nullopt;
  const Millis early = *std::max_element(pauses.begin(), pauses.begin() + 3);
  const Millis late = *std::max_element(pauses.begin() + 3, pauses.end());
  const Millis all = std::accumulate(pauses.begin(), pauses.end(), Millis{0});
  if (late >= early * 3 / 2 + Millis{500}) return true;
  if (all >= kSlowAlready * static_cast<int>(pauses.size())) return true;
  if (pauses.size() >= kMostPauses) return false;
  return std::nullopt;
}

Verdict grade_pace(Point point, const Record& record) {
  if (point == Point::backoff_rate) return grade_rate(record);
  const auto pauses = failure_pauses(record);
  return point == Point::backoff_grows ? grade_growth(pauses) : grade_jitter(pauses);
}

}  // namespace tercet::cli::advise
