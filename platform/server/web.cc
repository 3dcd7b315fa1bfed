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
  limits.request = {8 * 1024, 1024};
  limits.header = Seconds{20};
  limits.idle = Seconds{10};
  return limits;
}

constexpr Seconds kGatherEvery{1};

}  // namespace

Web::Web(const Parts& parts)
    : management_(parts.management),
      fleet_(parts.management, parts.shard_loops, fleet_of(parts.shards)),
      site_({parts.management, parts.registry, parts.journal, fleet_, parts.store, models_, "local", &parts.files,
             &parts.upgrades},
            console::find_asset),
      http_(std::make_unique<openapi::HttpServer>(parts.management, site_, limits_of(parts))),
      device_files_(parts.management, parts.registry, parts.files, &parts.upgrades),
      files_http_(std::make_unique<openapi::HttpServer>(parts.management, device_files_, device_limits_of(parts))),
      shard_loops_(parts.shard_loops),
      shards_(parts.shards),
      logins_(parts.shards.size()),
      gather_([](void* self) { static_cast<Web*>(self)->gather_logins(); }, this) {
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
    text.counter("tercet_journal_recorded_total", "Refusals recorded", journal->recorded());
    text.counter("tercet_journal_lost_total", "Refusals lost because too many came at once", journal->lost());
  });
  gather_.set(management_, management_.now() + kGatherEvery);
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
  return *bound;
}

void Web::send(upgrade::Letter letter, std::function<void(thing::Delivery)> told) {
  fleet_.send({letter.device, letter.product, letter.name}, std::move(letter.topic), std::move(letter.payload),
              letter.qos, std::move(told));
}

void Web::close() {
  management_.stop_listening();
  gather_.cancel();
  http_.reset();
  files_http_.reset();
}

}  // namespace tercet::server
