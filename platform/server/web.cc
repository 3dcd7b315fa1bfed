#include "platform/server/web.h"

#include "console/console_assets.h"

namespace tercet::server {
namespace {

std::vector<openapi::FleetShard> fleet_of(const std::vector<std::unique_ptr<Shard>>& shards) {
  std::vector<openapi::FleetShard> parts;
  for (const auto& shard : shards) {
    Shard* one = shard.get();
    parts.push_back(
        {&one->things(),
         [one](std::string_view topic, Bytes payload, std::uint8_t qos) { one->broker().publish(topic, payload, qos); },
         [one] { return one->broker().counters(); }});
  }
  return parts;
}

openapi::HttpServerLimits limits_of(const Web::Parts& parts) {
  openapi::HttpServerLimits limits;
  limits.connections = parts.connections;
  limits.request.streamed_bytes = upgrade::Settings{}.image_bytes + 64 * 1024;  // and the form around it
  return limits;
}

/// Boards are slow at TLS, ask once and go; many may sit behind one address.
openapi::HttpServerLimits device_limits_of(const Web::Parts& parts) {
  openapi::HttpServerLimits limits;
  limits.connections = limits.per_network = parts.connections;
  limits.request = {8 * 1024, openapi::HttpChannel::kMostBody};
  limits.header = Seconds{20};
  limits.idle = Seconds{10};
  return limits;
}

constexpr Seconds kGatherEvery{1};

}  // namespace

Web::Web(const Parts& parts)
    : management_(parts.management),
      destinations_(parts.destinations),
      consumers_(parts.consumers),
      scripts_(parts.management, parts.scripts),
      fleet_(parts.management, parts.shard_loops, fleet_of(parts.shards)),
      site_({parts.management, parts.registry, parts.journal, fleet_, parts.store, models_, "local", &parts.files,
             &parts.upgrades, &parts.topology, &scripts_, &parts.rules, &parts.destinations, &parts.tags,
             &parts.device_files, &parts.groups, &parts.consumers, &parts.device_authority, &parts.jobs},
            console::find_asset),
      http_(std::make_unique<openapi::HttpServer>(parts.management, site_, limits_of(parts))),
      registration_({parts.management, parts.registry, parts.journal}),
      device_files_(parts.management, parts.registry, parts.files, &parts.upgrades, &parts.device_files),
      files_http_(std::make_unique<openapi::HttpServer>(parts.management, device_port_, device_limits_of(parts))),
      shard_loops_(parts.shard_loops),
      shards_(parts.shards),
      logins_(parts.shards.size()),
      gather_([](void* self) { static_cast<Web*>(self)->gather_logins(); }, this) {
  device_port_.add("/files/", device_files_);
  device_port_.add(std::string(openapi::DeviceRegistration::kPath), registration_);
  watch(parts);
}

void Web::watch(const Parts& parts) {
  store::StreamStore* store = &parts.store;
  registry::JournalStore* journal = &parts.journal;
  site_.health().add_check([store] { return store->failure(); });
  site_.health().add_source([this, store, journal](openapi::MetricsText& text) {
    registry::LoginCounters sum;
    for (const registry::LoginCounters& one : logins_) {
      sum.accepted += one.accepted, sum.refused += one.refused, sum.article += one.article;
      sum.examinations += one.examinations, sum.examinations_skipped += one.examinations_skipped;
    }
    text.counter("tercet_login_accepted_total", "Logins accepted", sum.accepted);
    text.counter("tercet_login_refused_total", "Logins refused", sum.refused);
    text.counter("tercet_login_article_total", "Logins accepted in the tutorial's dialect", sum.article);
    text.counter("tercet_login_examinations_total", "Wrong passwords examined", sum.examinations);
    text.counter("tercet_login_examinations_skipped_total", "Wrong passwords not examined, over budget",
                 sum.examinations_skipped);
    const auto stored = store->counters();
    text.counter("tercet_store_commits_total", "Groups committed", stored.commits);
    text.counter("tercet_store_mutations_total", "Changes committed", stored.mutations);
    text.counter("tercet_store_bytes_total", "Bytes of changes committed", stored.bytes);
    text.counter("tercet_store_sync_microseconds_total", "Time spent in commits", stored.sync_micros);
    watch_rules(text);
    watch_consumers(text);
    text.counter("tercet_journal_recorded_total", "Refusals recorded", journal->recorded());
    text.counter("tercet_journal_lost_total", "Refusals lost because too many came at once", journal->lost());
  });
  gather_.set(management_, management_.now() + kGatherEvery);
}

void Web::watch_rules(openapi::MetricsText& text) const {
  using Kind = openapi::MetricsText::Kind;
  const rule::RuleCounts counts = destinations_.counts();
  text.counter("tercet_rule_matched_total", "Messages that rules were about", counts.matched);
  text.counter("tercet_rule_met_total", "Messages that met a rule's condition", counts.met);
  text.counter("tercet_rule_failed_total", "Messages that a rule's SQL could not be worked out for", counts.failed);
  text.counter("tercet_rule_queued_total", "Records put into the queues of destinations", counts.queued);
  text.counter("tercet_rule_overflowed_total", "Records lost because a destination's queue was full",
               counts.overflowed);
  const auto reports = destinations_.reports();
  const auto label = [](std::uint64_t action) { return "action=\"" + std::to_string(action) + "\""; };
  text.head("tercet_sink_waiting", Kind::gauge, "Records in a destination's queue");
  for (const auto& [action, report] : reports) text.sample(report.waiting, label(action));
  text.head("tercet_sink_sent_total", Kind::counter, "Records delivered");
  for (const auto& [action, report] : reports) text.sample(report.pump.sent, label(action));
  text.head("tercet_sink_failures_total", Kind::counter, "Tries that failed");
  for (const auto& [action, report] : reports) text.sample(report.pump.failures, label(action));
  text.head("tercet_sink_dead_total", Kind::counter, "Records given up, kept as dead letters");
  for (const auto& [action, report] : reports) text.sample(report.pump.dead, label(action));
  text.head("tercet_sink_lag_milliseconds", Kind::gauge, "Age of the record at the front of a queue");
  const std::int64_t now = management_.wall().ms;
  for (const auto& [action, report] : reports)
    text.sample(
        static_cast<std::uint64_t>(report.pump.oldest == 0 ? 0 : std::max<std::int64_t>(now - report.pump.oldest, 0)),
        label(action));
}

void Web::watch_consumers(openapi::MetricsText& text) const {
  const auto counters = consumers_.counters();
  text.head("tercet_amqp_consumers", openapi::MetricsText::Kind::gauge, "Consumers that have logged in");
  text.sample(counters.consumers, "");
  text.counter("tercet_amqp_refused_total", "Logins of consumers refused", counters.refused);
  text.counter("tercet_amqp_delivered_total", "Messages that consumers have accepted", counters.delivered);
  text.counter("tercet_amqp_redelivered_total", "Messages delivered once more", counters.redelivered);
  text.counter("tercet_amqp_expired_total", "Messages dropped because nobody took them in time", counters.expired);
}

void Web::gather_logins() {
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    Shard* shard = shards_[i].get();
    // A full queue: the next round asks again.
    static_cast<void>(shard_loops_.loop(i).post([this, shard, i] {
      static_cast<void>(
          management_.post([this, i, counters = shard->authenticator().counters()] { logins_[i] = counters; }));
    }));
  }
  gather_.set(management_, management_.now() + kGatherEvery);
}

runtime::Outcome<runtime::Address> Web::listen(const std::string& host, std::uint16_t port) {
  const auto address = runtime::make_address(host == "localhost" ? "127.0.0.1" : host, port);
  if (!address)
    return runtime::Problem{Error::bad_argument, "http.host '" + host + "' is no IP address; write 127.0.0.1"};
  const auto bound = management_.listen(
      *address, [this](std::unique_ptr<runtime::Stream> stream) { http_->accept(std::move(stream)); });
  if (!bound)
    return runtime::Problem{Error::io_failed,
                            "HTTP cannot listen on " + address->text() + ": " + management_.last_error() +
                                "; stop what uses the port, or give another one in [http] of --config"};
  return *bound;
}

runtime::Outcome<runtime::Address> Web::listen_for_devices(const std::string& host, std::uint16_t port,
                                                           runtime::TlsServerContext context) {
  const auto address = runtime::make_address(host == "localhost" ? "127.0.0.1" : host, port);
  if (!address)
    return runtime::Problem{Error::bad_argument,
                            "files.host '" + host + "' is no IP address; write 0.0.0.0 for every interface"};
  const auto shared = std::make_shared<const runtime::TlsServerContext>(std::move(context));
  const auto bound = management_.listen(*address, [this, shared](std::unique_ptr<runtime::Stream> stream) {
    files_http_->accept(shared->wrap(std::move(stream)));
  });
  if (!bound)
    return runtime::Problem{Error::io_failed,
                            "HTTPS for devices cannot listen on " + address->text() + ": " + management_.last_error() +
                                "; stop what uses the port, or give another one in [files] of --config, or say "
                                "offered = false there: devices then have no remote configuration"};
  if (sockets_ != nullptr) take_sockets(*bound);
  return *bound;
}

void Web::offer_http_channel() {
  std::vector<openapi::HttpChannelShard> parts;
  for (const auto& shard : shards_) parts.push_back({&shard->http_logins(), &shard->visits()});
  http_channel_ = std::make_unique<openapi::HttpChannel>(management_, shard_loops_, std::move(parts));
  device_port_.add("/auth", *http_channel_);
  device_port_.add("/topic/", *http_channel_);
}

/// The TLS handshake and the HTTP request are done here; the stream then goes the way of every other: to a shard by
/// turns, and home with its CONNECT.
void Web::take_sockets(const runtime::Address& address) {
  auto listener = std::make_shared<broker::ListenerConfig>();
  listener->address = address;
  listener->spread = true;
  device_port_.take_sockets([this, listener](std::unique_ptr<runtime::Stream> stream) {
    // A full queue: the stream is closed with the task.
    static_cast<void>(
        shard_loops_.loop(sockets_->shard()).post([broker = sockets_, listener, taken = std::move(stream)]() mutable {
          broker->accept(std::move(taken), listener);
        }));
  });
}

void Web::send(upgrade::Letter letter, std::function<void(thing::Delivery)> told) {
  fleet_.send({letter.device, letter.product, letter.name}, std::move(letter.topic), std::move(letter.payload),
              letter.qos, std::move(told));
}

void Web::send(tag::Letter letter) {
  fleet_.send({letter.device, letter.product, letter.name}, std::move(letter.topic), std::move(letter.payload),
              letter.qos, [](thing::Delivery) {});
}
void Web::send(job::Letter letter, std::function<void(thing::Delivery)> told) {
  fleet_.send({letter.device, letter.product, letter.name}, std::move(letter.topic), std::move(letter.payload),
              letter.qos, std::move(told));
}
void Web::execute(job::Command command, std::function<void(thing::SetTicket)> taken,
                  std::function<void(thing::CallResult)> ended) {
  fleet_.execute({command.device, command.product, command.name}, std::move(command.service), std::move(command.params),
                 std::move(taken), std::move(ended));
}

void Web::send(file::Letter letter) {
  fleet_.send({letter.device, letter.product, letter.name}, std::move(letter.topic), std::move(letter.payload), 0,
              [](thing::Delivery) {});
}
void Web::send(topology::Letter letter, std::function<void(bool)> told) {
  fleet_.send({letter.device, letter.product, letter.name}, std::move(letter.topic), std::move(letter.payload),
              letter.qos, [told = std::move(told)](thing::Delivery how) { told(how == thing::Delivery::sent); });
}

void Web::close() {
  management_.stop_listening();
  gather_.cancel();
  http_.reset();
  files_http_.reset();
}

}  // namespace tercet::server
