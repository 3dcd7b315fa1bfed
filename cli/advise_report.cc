#include "cli/advise_report.h"

#include <algorithm>
#include <boost/json.hpp>

namespace tercet::cli::advise {
namespace {

std::string_view remedy_of(const Graded& graded, std::string_view language) {
  const Words& remedy = graded.verdict.remedy ? *graded.verdict.remedy : text(graded.point).remedy;
  return remedy.in(language);
}

std::string_view mark_of(Outcome outcome) {
  if (outcome == Outcome::pass) return "pass    ";
  return outcome == Outcome::fail ? "FAIL    " : "not seen";
}

}  // namespace

std::size_t Report::count(Outcome outcome) const {
  return static_cast<std::size_t>(
      std::count_if(points.begin(), points.end(), [&](const Graded& one) { return one.verdict.outcome == outcome; }));
}

int Report::score() const { return points.empty() ? 0 : static_cast<int>(count(Outcome::pass) * 100 / points.size()); }

Report make_report(const Plan& plan, const Record& record) {
  Report report{{}, plan.left_out_quick, plan.left_out_plain};
  for (const Point point : plan.points) report.points.push_back({point, grade(point, record)});
  return report;
}

std::string as_lines(const Report& report, std::string_view language) {
  const bool zh = language == "zh";
  std::string lines;
  for (const Graded& graded : report.points) {
    const PointText& entry = text(graded.point);
    std::string id(entry.id);
    id.resize(std::max<std::size_t>(id.size(), 26), ' ');
    lines += "  " + std::string(mark_of(graded.verdict.outcome)) + "  " + id + " " +
             std::string(entry.title.in(language)) + "\n            " + graded.verdict.evidence + "\n";
    if (graded.verdict.outcome != Outcome::pass)
      lines +=
          std::string("            ") + (zh ? "处理：" : "remedy: ") + std::string(remedy_of(graded, language)) + "\n";
  }
  if (!report.left_out_quick.empty())
    lines += (zh ? "--quick 未检查：" : "left out by --quick: ") + report.left_out_quick + "\n";
  if (!report.left_out_plain.empty())
    lines += (zh ? "--plain 未检查：" : "left out by --plain: ") + report.left_out_plain +
             (zh ? "（明文登录可被窃听，请使用 TLS）\n" : " (a plain login can be overheard: use TLS)\n");
  const auto number = [&](Outcome outcome) { return std::to_string(report.count(outcome)); };
  const std::string all = std::to_string(report.points.size());
  lines += zh ? "得分 " + std::to_string(report.score()) + "%：通过 " + number(Outcome::pass) + "，失败 " +
                    number(Outcome::fail) + "，未见 " + number(Outcome::not_seen) + "，共 " + all + " 项\n"
              : "score " + std::to_string(report.score()) + " %: " + number(Outcome::pass) + " passed, " +
                    number(Outcome::fail) + " failed, " + number(Outcome::not_seen) + " not seen, of " + all +
                    " points\n";
  return lines;
}

std::string as_json(const Report& report, std::string_view language) {
  boost::json::array points;
  for (const Graded& graded : report.points) {
    const PointText& entry = text(graded.point);
    boost::json::object one{{"id", entry.id},
                            {"outcome", name(graded.verdict.outcome)},
                            {"title", entry.title.in(language)},
                            {"evidence", graded.verdict.evidence}};
    if (graded.verdict.outcome != Outcome::pass) one["remedy"] = remedy_of(graded, language);
    points.push_back(std::move(one));
  }
  return boost::json::serialize(boost::json::object{{"score", report.score()},
                                                    {"passed", report.count(Outcome::pass)},
                                                    {"failed", report.count(Outcome::fail)},
                                                    {"notSeen", report.count(Outcome::not_seen)},
                                                    {"leftOutQuick", report.left_out_quick},
                                                    {"leftOutPlain", report.left_out_plain},
                                                    {"points", std::move(points)}});
}

}  // namespace tercet::cli::advise
