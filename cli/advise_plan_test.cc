#include <doctest/doctest.h>

#include <algorithm>

#include "cli/advise_command.h"
#include "cli/advise_point.h"
#include "cli/advise_report.h"
#include "tercet/alink/envelope.h"
#include "tercet/json/reader.h"

using namespace tercet;
using namespace tercet::cli::advise;

namespace {

using Acts = std::vector<Act>;
Plan plan_of(std::string_view names, bool quick = false, bool tls = true) {
  return make_plan(*select_points(names), quick, tls);
}
bool does(const Plan& plan, Act act) { return std::find(plan.acts.begin(), plan.acts.end(), act) != plan.acts.end(); }
Command command(Point point) { return make_command(point, "pk", "dn", R"({"interval":5,"name":"x"})", 41); }

}  // namespace

TEST_CASE("points are chosen by id and by group; a name that fits nothing is refused") {
  CHECK(select_points("")->size() == kPoints);
  CHECK(*select_points("command.set") == std::vector<Point>{Point::set_obeyed});
  CHECK(select_points("certificate")->size() == 6);
  CHECK(*select_points("login.timestamp,link") == std::vector<Point>{Point::login_timestamp, Point::dead_link});
  CHECK(!select_points("command.se"));
  CHECK(!select_points("login,,link"));
}

TEST_CASE("a full plan does everything, the session first and held, the recovery last") {
  const Plan plan = plan_of("");
  CHECK(plan.points.size() == kPoints);
  CHECK(plan.acts.front() == Act::session);
  CHECK(plan.acts.back() == Act::recover);
  CHECK(plan.acts.size() == 22);
  CHECK(plan.hold_session);
}

TEST_CASE("quick leaves out what waits, plain what needs TLS, and both say so") {
  const Plan quick = plan_of("", true);
  CHECK(quick.left_out_quick == "connack.withheld, link.dead, backoff.grows, backoff.jitter");
  CHECK(!does(quick, Act::withhold));
  CHECK(!quick.hold_session);
  const Plan plain = plan_of("", false, false);
  CHECK(plain.left_out_plain.find("certificate.sha1") != std::string::npos);
  CHECK(!does(plain, Act::expired));
  CHECK(plain.points.size() == kPoints - 8);
}

TEST_CASE("bad certificates come only after the good one was believed") {
  CHECK(plan_of("certificate.sha1").acts == Acts{Act::close_after_connack, Act::sha1_leaf});
  CHECK(plan_of("certificate.sha1,login").acts == Acts{Act::session, Act::sha1_leaf});
}

TEST_CASE("a withheld PUBACK is followed by a session to see the post again") {
  CHECK(plan_of("puback").acts == Acts{Act::unacknowledged, Act::redelivery});
}

TEST_CASE("a set of wrong types keeps the names and no type") {
  CHECK(command(Point::set_wrong_type).payload ==
        R"({"method":"thing.service.property.set","id":"41","params":{"interval":"not of this type",)"
        R"("name":{"not":"a text"}},"version":"1.0"})");
}

TEST_CASE("a spaced set is valid JSON with the same meaning, a broken one is not") {
  const Command spaced = command(Point::set_spaced_json);
  const auto request = alink::parse_request(spaced.payload);
  REQUIRE(request);
  CHECK(request->id == "41");
  CHECK(request->params->find("interval")->integer() == 5);
  CHECK(spaced.awaited() == "41");
  const Command broken = command(Point::set_broken_json);
  CHECK(!json::parse(broken.payload));
  CHECK(json::parse(broken.probe));
  CHECK(broken.awaited() == "42");
}

TEST_CASE("a large message has 128 KB, valid JSON") {
  const Command large = command(Point::large_message);
  CHECK(large.payload.size() == 128 * 1024);
  CHECK(json::parse(large.payload));
}

TEST_CASE("only an object with a member can be set") {
  CHECK(is_settable(R"({"a":1})"));
  for (const char* bad : {"", "{}", "[1]", "{\"a\":}", "5"}) CHECK(!is_settable(bad));
}

TEST_CASE("posts are answered on their reply topic, time requests with the time, replies not at all") {
  const auto reply = reply_to("/sys/pk/dn/thing/event/property/post", R"({"id":"9","params":{},"sys":{"ack":1}})", {5});
  REQUIRE(reply);
  CHECK(reply->topic == "/sys/pk/dn/thing/event/property/post_reply");
  CHECK(alink::parse_reply(reply->payload)->code == 200);
  CHECK(alink::parse_reply(reply->payload)->id == "9");
  const auto time = reply_to("/ext/ntp/pk/dn/request", R"({"deviceSendTime":"1"})", {1'800'000'000'000});
  REQUIRE(time);
  CHECK(time->topic == "/ext/ntp/pk/dn/response");
  CHECK(time->payload.find("1800000000000") != std::string::npos);
  CHECK(!reply_to("/sys/pk/dn/thing/event/property/post", R"({"id":"9","params":{},"sys":{"ack":0}})", {5}));
  CHECK(!reply_to("/sys/pk/dn/thing/service/property/set_reply", R"({"id":"9","code":200})", {5}));
  CHECK(!reply_to("/pk/dn/user/update", "x", {5}));
}

TEST_CASE("a report is clean only when every point passed; remedies stand below those that did not") {
  Report report;
  CHECK(!report.is_clean());
  report.points.push_back({Point::handshake, pass("TLSv1.3")});
  CHECK(report.is_clean());
  CHECK(report.score() == 100);
  report.points.push_back({Point::post_ids, fail_with("id 1 was used twice")});
  report.points.push_back({Point::dead_link, not_seen("it did not come")});
  CHECK(!report.is_clean());
  CHECK(report.score() == 33);
  const std::string lines = as_lines(report, "en");
  CHECK(lines.find("FAIL      post.ids") != std::string::npos);
  CHECK(lines.find("remedy: count the id up") != std::string::npos);
  CHECK(lines.find("1 passed, 1 failed, 1 not seen, of 3") != std::string::npos);
  CHECK(as_lines(report, "zh").find("处理：") != std::string::npos);
  CHECK(as_json(report, "en").find(R"("outcome":"not-seen")") != std::string::npos);
}
