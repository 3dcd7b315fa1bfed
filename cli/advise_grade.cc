#include "cli/advise_grade.h"

#include <algorithm>
#include <cstdio>

namespace tercet::cli::advise {
namespace {

/// How long after the end of this visit the device was there again.
std::optional<Millis> return_after(const Record& record, const Visit& visit) {
  const auto next = static_cast<std::size_t>(&visit - record.visits.data()) + 1;
  if (next >= record.visits.size() || !visit.ended) return std::nullopt;
  return std::max(Millis{0}, record.visits[next].began - *visit.ended);
}

/// The device behaved; now it only has to come again.
Verdict if_it_returns(const Record& record, const Visit& visit, std::string evidence) {
  if (const auto after = return_after(record, visit))
    return pass(std::move(evidence) + "; came again after " + seconds(*after));
  if (visit.ended && record.finished - *visit.ended >= kReturnWithin)
    return fail_with(std::move(evidence) + "; did not come again within " + seconds(kReturnWithin),
                     text(Point::closed_before_connack).remedy);
  return not_seen(std::move(evidence) + "; the run ended before it came again");
}

Verdict grade_leaving(const Record& record, const Visit& visit, Millis within) {
  if (!visit.login) return not_seen("no CONNECT came in that connection");
  if (!visit.ended) return not_seen("the run ended first");
  const Millis took = *visit.ended - visit.began;
  if (!visit.ended_by_device) return fail_with("still there after " + seconds(took));
  if (took > within) return fail_with("left only after " + seconds(took));
  return if_it_returns(record, visit, "left after " + seconds(took));
}

Verdict grade_refusal(const Record& record, const Visit& visit) {
  if (!visit.answered) return not_seen("no CONNECT came in that connection");
  const auto went_on = std::find_if(visit.events.begin(), visit.events.end(), [](const Event& event) {
    return event.kind == Event::Kind::subscribed || event.kind == Event::Kind::posted;
  });
  if (went_on != visit.events.end())
    return fail_with("went on with " + went_on->topic + " as if it had been accepted",
                     {"read the return code of CONNACK: anything but 0 means that the server will close",
                      "检查 CONNACK 的返回码：非 0 表示服务器将断开"});
  return if_it_returns(record, visit, visit.ended_by_device ? "left" : "stayed silent until it was closed");
}

Verdict grade_slow(const Visit& visit) {
  if (!visit.login) return not_seen("no CONNECT came in that connection");
  if (!visit.answered)
    return fail_with("gave up " + seconds(visit.ended.value_or(visit.began) - visit.began) + " after it connected");
  const bool said_anything = !visit.events.empty();
  const Millis stayed = visit.ended.value_or(visit.last_sent) - *visit.answered;
  if (visit.ended_by_device && !said_anything && stayed < Millis{2'000})
    return fail_with("closed " + seconds(stayed) + " after the CONNACK came");
  return pass("waited, and went on in that session");
}

Verdict grade_dead_link(const Record& record, const Visit& visit) {
  if (!visit.login || !visit.accepted()) return not_seen("no session stood in that connection");
  const Seconds keep_alive = visit.login->keep_alive;
  if (keep_alive == Seconds{0})
    return fail_with("keep-alive 0: a dead link is never noticed", text(Point::login_keep_alive).remedy);
  const Millis within = Millis{keep_alive} * 5 / 4 + Millis{1'000};
  const Millis took = visit.ended.value_or(record.finished) - visit.last_sent;
  const std::string asked = ", keep-alive " + seconds(keep_alive);
  if (visit.ended && visit.ended_by_device && took <= within)
    return if_it_returns(record, visit, "closed " + seconds(took) + " into the silence" + asked);
  if (took > within) return fail_with("still there " + seconds(took) + " into the silence" + asked);
  return not_seen("the run ended " + seconds(took) + " into the silence");
}

/// The same message: byte for byte, or at least the same id in the same topic.
bool is_same_message(const Event& a, const Event& b) { return a.topic == b.topic && a.payload == b.payload; }

Verdict grade_redelivery(const Record& record) {
  const Visit* held = first_visit(record, Act::unacknowledged);
  if (held == nullptr || !held->accepted()) return not_seen("no session stood in that connection");
  const auto is_post = [](const Event& event) { return event.kind == Event::Kind::posted; };
  const auto first = std::find_if(held->events.begin(), held->events.end(), [&](const Event& event) {
    return is_post(event) && event.qos == mqtt::Qos::at_least_once;
  });
  if (first == held->events.end()) {
    if (std::any_of(held->events.begin(), held->events.end(), is_post))
      return fail_with("posts go with QoS 0: what is lost on the way is lost for good");
    return not_seen("nothing was posted in that connection");
  }
  for (const Visit* visit = held + 1; visit != record.visits.data() + record.visits.size(); ++visit) {
    if (!visit->accepted()) continue;
    for (const Event& event : visit->events) {
      if (!is_post(event) || !is_same_message(event, *first)) continue;
      const std::string after = seconds(event.at - *visit->answered) + " after the next CONNACK";
      if (event.dup) return pass("came again with DUP " + after);
      if (!visit->resumed) return pass("came again " + after + " (as a new message: it had asked for a clean session)");
      return fail_with("came again " + after + " without DUP, though the session went on");
    }
    const Instant seen_until = visit->ended.value_or(record.finished);
    if (seen_until - *visit->answered >= kResendWithin)
      return fail_with("did not come again within " + seconds(kResendWithin) + " of the next CONNACK");
  }
  return not_seen("no later session lasted long enough");
}

Verdict grade_recovery(const Record& record) {
  const Visit* visit = first_visit(record, Act::recover);
  if (visit == nullptr) return not_seen("it did not come again");
  for (; visit != record.visits.data() + record.visits.size(); ++visit) {
    if (!visit->accepted()) continue;
    for (const Event& event : visit->events)
      if (event.kind == Event::Kind::posted)
        return pass("posted " + seconds(event.at - *visit->answered) + " after CONNACK");
  }
  return fail_with("posted nothing in its last session");
}

}  // namespace

std::string_view name(Outcome outcome) {
  if (outcome == Outcome::pass) return "pass";
  return outcome == Outcome::fail ? "fail" : "not-seen";
}

Verdict pass(std::string evidence) { return {Outcome::pass, std::move(evidence), {}}; }
Verdict fail_with(std::string evidence) { return {Outcome::fail, std::move(evidence), {}}; }
Verdict fail_with(std::string evidence, const Words& remedy) { return {Outcome::fail, std::move(evidence), remedy}; }
Verdict not_seen(std::string evidence) { return {Outcome::not_seen, std::move(evidence), {}}; }

const Visit* first_visit(const Record& record, Act act) {
  const Visit* found = nullptr;
  for (const Visit& visit : record.visits) {
    if (visit.act != act || visit.plain) continue;
    if (visit.login) return &visit;
    if (found == nullptr) found = &visit;
  }
  return found;
}

std::string seconds(Millis time) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.1f s", static_cast<double>(time.count()) / 1000);
  return buffer;
}

Verdict grade_broken_server(Point point, const Record& record) {
  if (point == Point::puback_withheld) return grade_redelivery(record);
  if (point == Point::recovers) return grade_recovery(record);
  const Visit* visit = first_visit(record, text(point).act);
  if (visit == nullptr) return not_seen("the device did not come that far");
  switch (point) {
    case Point::closed_before_connack:
      if (!visit->login) return not_seen("no CONNECT came in that connection");
      return if_it_returns(record, *visit, "closed on it");
    case Point::closed_after_connack:
      if (!visit->accepted()) return not_seen("no CONNECT came in that connection");
      return if_it_returns(record, *visit, "closed on it");
    case Point::garbage:
      return grade_leaving(record, *visit, kLeaveGarbage);
    case Point::connack_withheld:
      return grade_leaving(record, *visit, kGiveUpWithin);
    case Point::connack_slow:
      return grade_slow(*visit);
    case Point::dead_link:
      return grade_dead_link(record, *visit);
    default:
      return grade_refusal(record, *visit);
  }
}

Verdict grade(Point point, const Record& record) {
  if (point <= Point::no_fallback || (point >= Point::certificate_expired && point <= Point::certificate_sha1))
    return grade_certificate(point, record);
  if (point <= Point::login_keep_alive) return grade_login(point, record);
  if (point <= Point::post_ids) return grade_posts(point, record);
  if (point <= Point::large_message) return grade_command(point, record);
  if (point >= Point::backoff_grows && point <= Point::backoff_rate) return grade_pace(point, record);
  return grade_broken_server(point, record);
}

}  // namespace tercet::cli::advise
