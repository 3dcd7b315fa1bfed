#include "platform/thing/history.h"

#include <algorithm>
#include <limits>

#include "platform/thing/record.h"
#include "tercet/json/reader.h"

namespace tercet::thing {

namespace {

std::string key_at(std::uint64_t device, RecordKind kind, std::int64_t time) {
  std::string key;
  append_key(key, HistoryKey{device, kind, UnixMillis{time}, 0});
  return key;
}

/// Visits the records of one kind in the range, one millisecond after the other; stops as `page` says.
/// page: take(key, reader) keeps what is of interest, false when the record is damaged; overflows() says it holds too
/// much; mark() and rewind() let it forget what it kept since the mark; last() is the time of the last row, -1 = none.
template <typename Page>
Result<void> walk(store::StreamStore& store, std::uint64_t device, RecordKind kind, const Range& range, Page& page,
                  Paging& paging) {
  const std::int64_t from = std::max<std::int64_t>(0, std::min(range.from.ms, range.to.ms));
  const std::int64_t to = std::max(range.from.ms, range.to.ms);
  paging.next = UnixMillis{range.ascending ? to : from};
  if (to < from) return {};
  const auto last_key = to == std::numeric_limits<std::int64_t>::max() ? to : to + 1;
  std::int64_t now = -1;  // the millisecond being visited
  std::size_t visited = 0;
  bool damaged = false;
  const auto past = [&](std::int64_t time) { return UnixMillis{range.ascending ? time + 1 : time - 1}; };
  const auto visit = [&](std::string_view key, std::string_view value) {
    const auto decoded = decode_history_key(key);
    if (!decoded) return damaged = true, false;
    const std::int64_t time = decoded->time.ms;
    if (time != now) {
      if (visited >= range.scan_limit) return paging.more = true, paging.next = past(now), false;
      now = time;
      page.mark();
    }
    // What fills a millisecond like this is no history; the rest of it is left out.
    if (++visited > 2 * range.scan_limit) return paging.more = true, paging.next = past(now), false;
    auto reader = RecordReader::open(value);
    if (!reader || !page.take(*decoded, *reader)) return damaged = true, false;
    if (page.overflows() && page.rewind()) {  // this millisecond opens the next page
      paging.more = true, paging.next = past(page.last());
      return false;
    }
    return true;
  };
  const auto scanned =
      store.scan(store::Family::history, key_at(device, kind, from), key_at(device, kind, last_key),
                 range.ascending ? store::StreamStore::Order::ascending : store::StreamStore::Order::descending, visit);
  if (!scanned) return fail(scanned.error());
  if (damaged) return fail(Error::io_failed);
  if (!paging.more && page.last() >= 0) paging.next = past(page.last());
  return {};
}

/// Rows of one page with the start of the current millisecond remembered.
template <typename Row>
class Rows {
 public:
  Rows(std::vector<Row>& rows, std::size_t most) : rows_(rows), most_(most) {}
  void mark() { mark_ = rows_.size(); }
  std::int64_t last() const { return rows_.empty() ? -1 : rows_.back().time.ms; }
  bool overflows() const { return rows_.size() > most_; }
  /// False when the page holds nothing but this millisecond: then it must be taken whole.
  bool rewind() {
    if (mark_ == 0) return false;
    rows_.resize(mark_);
    return true;
  }
  void add(Row row) { rows_.push_back(std::move(row)); }

 private:
  std::vector<Row>& rows_;
  std::size_t most_;
  std::size_t mark_ = 0;
};

class SeriesPage {
 public:
  SeriesPage(std::vector<PropertySeries>& series, std::size_t most) : series_(series), most_(most) {}
  void mark() {
    marks_.clear();
    for (const auto& one : series_) marks_.push_back(one.points.size());
    marked_last_ = last_;
  }
  std::int64_t last() const { return last_; }
  bool overflows() const {
    return std::any_of(series_.begin(), series_.end(), [&](const auto& one) { return one.points.size() > most_; });
  }
  bool rewind() {
    if (std::all_of(marks_.begin(), marks_.end(), [](std::size_t mark) { return mark == 0; })) return false;
    for (std::size_t i = 0; i < series_.size(); ++i) series_[i].points.resize(marks_[i]);
    last_ = marked_last_;
    return true;
  }
  bool take(const HistoryKey& key, RecordReader& reader) {
    while (!reader.at_end()) {
      const auto identifier = reader.next();
      const auto value = reader.next();
      if (!identifier || !value) return false;
      for (auto& one : series_) {
        if (one.identifier != *identifier) continue;
        one.points.push_back({key.time, std::string(*value)});
        last_ = key.time.ms;
      }
    }
    return true;
  }

 private:
  std::vector<PropertySeries>& series_;
  std::size_t most_;
  std::vector<std::size_t> marks_;
  std::int64_t last_ = -1, marked_last_ = -1;
};

class EventPageRows : public Rows<EventRecord> {
 public:
  EventPageRows(std::vector<EventRecord>& rows, std::size_t most, std::string_view identifier, std::string_view type,
                const Model& model)
      : Rows(rows, most), identifier_(identifier), type_(type), model_(model) {}
  bool take(const HistoryKey& key, RecordReader& reader) {
    const auto identifier = reader.next();
    const auto output = reader.next();
    if (!identifier || !output) return false;
    if (!identifier_.empty() && *identifier != identifier_) return true;
    const Event* event = model_.find_event(*identifier);
    if (!type_.empty() && (event == nullptr || event->type != type_)) return true;
    add({key.time, std::string(*identifier), std::string(*output)});
    return true;
  }

 private:
  std::string_view identifier_, type_;
  const Model& model_;
};

class ServicePageRows : public Rows<ServiceRecord> {
 public:
  ServicePageRows(std::vector<ServiceRecord>& rows, std::size_t most, std::string_view identifier)
      : Rows(rows, most), identifier_(identifier) {}
  bool take(const HistoryKey& key, RecordReader& reader) {
    const auto identifier = reader.next();
    const auto input = reader.next();
    const auto output = reader.next();
    if (!identifier || !input || !output) return false;
    if (!identifier_.empty() && *identifier != identifier_) return true;
    add({key.time, std::string(*identifier), std::string(*input), std::string(*output)});
    return true;
  }

 private:
  std::string_view identifier_;
};

class LogRows : public Rows<LogRecord> {
 public:
  LogRows(std::vector<LogRecord>& rows, std::size_t most, std::string_view level) : Rows(rows, most), level_(level) {}
  bool take(const HistoryKey& key, RecordReader& reader) {
    LogRecord record;
    record.time = key.time;
    for (std::string* const field :
         {&record.level, &record.module, &record.code, &record.trace, &record.content, &record.collected}) {
      const auto text = reader.next();
      if (!text) return false;
      *field = *text;
    }
    if (level_.empty() || record.level == level_) add(std::move(record));
    return true;
  }

 private:
  std::string_view level_;
};

class NetworkRows : public Rows<NetworkRecord> {
 public:
  using Rows::Rows;
  bool take(const HistoryKey& key, RecordReader& reader) {
    const auto report = reader.next();
    if (report) add({key.time, std::string(*report)});
    return report.has_value();
  }
};

}  // namespace

Result<PropertiesPage> query_properties(store::StreamStore& store, std::uint64_t device,
                                        std::span<const std::string> identifiers, const Range& range) {
  PropertiesPage out;
  for (const auto& identifier : identifiers) out.series.push_back({identifier, {}});
  SeriesPage page(out.series, range.page_size);
  if (const auto walked = walk(store, device, RecordKind::properties, range, page, out); !walked)
    return fail(walked.error());
  return out;
}

Result<PropertyPage> query_property(store::StreamStore& store, std::uint64_t device, std::string_view identifier,
                                    const Range& range) {
  const std::string one[] = {std::string(identifier)};
  auto page = query_properties(store, device, one, range);
  if (!page) return fail(page.error());
  PropertyPage out;
  static_cast<Paging&>(out) = *page;
  out.points = std::move(page->series[0].points);
  return out;
}

Result<EventsPage> query_events(store::StreamStore& store, std::uint64_t device, std::string_view identifier,
                                std::string_view type, const Model& model, const Range& range) {
  EventsPage out;
  EventPageRows page(out.events, range.page_size, identifier, type, model);
  if (const auto walked = walk(store, device, RecordKind::event, range, page, out); !walked)
    return fail(walked.error());
  return out;
}

Result<ServicesPage> query_services(store::StreamStore& store, std::uint64_t device, std::string_view identifier,
                                    const Range& range) {
  ServicesPage out;
  ServicePageRows page(out.calls, range.page_size, identifier);
  if (const auto walked = walk(store, device, RecordKind::service, range, page, out); !walked)
    return fail(walked.error());
  return out;
}

Result<LogsPage> query_logs(store::StreamStore& store, std::uint64_t device, std::string_view level,
                            const Range& range) {
  LogsPage out;
  LogRows page(out.entries, range.page_size, level);
  if (const auto walked = walk(store, device, RecordKind::log, range, page, out); !walked) return fail(walked.error());
  return out;
}

Result<NetworkPage> query_network(store::StreamStore& store, std::uint64_t device, const Range& range) {
  NetworkPage out;
  NetworkRows page(out.reports, range.page_size);
  if (const auto walked = walk(store, device, RecordKind::network, range, page, out); !walked)
    return fail(walked.error());
  return out;
}

std::string value_text(std::string_view json) {
  const auto text = json::Value::trusted(json).text();
  if (!text) return std::string(json);
  std::string buffer(text->raw().size(), '\0');
  const auto plain = text->unescape({reinterpret_cast<std::uint8_t*>(buffer.data()), buffer.size()});
  return plain ? std::string(*plain) : std::string(text->raw());
}

}  // namespace tercet::thing
