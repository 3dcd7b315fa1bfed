#include <algorithm>
#include <array>

#include "cli/advise_point.h"

namespace tercet::cli::advise {
namespace {

constexpr std::array<Act, 22> kOrder{
    Act::session,    Act::close_on_connect, Act::refuse_1,    Act::refuse_2,     Act::refuse_3,
    Act::refuse_4,   Act::refuse_5,         Act::garbage,     Act::refuse_again, Act::close_after_connack,
    Act::slow,       Act::unacknowledged,   Act::redelivery,  Act::expired,      Act::not_yet_valid,
    Act::wrong_host, Act::wrong_ca,         Act::self_signed, Act::sha1_leaf,    Act::withhold,
    Act::silent,     Act::recover};

void append(std::string& list, std::string_view item) {
  if (!list.empty()) list += ", ";
  list += item;
}

}  // namespace

std::optional<std::vector<Point>> select_points(std::string_view names) {
  std::vector<Point> chosen;
  std::vector<bool> wanted(kPoints, names.empty());
  while (!names.empty()) {
    const std::size_t comma = std::min(names.find(','), names.size());
    const std::string_view one = names.substr(0, comma);
    names.remove_prefix(std::min(names.size(), comma + 1));
    bool any = false;
    for (const PointText& entry : all_points()) {
      const bool fits = entry.id == one || (entry.id.starts_with(one) && entry.id.substr(one.size()).starts_with('.'));
      if (fits) wanted[static_cast<std::size_t>(entry.point)] = any = true;
    }
    if (!any) return std::nullopt;
  }
  for (const PointText& entry : all_points())
    if (wanted[static_cast<std::size_t>(entry.point)]) chosen.push_back(entry.point);
  return chosen;
}

bool Plan::has(Point point) const { return std::find(points.begin(), points.end(), point) != points.end(); }

Plan make_plan(const std::vector<Point>& selected, bool quick, bool tls) {
  Plan plan;
  std::vector<bool> wanted(kOrder.size(), false);
  const auto want = [&wanted](Act act) { wanted[static_cast<std::size_t>(act)] = true; };
  bool certificates = false;
  for (const Point point : selected) {
    const PointText& entry = text(point);
    if (entry.needs_tls && !tls) {
      append(plan.left_out_plain, entry.id);
    } else if (entry.waits && quick) {
      append(plan.left_out_quick, entry.id);
    } else {
      plan.points.push_back(point);
      want(entry.act);
      certificates = certificates || entry.id.starts_with("certificate.") || point == Point::no_fallback;
    }
  }
  if (wanted[static_cast<std::size_t>(Act::unacknowledged)]) want(Act::redelivery);
  // Refusing a bad certificate says something only about a device that has believed the good one.
  const bool believes = wanted[static_cast<std::size_t>(Act::session)];
  if (certificates && !believes) plan.acts.push_back(Act::close_after_connack);
  for (const Act act : kOrder) {
    const bool is_there = std::find(plan.acts.begin(), plan.acts.end(), act) != plan.acts.end();
    if (wanted[static_cast<std::size_t>(act)] && !is_there) plan.acts.push_back(act);
  }
  plan.hold_session = believes && plan.has(Point::backoff_grows);
  return plan;
}

}  // namespace tercet::cli::advise
