#include "cli/advise_grade.h"

#include <doctest/doctest.h>

#include <tuple>

#include "tercet/auth/article.h"
#include "tercet/auth/sign.h"

using namespace tercet;
using namespace tercet::cli::advise;

namespace {

using Kind = Event::Kind;
constexpr const char* kProduct = "a1B2c3D4e5F";
constexpr const char* kDevice = "sensor_01";
constexpr const char* kSecret = "0123456789abcdef0123456789abcdef";
constexpr UnixMillis kWall{1'800'000'000'000};
const std::string kBase = "/sys/a1B2c3D4e5F/sensor_01/thing/";
const std::string kPost = kBase + "event/property/post";
const std::string kSetReply = kBase + "service/property/set_reply";

Instant at(double seconds) { return Instant{Millis{static_cast<std::int64_t>(seconds * 1000)}}; }

/// A record under construction: visits with the events of each, in order of time.
struct Story {
  Record record;
  Story() {
    record.product = kProduct, record.device = kDevice, record.secret = kSecret;
    record.visits.reserve(64);  // references to visits stay good
  }

  Visit& visit(Act act, double began, double ended = -1, bool by_device = false) {
    Visit visit;
    visit.act = act, visit.began = visit.last_sent = at(began), visit.tls = "TLSv1.3";
    if (ended >= 0) visit.ended = at(ended);
    visit.ended_by_device = by_device;
    record.visits.push_back(visit);
    record.finished = at(ended >= 0 ? ended : began);
    return record.visits.back();
  }
  Visit& session(Act act, double began, double ended = -1, bool by_device = false) {
    Visit& made = log_in(visit(act, began, ended, by_device));
    made.answered = made.began;
    return made;
  }
  static Visit& log_in(Visit& visit) {
    SeenLogin login;
    const Triple triple{{*ProductKey::parse(kProduct), *DeviceName::parse(kDevice)}, *DeviceSecret::parse(kSecret)};
    const auto made = auth::make_credentials(triple);
    login.client_id = made->client_id.str(), login.user_name = made->user_name.str();
    login.password = made->password.str();
    login.keep_alive = Seconds{60}, login.wall = kWall;
    visit.login = login;
    return visit;
  }
  Outcome outcome(Point point) const { return grade(point, record).outcome; }
  std::string evidence(Point point) const { return grade(point, record).evidence; }
};

Event event(Kind kind, double when) {
  Event made;
  made.kind = kind, made.at = at(when);
  return made;
}
Event said(double when, const std::string& topic, const std::string& payload, mqtt::Qos qos = mqtt::Qos::at_most_once) {
  Event made = event(Kind::posted, when);
  made.topic = topic, made.payload = payload, made.qos = qos;
  return made;
}
Event subscribed(double when, const std::string& filter) {
  Event made = event(Kind::subscribed, when);
  made.topic = filter, made.packet_id = 1;
  return made;
}
std::string post_with(const std::string& id) {
  return R"({"id":")" + id + R"(","version":"1.0","params":{"t":1},"method":"thing.event.property.post"})";
}
Event commanded(Point point, double when) {
  Event made = event(Kind::commanded, when);
  made.point = point, made.id = "7", made.probe_id = "8", made.packet_id = 3;
  return made;
}
Event over(Point point, double when) {
  Event made = event(Kind::command_over, when);
  made.point = point;
  return made;
}
Event answered(double when, const std::string& id, int code) {
  return said(when, kSetReply, R"({"id":")" + id + R"(","code":)" + std::to_string(code) + R"(,"data":{}})");
}

/// One command and what came of it.
Story command(Point point, const std::vector<Event>& then, bool closed_by_device = false) {
  Story story;
  Visit& visit = story.session(Act::session, 0, 20, closed_by_device);
  visit.events.push_back(commanded(point, 1));
  visit.events.insert(visit.events.end(), then.begin(), then.end());
  return story;
}

/// Connections that fail, with these pauses between them.
Story failures(const std::vector<double>& pauses) {
  Story story;
  double now = 0;
  story.visit(Act::refuse_again, now, now + 0.1);
  for (const double pause : pauses) {
    now += 0.1 + pause;
    story.visit(Act::refuse_again, now, now + 0.1);
  }
  return story;
}

}  // namespace

TEST_CASE("of a device that never came nothing was seen, whatever the point") {
  Story story;
  for (const PointText& entry : all_points()) CHECK_MESSAGE(story.outcome(entry.point) == Outcome::not_seen, entry.id);
}

TEST_CASE("every point has an id, a title and a remedy in both languages, and stands at its place") {
  for (std::size_t i = 0; i < kPoints; ++i) {
    const PointText& entry = all_points()[i];
    CHECK(static_cast<std::size_t>(entry.point) == i);
    for (const Words& words : {entry.title, entry.remedy})
      CHECK_MESSAGE((!words.en.empty() && !words.zh.empty()), entry.id);
  }
}

TEST_CASE("a right login passes; the article's and a wrong password fail with their own remedy") {
  Story story;
  SeenLogin& login = *story.session(Act::session, 0).login;
  CHECK(story.outcome(Point::login_fields) == Outcome::pass);
  CHECK(story.evidence(Point::login_fields).find(login.password) == std::string::npos);
  SUBCASE("the secret itself as password") {
    login.password = kSecret;
    const Verdict verdict = grade(Point::login_fields, story.record);
    CHECK(verdict.outcome == Outcome::fail);
    CHECK(verdict.evidence.find("sign.password_is_secret") != std::string::npos);
    CHECK(verdict.evidence.find(kSecret) == std::string::npos);
    CHECK(verdict.remedy.has_value());
  }
  SUBCASE("the article's dialect with a right signature") {
    login.client_id = "a4cf12|secureMode=2|";
    const std::string stamp = std::to_string(kWall.ms);
    const auto digest = auth::sign_article(auth::SignMethod::sha1, kSecret, "a4cf12", kDevice, kProduct, stamp);
    login.password.clear();
    for (const std::uint8_t byte : digest.view()) {
      login.password += "0123456789abcdef"[byte >> 4];
      login.password += "0123456789abcdef"[byte & 15];
    }
    login.password += "&timestamp=" + stamp + "&signMethod=hmacSha1";
    CHECK(story.evidence(Point::login_fields).find("article") != std::string::npos);
    CHECK(story.outcome(Point::login_fields) == Outcome::fail);
    CHECK(story.outcome(Point::login_timestamp) == Outcome::pass);
  }
  SUBCASE("a user name the wrong way round, without a triple") {
    story.record.secret.clear();
    login.user_name = "sensor_01a1B2c3D4e5F";
    CHECK(story.outcome(Point::login_fields) == Outcome::fail);
  }
}

TEST_CASE("timestamps: none, the constant or the time pass; seconds, overflow and another year fail") {
  const struct {
    const char* pair;
    Outcome outcome;
  } cases[] = {{"", Outcome::pass},
               {",timestamp=2524608000000", Outcome::pass},
               {",timestamp=1800000100000", Outcome::pass},
               {",timestamp=1800001000000", Outcome::fail},
               {",timestamp=1800000000", Outcome::fail},
               {",timestamp=18446744072363278512", Outcome::fail},
               {",timestamp=1000", Outcome::fail}};
  for (const auto& one : cases) {
    Story story;
    story.session(Act::session, 0).login->client_id = std::string("id|securemode=2") + one.pair + "|";
    CHECK_MESSAGE(story.outcome(Point::login_timestamp) == one.outcome, one.pair);
  }
}

TEST_CASE("keep-alive passes from 30 to 1200 s") {
  for (const auto& [value, outcome] : std::vector<std::pair<int, Outcome>>{{0, Outcome::fail},
                                                                           {29, Outcome::fail},
                                                                           {30, Outcome::pass},
                                                                           {1200, Outcome::pass},
                                                                           {1201, Outcome::fail}}) {
    Story story;
    story.session(Act::session, 0).login->keep_alive = Seconds{value};
    CHECK(story.outcome(Point::login_keep_alive) == outcome);
  }
}

TEST_CASE("a device subscribes to sets before it posts, or says _ss=1") {
  Story story;
  Visit& visit = story.session(Act::session, 0);
  SUBCASE("in order") {
    visit.events = {subscribed(1, kBase + "service/property/set"), said(2, kPost, post_with("1"))};
    CHECK(story.outcome(Point::subscribes) == Outcome::pass);
  }
  SUBCASE("with a wildcard") {
    visit.events = {subscribed(1, kBase + "#"), said(2, kPost, post_with("1"))};
    CHECK(story.outcome(Point::subscribes) == Outcome::pass);
  }
  SUBCASE("too late") {
    visit.events = {said(1, kPost, post_with("1")), subscribed(2, kBase + "service/property/set")};
    CHECK(story.outcome(Point::subscribes) == Outcome::fail);
  }
  SUBCASE("to something else only") {
    visit.events = {subscribed(1, "/a1B2c3D4e5F/sensor_01/user/get"), said(2, kPost, post_with("1"))};
    CHECK(story.outcome(Point::subscribes) == Outcome::fail);
  }
  SUBCASE("_ss=1") {
    visit.login->client_id = "id|_ss=1|";
    CHECK(story.outcome(Point::subscribes) == Outcome::pass);
  }
  SUBCASE("in a session that goes on nothing is asked") {
    visit.resumed = true;
    visit.events = {said(1, kPost, post_with("1"))};
    CHECK(story.outcome(Point::subscribes) == Outcome::not_seen);
  }
}

TEST_CASE("QoS 2, retained messages, a will, nine filters and long topics are not offered") {
  Story story;
  Visit& visit = story.session(Act::session, 0);
  visit.events = {said(1, kPost, post_with("1"), mqtt::Qos::at_least_once)};
  CHECK(story.outcome(Point::features) == Outcome::pass);
  SUBCASE("QoS 2") { visit.events[0].qos = mqtt::Qos::exactly_once; }
  SUBCASE("retain") { visit.events[0].retain = true; }
  SUBCASE("will") { visit.login->has_will = true; }
  SUBCASE("filters") { visit.events.insert(visit.events.end(), 9, subscribed(2, "/a")); }
  SUBCASE("topic") { visit.events[0].topic = "/" + std::string(128, 'a'); }
  CHECK(story.outcome(Point::features) == Outcome::fail);
}

TEST_CASE("a post is checked member by member") {
  const struct {
    const char* payload;
    Outcome outcome;
  } cases[] = {{R"({"id":"1","version":"1.0","params":{},"method":"thing.event.property.post"})", Outcome::pass},
               {R"({"id":"1","version":"1.0","params":{}})", Outcome::pass},
               {R"({"version":"1.0","params":{},"method":"thing.event.property.post"})", Outcome::fail},
               {R"({"id":"1","params":{},"method":"thing.event.property.post"})", Outcome::fail},
               {R"({"id":"1","version":"1.0","method":"thing.event.property.post"})", Outcome::fail},
               {R"({"id":"1","version":"1.0","params":[],"method":"thing.event.property.post"})", Outcome::fail},
               {R"({"id":"1","version":"1.0","params":{},"method":"thing.event.alarm.post"})", Outcome::fail},
               {R"({"id":"1","version":"1.0","params":{"t":nan}})", Outcome::fail},
               {R"([])", Outcome::fail}};
  for (const auto& one : cases) {
    Story story;
    story.session(Act::session, 0).events = {said(1, kPost, one.payload)};
    CHECK_MESSAGE(story.outcome(Point::post_envelope) == one.outcome, one.payload);
  }
}

TEST_CASE("an id used twice in a session fails, unless the message is a repetition") {
  Story story;
  Visit& visit = story.session(Act::session, 0);
  visit.events = {said(1, kPost, post_with("1"))};
  CHECK(story.outcome(Point::post_ids) == Outcome::not_seen);
  SUBCASE("counted up") {
    visit.events.push_back(said(2, kPost, post_with("2")));
    CHECK(story.outcome(Point::post_ids) == Outcome::pass);
  }
  SUBCASE("constant") {
    visit.events.push_back(said(2, kPost, post_with("1")));
    CHECK(story.outcome(Point::post_ids) == Outcome::fail);
  }
  SUBCASE("DUP") {
    visit.events.push_back(said(2, kPost, post_with("1")));
    visit.events.back().dup = true;
    visit.events.push_back(said(3, kPost, post_with("2")));
    CHECK(story.outcome(Point::post_ids) == Outcome::pass);
  }
}

TEST_CASE("a set passes when 200 comes with its id, and only then") {
  CHECK(command(Point::set_obeyed, {answered(2, "7", 200)}).outcome(Point::set_obeyed) == Outcome::pass);
  CHECK(command(Point::set_obeyed, {answered(2, "7", 460)}).outcome(Point::set_obeyed) == Outcome::fail);
  const Story other = command(Point::set_obeyed, {answered(2, "123", 200), over(Point::set_obeyed, 11)});
  CHECK(other.outcome(Point::set_obeyed) == Outcome::fail);
  CHECK(other.evidence(Point::set_obeyed).find("123") != std::string::npos);
  CHECK(command(Point::set_obeyed, {over(Point::set_obeyed, 11)}).outcome(Point::set_obeyed) == Outcome::fail);
  CHECK(command(Point::set_obeyed, {}).outcome(Point::set_obeyed) == Outcome::not_seen);
  CHECK(command(Point::set_obeyed, {}, true).outcome(Point::set_obeyed) == Outcome::fail);
}

TEST_CASE("a wrong set wants an error code, and life afterwards") {
  const auto with = [](const std::vector<Event>& then, bool closed = false) {
    return command(Point::set_wrong_type, then, closed).outcome(Point::set_wrong_type);
  };
  CHECK(with({answered(2, "7", 460), answered(3, "8", 200), over(Point::set_wrong_type, 3)}) == Outcome::pass);
  CHECK(with({answered(2, "7", 200), answered(3, "8", 200), over(Point::set_wrong_type, 3)}) == Outcome::fail);
  CHECK(with({answered(3, "8", 200), over(Point::set_wrong_type, 3)}) == Outcome::fail);
  CHECK(with({answered(2, "7", 460)}, true) == Outcome::fail);
}

TEST_CASE("what a device survives shows in the next answer, or in anything it says") {
  const auto with = [](const std::vector<Event>& then, bool closed = false) {
    return command(Point::large_message, then, closed).outcome(Point::large_message);
  };
  CHECK(with({answered(2, "8", 200), over(Point::large_message, 2)}) == Outcome::pass);
  CHECK(with({event(Kind::pinged, 9), over(Point::large_message, 21)}) == Outcome::pass);
  CHECK(with({over(Point::large_message, 21)}) == Outcome::not_seen);
  CHECK(with({}, true) == Outcome::fail);
}

TEST_CASE("two copies of a QoS 1 message want two PUBACKs") {
  Event ack = event(Kind::acknowledged, 2), repeated = event(Kind::repeated, 1);
  ack.packet_id = repeated.packet_id = 3;
  const auto with = [&](const std::vector<Event>& then) {
    return command(Point::set_duplicate, then).outcome(Point::set_duplicate);
  };
  CHECK(with({repeated, ack, ack, over(Point::set_duplicate, 3)}) == Outcome::pass);
  CHECK(with({repeated, ack, over(Point::set_duplicate, 11)}) == Outcome::fail);
  CHECK(with({repeated, over(Point::set_duplicate, 11)}) == Outcome::fail);
}

TEST_CASE("after a refusal the device says nothing more and comes again") {
  Story story;
  Visit& visit = story.session(Act::refuse_4, 0, 1, true);
  visit.code = 4;
  CHECK(story.outcome(Point::refused_4) == Outcome::not_seen);
  SUBCASE("it does") {
    story.visit(Act::refuse_5, 5);
    CHECK(story.outcome(Point::refused_4) == Outcome::pass);
  }
  SUBCASE("it does not") {
    story.record.finished = at(1) + kReturnWithin;
    CHECK(story.outcome(Point::refused_4) == Outcome::fail);
  }
  SUBCASE("it goes on as if accepted") {
    visit.events = {said(0.5, kPost, post_with("1"))};
    story.visit(Act::refuse_5, 5);
    CHECK(story.outcome(Point::refused_4) == Outcome::fail);
  }
}

TEST_CASE("without a CONNACK the device gives up within 60 s") {
  for (const auto& [ended, by_device, outcome] :
       std::vector<std::tuple<double, bool, Outcome>>{{10.0, true, Outcome::pass},
                                                      {60.0, true, Outcome::pass},
                                                      {61.0, true, Outcome::fail},
                                                      {65.0, false, Outcome::fail}}) {
    Story story;
    Story::log_in(story.visit(Act::withhold, 0, ended, by_device));
    story.visit(Act::silent, ended + 5);
    CHECK(story.outcome(Point::connack_withheld) == outcome);
  }
}

TEST_CASE("a slow CONNACK is waited for") {
  Story story;
  Visit& visit = Story::log_in(story.visit(Act::slow, 0, 2, true));
  CHECK(story.outcome(Point::connack_slow) == Outcome::fail);
  visit.answered = at(4), visit.ended = at(4.1);
  CHECK(story.outcome(Point::connack_slow) == Outcome::fail);
  visit.ended_by_device = false, visit.ended = at(12);
  CHECK(story.outcome(Point::connack_slow) == Outcome::pass);
}

TEST_CASE("a dead link is to be noticed within one and a quarter keep-alives, whatever the keep-alive is") {
  for (const auto& [keep_alive, took, outcome] :
       std::vector<std::tuple<int, double, Outcome>>{{60, 75.0, Outcome::pass},
                                                     {60, 77.0, Outcome::fail},
                                                     {300, 375.0, Outcome::pass},
                                                     {300, 377.0, Outcome::fail},
                                                     {0, 10.0, Outcome::fail}}) {
    Story story;
    Visit& visit = story.session(Act::silent, 0, 2 + took, true);
    visit.last_sent = at(2), visit.login->keep_alive = Seconds{keep_alive};
    story.visit(Act::recover, 2 + took + 1);
    const std::string row = std::to_string(keep_alive) + " " + std::to_string(took);
    CAPTURE(row);
    CHECK(story.outcome(Point::dead_link) == outcome);
  }
}

TEST_CASE("a post without PUBACK comes again in the next session, with DUP where the session goes on") {
  Story story;
  Visit& held = story.session(Act::unacknowledged, 0, 4);
  held.events = {said(1, kPost, post_with("1"), mqtt::Qos::at_least_once)};
  CHECK(story.outcome(Point::puback_withheld) == Outcome::not_seen);
  Visit& next = story.session(Act::redelivery, 6, 30);
  CHECK(story.outcome(Point::puback_withheld) == Outcome::fail);
  next.resumed = true;
  next.events = {said(7, kPost, post_with("1"), mqtt::Qos::at_least_once)};
  CHECK(story.outcome(Point::puback_withheld) == Outcome::fail);
  next.events[0].dup = true;
  CHECK(story.outcome(Point::puback_withheld) == Outcome::pass);
  next.events[0].dup = false, next.resumed = false;
  CHECK(story.outcome(Point::puback_withheld) == Outcome::pass);
  next.events[0].payload = post_with("2");
  CHECK(story.outcome(Point::puback_withheld) == Outcome::fail);
  story.record.visits[0].events[0].qos = mqtt::Qos::at_most_once;
  CHECK(story.evidence(Point::puback_withheld).find("QoS 0") != std::string::npos);
}

TEST_CASE("pauses: growing ones pass, constant ones fail, and few say nothing") {
  CHECK(failures({0.3, 1.9, 2.0}).outcome(Point::backoff_grows) == Outcome::not_seen);
  CHECK(failures({0.3, 1.9, 2.0, 6.5}).outcome(Point::backoff_grows) == Outcome::pass);
  CHECK(failures({5, 5, 5, 5}).outcome(Point::backoff_grows) == Outcome::not_seen);
  CHECK(failures(std::vector<double>(8, 5)).outcome(Point::backoff_grows) == Outcome::fail);
  CHECK(failures(std::vector<double>(8, 0)).outcome(Point::backoff_grows) == Outcome::fail);
  CHECK(failures({40, 12, 55, 31}).outcome(Point::backoff_grows) == Outcome::pass);  // at its limit already
}

TEST_CASE("an accepted session begins the series of pauses anew") {
  Story story = failures({1, 1, 1});
  story.session(Act::session, 10, 20);
  story.visit(Act::refuse_again, 21, 21.1);
  CHECK(failure_pauses(story.record).size() == 4);  // the pause before the session belongs to the series
  story.visit(Act::refuse_again, 22, 22.1);
  CHECK(failure_pauses(story.record).size() == 4);
}

TEST_CASE("pauses that chance has no part in are told from those it has") {
  CHECK(failures({1, 2, 4, 8, 16}).outcome(Point::backoff_jitter) == Outcome::fail);
  CHECK(failures({5.01, 5.02, 5, 5.03}).outcome(Point::backoff_jitter) == Outcome::fail);
  CHECK(failures({1, 2, 4, 8, 8, 8}).outcome(Point::backoff_jitter) == Outcome::fail);
  CHECK(failures({0.7, 1.3, 3, 2.3}).outcome(Point::backoff_jitter) == Outcome::pass);
  CHECK(failures({0.7, 1.3}).outcome(Point::backoff_jitter) == Outcome::not_seen);
}

TEST_CASE("more than twelve connects in any minute are hammering") {
  CHECK(failures(std::vector<double>(30, 6)).outcome(Point::backoff_rate) == Outcome::pass);
  CHECK(failures(std::vector<double>(11, 0.5)).outcome(Point::backoff_rate) == Outcome::pass);
  CHECK(failures(std::vector<double>(12, 0.5)).outcome(Point::backoff_rate) == Outcome::fail);
}

TEST_CASE("refusing a bad certificate counts only for a device that believes the good one") {
  Story story;
  story.visit(Act::expired, 5, 5.1, true).failure = "TLS alert \"certificate expired\"";
  story.record.visits[0].tls.clear();
  CHECK(story.outcome(Point::certificate_expired) == Outcome::not_seen);
  Visit good;
  good.tls = "TLSv1.3", good.act = Act::close_after_connack, good.ended = at(1);
  story.record.visits.insert(story.record.visits.begin(), good);
  CHECK(story.outcome(Point::certificate_expired) == Outcome::pass);
  CHECK(story.outcome(Point::no_fallback) == Outcome::pass);
  SUBCASE("a login over it fails, also after a refusal") {
    Story::log_in(story.visit(Act::expired, 8, 8.1));
    CHECK(story.outcome(Point::certificate_expired) == Outcome::fail);
  }
  SUBCASE("a plain login fails") {
    Story::log_in(story.visit(Act::expired, 8, 8.1)).plain = true;
    CHECK(story.outcome(Point::no_fallback) == Outcome::fail);
    CHECK(story.outcome(Point::certificate_expired) == Outcome::pass);
  }
}

TEST_CASE("a handshake that never stands says how it broke, a plain device what to use") {
  Story story;
  Visit& visit = story.visit(Act::session, 0, 1, true);
  visit.tls.clear(), visit.failure = "TLS alert \"unknown CA\"";
  CHECK(story.evidence(Point::handshake).find("unknown CA") != std::string::npos);
  CHECK(story.outcome(Point::handshake) == Outcome::fail);
  visit.failure.clear(), visit.plain = true;
  CHECK(story.outcome(Point::handshake) == Outcome::fail);
  CHECK(grade(Point::handshake, story.record).remedy.has_value());
}

TEST_CASE("recovered is who posts in the last session") {
  Story story;
  Visit& visit = story.session(Act::recover, 0, 9);
  CHECK(story.outcome(Point::recovers) == Outcome::fail);
  visit.events = {said(1, kPost, post_with("1"))};
  CHECK(story.outcome(Point::recovers) == Outcome::pass);
}
