#include "tercet/device/client.h"

#include <algorithm>

#include "tercet/alink/envelope.h"
#include "tercet/mqtt/reason.h"

namespace tercet::device {
namespace {

/// Rounds of reading, handling and writing in one run(): what a flooding peer can take from the task's other work.
constexpr int kRounds = 16;
constexpr std::string_view kBatchTopic = "thing/event/property/batch/post";
constexpr Millis kPingAnswer{10'000};  // with a keep-alive of 60 s a dead link is noticed after 70 s
constexpr Millis kSpillAgain{10'000};  // where flash has not taken what waits
constexpr Millis kReadAgain{500};      // where flash could not be read

}  // namespace

Device::Device(const Port& port, const Storage& storage, DeviceEvents& events)
    : port_(port), storage_(storage), events_(events), time_(port.clock, port.random, port.datagram, port.store) {}

Result<void> Device::start(const DeviceId& id, const Endpoint& endpoint, const Options& options) {
  if (!is_stopped()) return fail(Error::bad_state);
  const bool fits = !endpoint.host.empty() && endpoint.port != 0 && options.keep_alive >= Seconds{30} &&
                    options.keep_alive <= Seconds{1200} && options.backoff_first > Millis{0} &&
                    options.backoff_limit >= options.backoff_first &&
                    (options.other.host.empty() || options.other.port != 0);
  if (!fits) return fail(Error::bad_argument);
#ifdef TERCET_NO_OTHER_LOGINS
  if (options.login != nullptr) return fail(Error::unsupported);
#endif
  const bool is_same = client_ && *id_ == id;
  if (client_ && !is_same) lose_flights();
  id_ = id;
  endpoint_ = endpoint;
  options_ = options;
  on_other_ = false;
  in_vain_ = 0;
  open_spool(options.drop);
  mqtt::ClientConfig config;
  config.clean_start = options.clean_session;
  config.keep_alive = options.keep_alive;
  config.ping_timeout = kPingAnswer;
  config.backoff_first = options.backoff_first;
  config.backoff_limit = options.backoff_limit;
  const auto random = [](void* context) { return static_cast<Random*>(context)->next(); };
  if (is_same)
    client_->configure(config);  // what is on the wire stays there, and comes first
  else
    client_.emplace(config, mqtt::Credentials{}, storage_.mqtt, random, &port_.random);
  granted_ = wanted_ = refused_ = 0;
  stopping_ = false;
  if (const auto made = make_filters(); !made) return made;
  time_.start(options_.time);
  report_step();
  client_->start(port_.clock.now());
  spill_at_ = port_.clock.now() + options.flash_after;
  more_to_do_ = true;
  return {};
}

void Device::stop() {
  if (!client_ || stopping_) return;
  stopping_ = true;
  client_->stop(port_.clock.now());
  more_to_do_ = true;
}

void Device::run() {
  if (!client_) return;
  const Instant now = port_.clock.now();
  more_to_do_ = false;
  spool_->begin_pass();
  take_events(now);
  climb(now);
  exchange(now);
  check_reply(now);
  spill_when_due(now);
  conclude_stop();
  if (is_online()) time_.save(now);
  if (port_.watchdog != nullptr) port_.watchdog->feed();
}

void Device::exchange(Instant now) {
  for (int round = 0; round < kRounds; ++round) {
    bool moved = take_events(now);
    if (step_ == Step::session) {
      moved |= send_waiting(now);
      moved |= write_out(now);
      moved |= read_in(now);
    }
    if (!moved) break;
    more_to_do_ = round + 1 == kRounds;
  }
}

void Device::conclude_stop() {
  if (!stopping_ || !client_->is_stopped() || spool_->has_more()) return;
  stopping_ = false;
  step_ = Step::idle;
  step_until_ = reply_until_ = Instant::never();
  port_.transport.close();
}

bool Device::take_events(Instant now) {
  bool any = false;
  while (const auto event = client_->next_event(now)) {
    handle(*event, now);
    any = true;
  }
  return any;
}

void Device::handle(const mqtt::ClientEvent& event, Instant now) {
  if (std::holds_alternative<mqtt::OpenTransport>(event)) return begin_attempt(now);
  if (const auto* online = std::get_if<mqtt::Online>(&event)) return on_online(*online, now);
  if (const auto* offline = std::get_if<mqtt::Offline>(&event)) return on_offline(*offline, now);
  if (const auto* received = std::get_if<mqtt::Received>(&event)) return on_received(received->publish, now);
  if (const auto* subscribed = std::get_if<mqtt::Subscribed>(&event)) return on_subscribed(*subscribed, now);
  if (const auto* delivered = std::get_if<mqtt::Delivered>(&event)) {
    delivered_ += spool_->delivered(delivered->packet_id);
    return;
  }
  if (std::holds_alternative<mqtt::Skipped>(event))
    log(LogLevel::warning, "skipped", "a message larger than our buffer");
}

void Device::on_online(const mqtt::Online& online, Instant now) {
  pass(Rung::connect, now);
  count_attempt(true);
  log(LogLevel::info, "online", this->endpoint().host);
  spill_at_ = Instant::never();
  if (!online.session_present) granted_ = 0;
  // What was refused before is asked for again: somebody may have granted it meanwhile.
  for (std::size_t i = 0; i < filters_.size(); ++i)
    if ((refused_ >> i & 1) != 0) static_cast<void>(client_->subscribe(filters_[i].str(), mqtt::Qos::at_least_once));
  refused_ = 0;
  if (options_.auto_subscribe) granted_ = wanted_;
  pass_suback(now);
  events_.on_online();
}

void Device::on_subscribed(const mqtt::Subscribed& subscribed, Instant now) {
  std::size_t at = 0;
  while (at < filters_.size() && !(filters_[at] == subscribed.filter)) ++at;
  if (at == filters_.size()) return;
  const auto bit = static_cast<std::uint8_t>(1u << at);
  if (mqtt::is_failure(subscribed.reason)) {
    if ((wanted_ & bit) == 0) return log(LogLevel::warning, "suback", subscribed.filter);  // we can do without
    refused_ = static_cast<std::uint8_t>(refused_ | bit);
    ladder_.failed(Rung::suback, Error::denied, now);
    log(LogLevel::warning, "suback", subscribed.filter);
    return events_.on_rung(Rung::suback, ladder_.record(Rung::suback), subscribed.filter);
  }
  granted_ = static_cast<std::uint8_t>(granted_ | bit);
  pass_suback(now);
}

void Device::pass_suback(Instant now) {
  if ((granted_ & wanted_) != wanted_ || ladder_.climbing() != Rung::suback) return;
  pass(Rung::suback, now);
  if (options_.platform_time) ask_time(now);
}

void Device::on_offline(const mqtt::Offline& offline, Instant now) {
  const bool was_open = step_ == Step::session;
  const Rung rung = broken_ ? *broken_ : ladder_.climbing().value_or(Rung::reply);
  wipe_login();
  reply_until_ = step_until_ = Instant::never();
  step_ = Step::idle;
  port_.transport.close();
  if (options_.psk && !was_open) wipe_output();  // the key lay there for the handshake that will not be
  if (stopping_) return;
  if (spill_at_ == Instant::never()) spill_at_ = now + options_.flash_after;
  // A CONNECT that nobody answered; a refusal is an answer.
  if (was_open && rung == Rung::connect)
    count_attempt(offline.error != Error::timed_out && offline.error != Error::closed);
  if (was_open) {
    ladder_.failed(rung, offline.error, now);
    log(LogLevel::warning, name(rung), name(offline.error));
    events_.on_rung(rung, ladder_.record(rung), mqtt::is_failure(offline.reason) ? mqtt::name(offline.reason) : "");
  }
  broken_.reset();
  ladder_.fell();
  events_.on_offline(rung, offline.error, offline.retry_in);
}

/// Hands waiting messages to the connection for as long as its window takes them.
bool Device::send_waiting(Instant now) {
  bool any = false;
  while (client_->is_online()) {
    if (!may_post(now) || now < flash_again_) break;
    spool_->resume();
    const auto waiting = spool_->next(storage_.scratch, {next_id(), most_payload(kBatchTopic)});
    if (!waiting) {
      if (spool_->is_paused()) flash_again_ = now + kReadAgain;
      break;
    }
    alink::TopicName topic;
    if (!expand(waiting->topic.str(), topic)) {
      spool_->refused();
      continue;
    }
    mqtt::Publish message;
    message.topic = topic.str();
    message.payload = as_bytes(waiting->payload);
    message.qos = waiting->acknowledged ? mqtt::Qos::at_least_once : mqtt::Qos::at_most_once;
    const auto sent = client_->publish(message);
    if (!sent && (sent.error() == Error::no_space || sent.error() == Error::would_block)) break;
    if (sent) {
      if (waiting->posts > 1) next_id_ = waiting->id;
      spool_->sent(*sent);
      posted_until_ = std::max(posted_until_, now) + options_.post_interval;
    } else {
      if (waiting->posts == 1) log(LogLevel::error, "a post was given up", name(sent.error()));
      spool_->refused();
    }
    expect_reply(now);
    any = true;
  }
  return any;
}

/// One interval for each post, of which a few may be owed.
bool Device::may_post(Instant now) const { return posted_until_ <= now + kPostsAtOnce * options_.post_interval; }

/// What fits into one packet, whose topic is `topic` behind `/sys/{pk}/{dn}/`.
std::size_t Device::most_payload(std::string_view topic) const {
  constexpr std::size_t kFixed = 5 + 2 + 2 + 7;  // header, lengths of topic and packet id, `/sys/` and two slashes
  const std::size_t taken = kFixed + id_->product.str().size() + id_->device.str().size() + topic.size();
  const std::size_t room = std::min(storage_.mqtt.output.size(), storage_.mqtt.outbox.size());
  return room > taken ? room - taken : 0;
}

/// A flash that cannot be used is done without: posts then wait in RAM only.
void Device::open_spool(DropPolicy drop) {
  if (spool_) return;
  spool_.emplace(storage_.outbox, drop, port_.flash, storage_.flights);
  if (const auto found = spool_->start(); !found) log(LogLevel::error, "flash", name(found.error()));
  next_id_ = spool_->highest_id();
}

Result<void> Device::keep(const Outgoing& message) {
  while (!spool_->has_room(message)) {
    spool_->begin_pass();
    if (!spill() || !spool_->has_more()) break;
  }
  return spool_->push(message);
}

/// The i-th oldest message on the wire, if it is one of ours: under the topics that begin with `ours`.
std::optional<Device::InFlight> Device::flight(std::size_t i, std::string_view ours) const {
  const auto kept = client_->kept(i);
  const auto frame = mqtt::next_frame(kept.packet, kept.packet.size());
  if (!frame) return std::nullopt;
  const auto message = mqtt::decode_publish(mqtt::ProtocolVersion::v311, *frame, mqtt::Sender::client);
  if (!message || !message->topic.starts_with(ours)) return std::nullopt;
  return InFlight{kept.packet_id, message->topic.substr(ours.size()), as_text(message->payload)};
}

/// To flash goes first what is on the wire and not acknowledged, because it is older; then what waits in RAM. A pass at
/// a time: see Spool::has_more(). False: flash does not take it.
bool Device::spill() {
  if (!spool_->has_flash()) return false;
  alink::TopicName ours;
  if (!expand({}, ours)) return true;
  for (std::size_t i = 0; i < client_->in_flight(); ++i) {
    const auto on_wire = flight(i, ours.str());
    if (!on_wire || spool_->is_kept(on_wire->packet_id)) continue;
    const auto request = alink::parse_request(on_wire->payload);
    const MessageId id = request ? parse_id(request->id) : 0;
    static_cast<void>(
        spool_->keep_flight(on_wire->packet_id, {id, port_.clock.wall(), true, on_wire->topic, on_wire->payload}));
    if (spool_->has_more()) return true;
  }
  return spool_->spill();
}

/// The posts on the wire belong to another device.
void Device::lose_flights() {
  alink::TopicName ours;
  for (std::size_t i = 0; expand({}, ours) && i < client_->in_flight(); ++i)
    if (const auto on_wire = flight(i, ours.str()); on_wire && !spool_->is_kept(on_wire->packet_id))
      spool_->count_dropped(1);
  spool_->forget_flights();
}

void Device::spill_when_due(Instant now) {
  const bool is_due = stopping_ || (!is_online() && now >= spill_at_);
  if (is_due && (!spool_->is_ram_empty() || client_->in_flight() > 0)) {
    spill();
    if (!spool_->is_ram_empty() && !spool_->has_more()) spill_at_ = now + std::max(options_.flash_after, kSpillAgain);
  }
  if (spool_->has_more()) more_to_do_ = true;
  if (!more_to_do_) spool_->rest();
}

bool Device::write_out(Instant now) {
  const Bytes waiting = client_->outgoing();
  if (waiting.empty()) return false;
  const auto taken = port_.transport.write(waiting);
  if (taken) {
    client_->sent(*taken);
    wipe_login();
    return true;
  }
  if (taken.error() != Error::would_block) client_->transport_down(now, taken.error());
  return taken.error() != Error::would_block;
}

bool Device::read_in(Instant now) {
  const MutableBytes space = client_->input_space();
  if (space.empty()) return false;
  const auto got = port_.transport.read(space);
  if (got) {
    client_->received(*got, now);
    return true;
  }
  if (got.error() != Error::would_block) client_->transport_down(now, got.error());
  return got.error() != Error::would_block;
}

void Device::expect_reply(Instant now) {
  if (ladder_.climbing() == Rung::reply && reply_until_ == Instant::never())
    reply_until_ = now + options_.reply_timeout;
}

void Device::heard_reply(Instant now) {
  reply_until_ = Instant::never();
  pass(Rung::reply, now);
}

void Device::check_reply(Instant now) {
  if (now < reply_until_) return;
  reply_until_ = Instant::never();
  ladder_.failed(Rung::reply, Error::timed_out, now);
  log(LogLevel::warning, "reply", "timed_out");
  events_.on_rung(Rung::reply, ladder_.record(Rung::reply), {});
}

Result<void> Device::publish(std::string_view topic, Bytes payload, mqtt::Qos qos) {
  if (!is_online()) return fail(Error::bad_state);
  mqtt::Publish message;
  message.topic = topic;
  message.payload = payload;
  message.qos = qos;
  const auto sent = client_->publish(message);
  more_to_do_ = true;
  return sent ? Result<void>{} : fail(sent.error());
}

Result<void> Device::subscribe(std::string_view filter, mqtt::Qos qos) {
  if (!client_) return fail(Error::bad_state);
  more_to_do_ = true;
  return client_->subscribe(filter, qos);
}

}  // namespace tercet::device
