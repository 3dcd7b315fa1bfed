#include "platform/openapi/health.h"

namespace tercet::openapi {
namespace {

using Kind = MetricsText::Kind;

template <typename T>
struct Row {
  const char* name;
  const char* help;
  Kind kind;
  T value;
};

constexpr Row<std::uint64_t broker::Counters::*> kBrokerRows[] = {
    {"tercet_connections", "Open MQTT sockets, logged in or not.", Kind::gauge, &broker::Counters::connections},
    {"tercet_sessions", "MQTT sessions, with or without a connection.", Kind::gauge, &broker::Counters::sessions},
    {"tercet_sessions_online", "MQTT sessions with a connection.", Kind::gauge, &broker::Counters::online},
    {"tercet_subscriptions", "Subscriptions.", Kind::gauge, &broker::Counters::subscriptions},
    {"tercet_queued_messages", "Messages waiting for sessions.", Kind::gauge, &broker::Counters::queued_messages},
    {"tercet_retained_messages", "Retained messages; every shard has a copy.", Kind::gauge,
     &broker::Counters::retained},
    {"tercet_retained_bytes", "Bytes of retained messages; every shard has a copy.", Kind::gauge,
     &broker::Counters::retained_bytes},
    {"tercet_accepted_total", "MQTT connections accepted.", Kind::counter, &broker::Counters::accepted},
    {"tercet_logins_total", "Logins.", Kind::counter, &broker::Counters::logins},
    {"tercet_logins_refused_total", "Refused logins.", Kind::counter, &broker::Counters::logins_refused},
    {"tercet_registrations_total", "Dynamic registrations over MQTT.", Kind::counter, &broker::Counters::handovers},
    {"tercet_bytes_in_total", "Bytes from MQTT clients.", Kind::counter, &broker::Counters::bytes_in},
    {"tercet_bytes_out_total", "Bytes to MQTT clients.", Kind::counter, &broker::Counters::bytes_out},
    {"tercet_messages_in_total", "PUBLISH packets from clients.", Kind::counter, &broker::Counters::messages_in},
    {"tercet_messages_out_total", "PUBLISH packets to clients.", Kind::counter, &broker::Counters::messages_out},
    {"tercet_keep_alive_timeouts_total", "Connections closed for silence.", Kind::counter,
     &broker::Counters::keep_alive_timeouts},
    {"tercet_protocol_errors_total", "Connections closed for malformed or misplaced packets.", Kind::counter,
     &broker::Counters::protocol_errors},
    {"tercet_dropped_queue_full_total", "Messages dropped because a queue was full.", Kind::counter,
     &broker::Counters::dropped_queue_full},
    {"tercet_dropped_rate_total", "Messages dropped because a device was over a rate.", Kind::counter,
     &broker::Counters::dropped_rate},
    {"tercet_dropped_retained_total", "Messages not taken because of a bound on retained messages.", Kind::counter,
     &broker::Counters::dropped_retained},
    {"tercet_dropped_slow_total", "QoS 0 messages dropped for clients that do not read.", Kind::counter,
     &broker::Counters::dropped_slow},
    {"tercet_dropped_link_full_total", "Messages not taken because another shard did not keep up.", Kind::counter,
     &broker::Counters::dropped_link_full},
    {"tercet_dropped_store_full_total", "Messages not taken because the store did not keep up.", Kind::counter,
     &broker::Counters::dropped_store_full},
};

constexpr Row<std::uint64_t thing::Counts::*> kThingRows[] = {
    {"tercet_posts_total", "Property posts accepted.", Kind::counter, &thing::Counts::posts},
    {"tercet_events_total", "Event records accepted.", Kind::counter, &thing::Counts::events},
    {"tercet_values_total", "Property values accepted.", Kind::counter, &thing::Counts::values},
    {"tercet_values_dropped_total", "Values that did not fit the thing model.", Kind::counter,
     &thing::Counts::dropped_values},
    {"tercet_messages_refused_total", "System messages answered with another code than 200.", Kind::counter,
     &thing::Counts::refused_messages},
    {"tercet_sets_total", "Property sets sent.", Kind::counter, &thing::Counts::sets},
    {"tercet_set_timeouts_total", "Property sets that no device answered.", Kind::counter,
     &thing::Counts::set_timeouts},
    {"tercet_store_full_total", "Messages refused because the store was behind.", Kind::counter,
     &thing::Counts::store_full},
};

std::string shard_label(std::size_t shard) { return "shard=\"" + std::to_string(shard) + "\""; }

void put_shards(MetricsText& out, const std::vector<ShardCounts>& shards) {
  for (const auto& row : kBrokerRows) {
    out.head(row.name, row.kind, row.help);
    for (std::size_t i = 0; i < shards.size(); ++i) out.sample(shards[i].broker.*row.value, shard_label(i));
  }
  out.head("tercet_devices_online", Kind::gauge, "Devices online.");
  for (std::size_t i = 0; i < shards.size(); ++i)
    out.sample(static_cast<std::uint64_t>(shards[i].things.online), shard_label(i));
  for (const auto& row : kThingRows) {
    out.head(row.name, row.kind, row.help);
    for (std::size_t i = 0; i < shards.size(); ++i) out.sample(shards[i].things.*row.value, shard_label(i));
  }
}

void put_gateway(MetricsText& out, const Gateway::Counters& gateway) {
  out.counter("tercet_api_refused_total", "API calls answered with Success false.", gateway.refused);
  out.counter("tercet_api_errors_total", "API calls refused by the gateway.", gateway.gateway_errors);
  out.head("tercet_api_calls_total", Kind::counter, "API calls by action.");
  for (const auto& [action, count] : gateway.by_action) out.sample(count, "action=\"" + std::string(action) + "\"");
}

}  // namespace

void Health::live(const HttpResponder& respond) const { respond(plain_response(200, "ok")); }

void Health::ready(const HttpResponder& respond) const {
  std::string why = services_.store.failure();
  for (const Check& check : checks_)
    if (why.empty()) why = check();
  if (!why.empty()) return respond(plain_response(503, why));
  services_.fleet.counts([respond](std::optional<std::vector<ShardCounts>> counts) {
    respond(counts ? plain_response(200, "ready") : plain_response(503, "a shard's queue is full"));
  });
}

void Health::metrics(const HttpResponder& respond) const {
  services_.fleet.counts([this, respond](std::optional<std::vector<ShardCounts>> counts) {
    MetricsText out;
    if (counts) put_shards(out, *counts);
    put_gateway(out, gateway_.counters());
    out.gauge("tercet_devices_registered", "Devices registered.",
              static_cast<double>(services_.registry.device_count()));
    for (const Source& source : sources_) source(out);
    HttpResponse response;
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    response.body = out.text();
    respond(std::move(response));
  });
}

}  // namespace tercet::openapi
