// What happens by the clock in one connection.
#include <algorithm>

#include "cli/advise_link.h"
#include "tercet/alink/envelope.h"
#include "tercet/auth/user_name.h"

namespace tercet::cli::advise {
namespace {

constexpr Millis kTick{100};
constexpr Millis kLoginWithin{30'000};  ///< of the connection, for CONNECT
constexpr Millis kAfterRefusal{5'000};  ///< for the device to leave by itself
constexpr Millis kAfterSlowAnswer{8'000};
constexpr Millis kAfterWithheld{3'000};
constexpr Millis kSubscribeWithin{15'000};  ///< of CONNACK; then commands are sent regardless
constexpr Millis kBeforeCommands{300};
constexpr Millis kBetweenSessions{500};  ///< a session lasts that long at least

}  // namespace

void Link::step() {
  if (is_over_) return close();
  tick_.set(loop_, now() + kTick);
  if (!visit().login) {
    if (now() - visit().began >= kLoginWithin)
      end(false, visit().tls.empty() ? "no TLS handshake and no CONNECT came" : "");
    return;
  }
  const Millis since_login = now() - login_at_;
  const Millis since_answer = visit().answered ? now() - *visit().answered : Millis{0};
  switch (act()) {
    case Act::slow:
      if (!visit().answered && since_login >= kSlowAnswer) return answer(0);
      if (visit().answered && (since_answer >= kAfterSlowAnswer || !visit().events.empty())) end(false, {});
      return;
    case Act::withhold:
      if (since_login >= kGiveUpWithin + Seconds{5}) end(false, {});
      return;
    case Act::garbage:
      if (since_login >= kLeaveGarbage + Seconds{5}) end(false, {});
      return;
    case Act::unacknowledged: {
      const bool only_qos0 = !withheld_at_ && posts_seen() >= 2;
      const bool enough = withheld_at_ ? now() - *withheld_at_ >= kAfterWithheld : since_answer >= scene_.post_wait;
      if (enough || only_qos0) end(false, {});
      return;
    }
    case Act::redelivery: {
      const auto& events = visit().events;
      const bool came = std::any_of(events.begin(), events.end(), [this](const Event& event) {
        return event.kind == Event::Kind::posted && event.payload == scene_.held;
      });
      if (came || scene_.held.empty() || since_answer >= kResendWithin + Seconds{1}) end(false, {});
      return;
    }
    case Act::silent:
      if (now() - visit().last_sent >= Millis{visit().login->keep_alive} * 5 / 4 + Seconds{30}) end(false, {});
      return;
    case Act::session:
      return play_session();
    case Act::recover:
      if (posts_seen() > 0 || since_answer >= scene_.post_wait) end(false, {});
      return;
    default:
      if (since_answer >= kAfterRefusal) end(false, {});
      return;
  }
}

void Link::play_session() {
  const Millis online = now() - *visit().answered;
  if (command_) {
    if (!is_command_over() && now() - command_at_ < command_->wait) return;
    Event& over = note(Event::Kind::command_over);
    over.point = command_->point;
    command_.reset();
  }
  if (scene_.next_command < scene_.commands.size()) {
    if (online >= kBeforeCommands && (can_be_commanded_ || online >= kSubscribeWithin)) start_command();
    return;
  }
  if (online < kBetweenSessions || (scene_.hold_session && online < kSteadySession)) return;
  if (is_session_seen() || online >= scene_.post_wait) end(false, {});
}

/// What is left to see in a session once the commands are through.
bool Link::is_session_seen() const {
  const auto& events = visit().events;
  const bool said_anything = !events.empty() || now() - *visit().answered >= kSubscribeWithin;
  return said_anything && (!scene_.needs_posts || posts_seen() >= 2);
}

/// Messages of the device that are not answers to commands.
std::size_t Link::posts_seen() const {
  const auto& events = visit().events;
  return static_cast<std::size_t>(std::count_if(events.begin(), events.end(), [](const Event& event) {
    return event.kind == Event::Kind::posted && event.topic.find("/post") != std::string::npos;
  }));
}

void Link::start_command() {
  const Point point = scene_.commands[scene_.next_command++];
  const auto user = auth::parse_user_name(visit().login->user_name);
  if (!user) return;
  command_ = make_command(point, user->product, user->device, scene_.set, scene_.next_id);
  command_at_ = now();
  scene_.next_id += 2;
  command_packet_ = command_->qos == mqtt::Qos::at_most_once ? std::uint16_t{0} : ++next_packet_;
  Event& sent = note(Event::Kind::commanded);
  sent.point = point, sent.id = command_->id, sent.packet_id = command_packet_;
  if (!command_->probe.empty()) sent.probe_id = command_->probe_id;
  publish(command_->topic, command_->payload, command_->qos, command_packet_, false);
  if (command_->twice) {
    note(Event::Kind::repeated).packet_id = command_packet_;
    publish(command_->topic, command_->payload, command_->qos, command_packet_, true);
  }
  if (!command_->probe.empty()) {
    const auto set = make_command(Point::set_obeyed, user->product, user->device, scene_.set, 0);
    publish(set.topic, command_->probe, mqtt::Qos::at_most_once, 0, false);
  }
}

bool Link::is_command_over() const {
  std::size_t acknowledged = 0;
  for (const Event& event : visit().events) {
    if (event.at < command_at_) continue;
    if (event.kind == Event::Kind::acknowledged && event.packet_id == command_packet_) ++acknowledged;
    if (event.kind != Event::Kind::posted) continue;
    const auto reply = alink::parse_reply(event.payload);
    if (reply && !command_->awaited().empty() && reply->id == command_->awaited()) return true;
  }
  return command_->twice && acknowledged >= 2;
}

bool Link::is_played() const {
  if (visit().plain) return false;
  const bool needs_login = act() < Act::expired || act() > Act::sha1_leaf;
  if (!needs_login) return visit().login || !visit().tls.empty() || !visit().failure.empty();
  if (!visit().login) return false;
  return act() != Act::session || scene_.next_command >= scene_.commands.size();
}

}  // namespace tercet::cli::advise
