// Sessions: login, absence, wills, their end.
#include <algorithm>

#include "platform/broker/permission.h"
#include "platform/broker/refusal_of.h"
#include "platform/broker/shard.h"

namespace tercet::broker {
namespace {

using auth::Cause;
using mqtt::ReasonCode;

constexpr Millis kTakeOverLoop{60'000};

}  // namespace

void Shard::log_in(Connection& connection, const Login& login, std::string_view client_id) {
  const Identity& identity = login.verdict.identity;
  Session* session = sessions_.find(identity.key());
  Instant last_take_over{Millis::min()};
  if (session != nullptr && session->is_sub_device()) {
    end_ride(identity.key(), RideEnd::elsewhere);
    session = sessions_.find(identity.key());
  }
  if (session != nullptr && session->connection != nullptr) {
    session = take_over(session, connection);
    last_take_over = loop_->now();
  }
  if (session != nullptr && login.connect.clean_start) {
    destroy(*session);
    session = nullptr;
  }
  const bool present = session != nullptr;
  if (!present) {
    session = &sessions_.create(identity);
    ++counters_.sessions;
  }
  session->connection = &connection;
  ++session->connection_generation;
  session->last_take_over = std::max(session->last_take_over, last_take_over);
  session->tag = login.verdict.tag;
  session->ext = login.verdict.ext;
  session->auto_subscribe = login.verdict.auto_subscribe;
  session->expiry_seconds = login.expiry_seconds;
  session->set_client_id(client_id);
  session->unwanted.reset();
  session->absence.reset();
  session->will.reset();
  set_will(*session, login);
  ++counters_.logins;
  ++counters_.online;
  connection.open(*session, present, login.connect, login.keep_alive, login.window);
  if (session->outlives_connection())
    save(*session);
  else
    forget_saved(*session);

  const SessionRef ref = session->ref();
  if (session->is_device()) ingress_->on_online(ref, session->identity, session->tag, connection.peer(), client_id);
  session = sessions_.at(ref);
  if (present && session != nullptr && session->connection == &connection) resume(*session);
}

/// The identity logs in again: the older connection goes. Gives the session if that outlived it. Twice within a minute
/// is two devices with the same credentials, and goes to the journal with both addresses.
Session* Shard::take_over(Session* session, const Connection& by) {
  ++counters_.take_overs;
  Connection& old = *session->connection;
  const bool again =
      session->last_take_over.since_start != Millis::min() && loop_->now() - session->last_take_over < kTakeOverLoop;
  if (again)
    old.journal(Refusal::Stage::connect, Cause::duplicate_login_loop, 0,
                "logged in from " + old.peer().text() + " and from " + by.peer().text());
  const SessionRef ref = session->ref();
  old.end(ReasonCode::session_taken_over);
  return sessions_.at(ref);
}

void Shard::set_will(Session& session, const Login& login) {
  if (!login.connect.will) return;
  const mqtt::Will& will = *login.connect.will;
  const bool is_v5 = login.connect.version == mqtt::ProtocolVersion::v5;
  if (session.is_device() && !is_v5) return;  // the cloud has no wills in 3.x
  Publication publication;
  publication.topic = will.topic;
  publication.payload = will.payload;
  publication.properties = login.will_properties;
  session.will = std::make_unique<SessionWill>();
  session.will->message = MessageRef::copy_of(publication, static_cast<std::uint8_t>(will.qos), loop_->wall());
  session.will->retain = will.retain;
  session.will->delay_seconds = static_cast<std::uint32_t>(will.properties.will_delay().value_or(Seconds{0}).count());
  session.will->expiry_seconds =
      static_cast<std::uint32_t>(will.properties.message_expiry().value_or(Seconds{0}).count());
}

/// Sends again what the last connection left unacknowledged, then what waits.
void Shard::resume(Session& session) {
  if (session.outflow) session.outflow->start_again();
  if (session.has_backlog()) pump(session);
}

void Shard::left(Session& session, bool will_due) {
  session.connection = nullptr;
  --counters_.online;
  if (!will_due || stopping_) session.will.reset();
  if (session.sub_devices) release_sub_devices(session);
  const SessionRef ref = session.ref();
  if (session.is_device()) {
    ingress_->on_offline(session.identity, session.tag);
    if (sessions_.at(ref) == nullptr) return;
  }
  if (!session.outlives_connection()) return destroy(session);
  std::int64_t will_due_ms = 0;
  if (session.will) {
    if (session.will->delay_seconds == 0)
      publish_will(session);
    else
      will_due_ms = loop_->wall().ms + std::int64_t{session.will->delay_seconds} * 1000;
  }
  set_absent(session, loop_->wall().ms + std::int64_t{session.expiry_seconds} * 1000, will_due_ms);
  save(session);
}

/// May end the session: its time may have come.
void Shard::set_absent(Session& session, std::int64_t ends_ms, std::int64_t will_due_ms) {
  session.absence = std::make_unique<Absence>(&Shard::absence_over, *this, session);
  session.absence->ends_ms = ends_ms;
  session.absence->will_due_ms = will_due_ms;
  tend(session);
}

void Shard::absence_over(void* absence) {
  auto& over = *static_cast<Absence*>(absence);
  over.shard.tend(over.session);
}

/// Does what an absent session's time has come for, and sets its timer for the next.
void Shard::tend(Session& session) {
  const std::int64_t wall = loop_->wall().ms;
  if (wall >= session.absence->ends_ms) return destroy(session);
  if (session.absence->will_due_ms != 0 && wall >= session.absence->will_due_ms) {
    session.absence->will_due_ms = 0;
    publish_will(session);
  }
  const std::int64_t next = session.absence->will_due_ms != 0
                                ? std::min(session.absence->will_due_ms, session.absence->ends_ms)
                                : session.absence->ends_ms;
  session.absence->timer.set(*loop_, loop_->now() + Millis{next - wall});
}

void Shard::publish_will(Session& session) {
  const auto will = std::move(session.will);
  Publication publication = will->message->publication();
  publication.retain = will->retain;
  if (will->expiry_seconds > 0) publication.expires_ms = loop_->wall().ms + std::int64_t{will->expiry_seconds} * 1000;
  const Limits& limits = limits_of(session);
  const TopicLimits topics{limits.max_topic_bytes, limits.max_custom_slashes};
  const auto cause = session.is_device() ? publish_refusal({session.identity.product(), session.identity.device()},
                                                           publication.topic, topics)
                                         : standard_publish_refusal(publication.topic, topics);
  std::optional<TopicRefusal> refusal;
  if (cause) refusal = {*cause, std::string(publication.topic)};
  if (!cause && session.is_device() && is_custom_topic(publication.topic))
    refusal = authenticator_.custom_topic_refusal(session.identity, publication.topic, true);
  if (refusal) {
    ++counters_.dropped_forbidden;
    record(refusal_of(Refusal::Stage::publish, refusal->cause, loop_->wall(), {}, session.identity.name,
                      session.client_id(), 0, "will " + refusal->evidence));
    return;
  }
  publish(cached_route(publication.topic), publication);
}

/// The session and everything kept for it ends.
void Shard::destroy(Session& session) {
  if (session.will) publish_will(session);
  while (!session.subscriptions.empty()) remove_subscription(session, session.subscriptions.size() - 1);
  if (session.outflow)
    for (std::uint64_t i = session.outflow->unsent(); i < session.outflow->end(); ++i)
      forget_waiting(session.outflow->at(i));
  forget_saved(session);
  sessions_.destroy(session);
  --counters_.sessions;
}

void Shard::disconnect(std::string_view key, bool forget) {
  Session* session = sessions_.find(key);
  if (session == nullptr) return;
  if (session->is_sub_device()) return end_ride(key, forget ? RideEnd::removed : RideEnd::disabled);
  const SessionRef ref = session->ref();
  if (session->connection != nullptr) session->connection->end(ReasonCode::administrative_action);
  session = sessions_.at(ref);
  if (forget && session != nullptr) destroy(*session);
}

}  // namespace tercet::broker
