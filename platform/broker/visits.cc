#include "platform/broker/visits.h"

#include <algorithm>
#include <utility>

#include "platform/broker/refusal_of.h"

namespace tercet::broker {
namespace {

// A visit's session: the broker's own never get that far.
constexpr std::uint32_t kVisit = 0x80000000;
constexpr std::size_t kMostRates = 65536;

bool is_visit(SessionRef session) { return (session.slot & kVisit) != 0; }

}  // namespace

Visits::Visits(Broker& broker, runtime::Loop& loop, Journal& journal, const Settings& settings)
    : broker_(broker), loop_(loop), journal_(journal), settings_(settings), timer_(&Visits::on_timer, this) {}

Visits::Visit* Visits::find(SessionRef session) {
  const std::size_t slot = session.slot & ~kVisit;
  if (slot >= visits_.size()) return nullptr;
  Visit& visit = visits_[slot];
  return visit.is_open && visit.generation == session.generation ? &visit : nullptr;
}

void Visits::note(const Message& message, auth::Cause cause, std::string_view evidence) {
  journal_.record(refusal_of(Refusal::Stage::publish, cause, loop_.wall(), message.peer, message.device.name, {}, 0,
                             "over HTTPS: " + std::string(evidence)));
}

bool Visits::rate_allows(const Message& message) {
  if (rates_.size() >= kMostRates) rates_.clear();  // everybody may send a second's worth again
  const auto answer = rates_[message.tag].ask(settings_.per_second, loop_.now());
  if (answer == Rate::Answer::first_drop)
    note(message, auth::Cause::publish_rate, "over " + std::to_string(settings_.per_second) + " messages per second");
  return answer == Rate::Answer::pass;
}

void Visits::post(const Message& message, std::function<void(Answer)> done) {
  Answer answer;
  const auto refused =
      publish_refusal({message.device.product(), message.device.device()}, message.topic, settings_.topics);
  if (refused) {
    note(message, *refused, message.topic);
    answer.kind = Answer::Kind::refused;
    return done(std::move(answer));
  }
  if (!rate_allows(message) || (free_.empty() && visits_.size() >= settings_.at_a_time)) {
    answer.kind = Answer::Kind::too_many;
    return done(std::move(answer));
  }
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(visits_.size()));
    visits_.emplace_back();
  }
  const std::uint32_t slot = free_.back();
  free_.pop_back();
  Visit& visit = visits_[slot];
  ++visit.generation;
  visit.is_open = true;
  visit.is_over = false;
  visit.until = loop_.now() + settings_.patience;
  visit.answer = std::move(answer);
  visit.done = std::move(done);
  const SessionRef session{kVisit | slot, visit.generation};
  const AckToken token{session, visit.generation, 0};
  const Inbound inbound{.session = session,
                        .identity = message.device,
                        .tag = message.tag,
                        .ext = 0,
                        .topic = message.topic,
                        .payload = message.payload,
                        .qos = 1,
                        .token = token};
  const bool is_system = is_system_topic(message.topic);
  if (!is_system) broker_.publish(message.topic, message.payload, 1);
  const auto taken = is_system ? ingress_->on_message(inbound) : ingress_->on_custom(inbound);
  if (taken == Ingress::Taken::done) acknowledge(token);
  if (!timer_.is_set()) timer_.set(loop_, loop_.now() + settings_.patience);
}

/// The answer leaves after what the Ingress still sends in this pass: its reply may come behind the acknowledgement.
void Visits::end(Visit& visit, Answer::Kind kind) {
  if (visit.is_over) return;
  visit.is_over = true;
  visit.answer.kind = kind;
  timer_.set(loop_, loop_.now() + Millis{1});
}

void Visits::acknowledge(const AckToken& token) {
  if (!is_visit(token.session)) return broker_.acknowledge(token);
  if (Visit* const visit = find(token.session)) end(*visit, Answer::Kind::kept);
}

void Visits::disconnect(const AckToken& token, Error why) {
  if (!is_visit(token.session)) return broker_.disconnect(token, why);
  if (Visit* const visit = find(token.session)) end(*visit, Answer::Kind::not_kept);
}

bool Visits::send(SessionRef session, std::string_view topic, Bytes payload, std::uint8_t qos) {
  if (!is_visit(session)) return broker_.send(session, topic, payload, qos);
  Visit* const visit = find(session);
  if (visit == nullptr) return false;
  visit->answer.reply = as_text(payload);
  return true;
}

void Visits::finish() {
  const Instant now = loop_.now();
  Instant next = Instant::never();
  for (std::size_t slot = 0; slot < visits_.size(); ++slot) {
    if (!visits_[slot].is_open) continue;
    if (!visits_[slot].is_over && visits_[slot].until > now) {
      next = std::min(next, visits_[slot].until);
      continue;
    }
    visits_[slot].is_open = false;
    free_.push_back(static_cast<std::uint32_t>(slot));
    Answer answer = std::move(visits_[slot].answer);
    std::exchange(visits_[slot].done, {})(std::move(answer));  // may post again
  }
  if (next != Instant::never() && !timer_.is_set()) timer_.set(loop_, next);
}

}  // namespace tercet::broker
