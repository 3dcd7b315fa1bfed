#include <algorithm>

#include "cli/advise_grade.h"
#include "tercet/alink/envelope.h"
#include "tercet/alink/topic.h"

namespace tercet::cli::advise {
namespace {

struct Commanded {
  const Visit* visit;
  const Event* sent;
  const Event* over;  ///< when waiting ended; null: the connection or the run ended first
};

std::optional<Commanded> find_command(Point point, const Record& record) {
  for (const Visit& visit : record.visits) {
    for (const Event& sent : visit.events) {
      if (sent.kind != Event::Kind::commanded || sent.point != point) continue;
      const Event* over = nullptr;
      for (const Event& event : visit.events)
        if (event.kind == Event::Kind::command_over && event.point == point) over = &event;
      return Commanded{&visit, &sent, over};
    }
  }
  return std::nullopt;
}

bool is_set_reply(const Event& event) {
  if (event.kind != Event::Kind::posted) return false;
  const auto topic = alink::parse_topic(event.topic);
  return topic && topic->is_reply && topic->kind == alink::Kind::property_set;
}

struct Answer {
  std::int32_t code;
  Millis after;
};

/// The device's answer to the set with this id.
std::optional<Answer> answer_to(const Commanded& command, std::string_view id) {
  for (const Event& event : command.visit->events) {
    if (!is_set_reply(event) || event.at < command.sent->at) continue;
    const auto reply = alink::parse_reply(event.payload);
    if (reply && reply->id == id) return Answer{reply->code, event.at - command.sent->at};
  }
  return std::nullopt;
}

/// Some other answer that came meanwhile, for the evidence.
std::string other_answer(const Commanded& command) {
  for (const Event& event : command.visit->events)
    if (is_set_reply(event) && event.at >= command.sent->at &&
        (command.over == nullptr || event.at <= command.over->at))
      return "; what came was " + event.payload.substr(0, 160);
  return {};
}

/// The connection ended while the device had this command to chew.
bool left_because(const Commanded& command) {
  return command.over == nullptr && command.visit->ended && command.visit->ended_by_device;
}

Verdict no_answer(const Commanded& command) {
  if (left_because(command))
    return fail_with("closed the connection " + seconds(*command.visit->ended - command.sent->at) + " after it",
                     text(Point::set_broken_json).remedy);
  if (command.over == nullptr) return not_seen("the run ended first");
  return fail_with("no answer with id " + command.sent->id + " within " + seconds(kReplyWithin) +
                   other_answer(command));
}

Verdict grade_obeyed(const Commanded& command) {
  const auto answer = answer_to(command, command.sent->id);
  if (!answer) return no_answer(command);
  const std::string evidence = "answered " + std::to_string(answer->code) + " after " + seconds(answer->after);
  return answer->code == 200 ? pass(evidence) : fail_with(evidence);
}

/// A sign of life behind the command: the answer to the correct set, or anything said when that is not answered at all.
Verdict grade_survival(const Commanded& command, std::string evidence) {
  if (left_because(command)) return no_answer(command);
  if (command.over == nullptr) return not_seen("the run ended first");
  if (const auto answer = answer_to(command, command.sent->probe_id))
    return pass(evidence + "the next set was answered after " + seconds(answer->after));
  for (const Event& event : command.visit->events) {
    const bool from_device = event.kind == Event::Kind::posted || event.kind == Event::Kind::pinged;
    if (from_device && event.at > command.sent->at)
      return pass(evidence + "the connection lived on " + seconds(event.at - command.sent->at) + " later");
  }
  return not_seen("nothing came within " + seconds(command.over->at - command.sent->at) + ", but the connection stood");
}

Verdict grade_error_reply(const Commanded& command) {
  const auto answer = answer_to(command, command.sent->id);
  if (!answer) return no_answer(command);
  const std::string code = "answered " + std::to_string(answer->code);
  if (answer->code == 200) return fail_with(code + " to what it cannot have obeyed");
  return grade_survival(command, code + ", ");
}

Verdict grade_duplicate(const Commanded& command) {
  const auto repeated =
      std::find_if(command.visit->events.begin(), command.visit->events.end(), [&](const Event& event) {
        return event.kind == Event::Kind::repeated && event.packet_id == command.sent->packet_id;
      });
  const auto acknowledged =
      std::count_if(command.visit->events.begin(), command.visit->events.end(), [&](const Event& event) {
        return event.kind == Event::Kind::acknowledged && event.packet_id == command.sent->packet_id;
      });
  if (left_because(command)) return no_answer(command);
  if (acknowledged >= 2) return pass("two PUBACKs");
  if (command.over == nullptr || repeated == command.visit->events.end()) return not_seen("the run ended first");
  return fail_with(std::to_string(acknowledged) + " PUBACK for two PUBLISH packets of QoS 1");
}

}  // namespace

Verdict grade_command(Point point, const Record& record) {
  const auto command = find_command(point, record);
  if (!command) return not_seen("the device was not there long enough to be commanded");
  switch (point) {
    case Point::set_obeyed:
    case Point::set_spaced_json:
      return grade_obeyed(*command);
    case Point::set_wrong_type:
    case Point::set_unknown_property:
      return grade_error_reply(*command);
    case Point::set_duplicate:
      return grade_duplicate(*command);
    default:
      return grade_survival(*command, "");
  }
}

}  // namespace tercet::cli::advise
