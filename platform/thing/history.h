#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "platform/store/stream_store.h"
#include "platform/thing/model.h"
#include "tercet/base/result.h"
#include "tercet/base/time.h"

namespace tercet::thing {

/// Which part of a device's history, and how much of it. Both ends belong to it; either order is accepted.
struct Range {
  UnixMillis from{};
  UnixMillis to{};
  bool ascending = true;             ///< oldest first
  std::size_t page_size = 50;        ///< records per property, or events
  std::size_t scan_limit = 200'000;  ///< records looked at; then the page ends early, with `more`
};

/// Where the next page starts: the new `from` when ascending, the new `to` when descending. Records of one millisecond
/// are never split between pages, therefore a page may hold a few less than page_size (or more, when more than a page's
/// worth happened within one millisecond; beyond twice scan_limit the rest of that millisecond is left out).
struct Paging {
  bool more = false;  ///< NextValid
  UnixMillis next{};  ///< NextTime: one millisecond past the last record in the direction of the scan
};

struct Point {
  UnixMillis time;
  std::string value;  ///< JSON as posted; value_text() for the text the OpenAPI shows
};
struct PropertyPage : Paging {
  std::vector<Point> points;
};
struct PropertySeries {
  std::string identifier;
  std::vector<Point> points;
};
struct PropertiesPage : Paging {
  std::vector<PropertySeries> series;  ///< in the order asked for, also the empty ones
};
struct EventRecord {
  UnixMillis time;
  std::string identifier;
  std::string output;  ///< JSON object
};
struct EventsPage : Paging {
  std::vector<EventRecord> events;
};
struct ServiceRecord {
  UnixMillis time;
  std::string identifier;
  std::string input;   ///< JSON object
  std::string output;  ///< the device's reply envelope, JSON; "" when it never answered
};
struct ServicesPage : Paging {
  std::vector<ServiceRecord> calls;
};

struct LogRecord {
  UnixMillis time;  ///< when it was, as the device says; when it came, if that cannot be
  std::string level, module, code, trace, content;
  std::string collected;  ///< the time as the device wrote it
};
struct LogsPage : Paging {
  std::vector<LogRecord> entries;
};
struct NetworkRecord {
  UnixMillis time;
  std::string report;  ///< JSON object, as the device sent it: {"wifi":{"rssi":-40,…},"_time":…}
};
struct NetworkPage : Paging {
  std::vector<NetworkRecord> reports;
};

/// Queries, blocking: for the management or a worker thread, never for a shard. They see what is durable.
/// Errors: io_failed.
Result<PropertyPage> query_property(store::StreamStore& store, std::uint64_t device, std::string_view identifier,
                                    const Range& range);
/// All series stop at the same time, so that one `next` continues them all.
Result<PropertiesPage> query_properties(store::StreamStore& store, std::uint64_t device,
                                        std::span<const std::string> identifiers, const Range& range);
/// identifier "" = every event; type "" = every type (info, alert, error), else looked up in the model.
Result<EventsPage> query_events(store::StreamStore& store, std::uint64_t device, std::string_view identifier,
                                std::string_view type, const Model& model, const Range& range);
/// Property sets (identifier "set") and, once offered, services.
Result<ServicesPage> query_services(store::StreamStore& store, std::uint64_t device, std::string_view identifier,
                                    const Range& range);

/// What the device has uploaded of its own log; level "" = all.
Result<LogsPage> query_logs(store::StreamStore& store, std::uint64_t device, std::string_view level,
                            const Range& range);
/// What it has told of its network.
Result<NetworkPage> query_network(store::StreamStore& store, std::uint64_t device, const Range& range);

/// What the OpenAPI's `Value` shows of a JSON value: the inside of a string, anything else as it stands.
std::string value_text(std::string_view json);

}  // namespace tercet::thing
