#include "tercet/device/spool.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "tercet/alink/envelope.h"
#include "tercet/alink/property.h"

namespace tercet::device {
namespace {

/// FlashRecord::kind; the numbers are in flash.
enum Kind : std::uint8_t { kRaw = 0, kProperties = 1, kEvent = 2 };

constexpr std::string_view kPropertyPost = "thing/event/property/post";
constexpr std::string_view kPropertyMethod = "thing.event.property.post";
constexpr std::string_view kBatchPost = "thing/event/property/batch/post";
constexpr std::string_view kBatchMethod = "thing.event.property.batch.post";
constexpr std::string_view kEventHead = "thing/event/", kEventTail = "/post";

constexpr std::uint16_t kMostPosts = 16;
constexpr std::uint8_t kRecordsAtOnce = 4;
constexpr std::uint8_t kReadAttempts = 5;
constexpr std::size_t kMostValues = 200, kMostEvents = 20;  // of one batch post (5.6)

/// A record says what differs from post to post; the envelope around it is made anew.
FlashRecord record_of(const Outgoing& message) {
  FlashRecord record{message.id, message.at, kRaw, message.topic, message.payload};
  const bool is_post = message.topic.starts_with(kEventHead) && message.topic.ends_with(kEventTail) &&
                       message.topic.size() > kEventHead.size() + kEventTail.size();
  record.id = 0;  // of what is not ours, or names its id itself
  if (!is_post) return record;
  const auto request = alink::parse_request(message.payload);
  if (!request || !request->params || !request->params->is(json::Type::object)) return record;
  const std::size_t name_size = message.topic.size() - kEventHead.size() - kEventTail.size();
  record.id = message.id;
  record.kind = message.topic == kPropertyPost ? kProperties : kEvent;
  record.name = record.kind == kEvent ? message.topic.substr(kEventHead.size(), name_size) : std::string_view{};
  record.body = request->params->raw();
  return record;
}

void write_sample(json::Writer& out, const alink::TimedValue& sample) {
  out.begin_object().key("value").raw(sample.value.raw());
  if (sample.time) out.key("time").number(sample.time->ms);
  out.end_object();
}

}  // namespace

/// One post of a batch in the making.
struct Spool::Part {
  FlashPlace after{};
  std::uint8_t kind = kProperties;
  std::string_view name, params;

  alink::Properties properties() const { return alink::Properties(json::Value::trusted(params)); }
  std::optional<alink::TimedValue> value_of(std::string_view identifier) const {
    if (kind == kEvent) {
      if (name != identifier) return std::nullopt;
      return alink::unwrap_event(json::Value::trusted(params));
    }
    auto all = properties();
    while (const auto property = all.next())
      if (property->identifier.raw() == identifier) return property->posted;
    return std::nullopt;
  }
};

namespace {

/// `"temperature":[{"value":21.5,"time":n},…]` unless an earlier part has written it.
template <typename Parts>
void write_series(json::Writer& out, const Parts& parts, std::size_t first, std::string_view identifier) {
  for (std::size_t i = 0; i < first; ++i)
    if (parts[i].kind == parts[first].kind && parts[i].value_of(identifier)) return;
  out.key(identifier).begin_array();
  for (std::size_t i = first; i < parts.size(); ++i)
    if (parts[i].kind == parts[first].kind)
      if (const auto value = parts[i].value_of(identifier)) write_sample(out, *value);
  out.end_array();
}

template <typename Parts>
void write_group(json::Writer& out, const Parts& parts, Kind kind) {
  const auto is_of_kind = [&](const auto& part) { return part.kind == kind; };
  if (std::none_of(parts.begin(), parts.end(), is_of_kind)) return;
  out.key(kind == kEvent ? "events" : "properties").begin_object();
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].kind != kind) continue;
    if (kind == kEvent) {
      write_series(out, parts, i, parts[i].name);
      continue;
    }
    auto all = parts[i].properties();
    while (const auto property = all.next()) write_series(out, parts, i, property->identifier.raw());
  }
  out.end_object();
}

template <typename Parts>
void write_batch(Writer& out, MessageId id, const Parts& parts) {
  std::array<std::uint8_t, 12> digits;
  Writer number{digits};
  number.decimal(std::uint64_t{id});
  alink::RequestWriter request{out, number.text(), kBatchMethod, alink::RequestWriter::Ack::yes};
  request.params().begin_object();
  write_group(request.params(), parts, kProperties);
  write_group(request.params(), parts, kEvent);
  request.params().end_object();
  request.finish();
}

}  // namespace

Spool::Spool(MutableBytes ram, DropPolicy policy, Flash* flash, std::span<Flight> flights)
    : ram_(ram, policy), flights_(flights), most_posts_(kMostPosts) {
  if constexpr (kFlashOutbox)
    if (flash != nullptr) log_.emplace(*flash, policy);
}

Result<void> Spool::start() {
  if (!has_flash()) return {};
  const auto mounted = log_->mount();
  if (mounted) return {};
  ++failures_;
  log_.reset();
  return mounted;
}

void Spool::forget_flights() {
  for (Flight& flight : flights_) flight = {};
  batch_ = offered_ = {};
  source_ = Source::none;
  cursor_ = {};
}

OutboxCounters Spool::counters() const {
  OutboxCounters all = ram_.counters();
  all.spilled = spilled_;
  all.flash_failures = failures_;
  if (!has_flash()) return all;
  const FlashCounters& flash = log_->counters();
  all.waiting += flash.waiting;
  all.waiting_bytes += flash.waiting_bytes;
  all.in_flash = flash.waiting;
  all.dropped += flash.dropped;
  all.torn = flash.torn;
  all.flash_failures += flash.failures;
  return all;
}

void Spool::begin_pass() {
  has_more_ = is_stuck_ = false;
  records_left_ = kRecordsAtOnce;
  if (has_flash()) erasures_ = log_->counters().erasures;
}

Spool::Kept Spool::keep(const Outgoing& message, FlashPlace& place) {
  if (is_stuck_) return Kept::no;
  if (records_left_ == 0 || log_->counters().erasures != erasures_) {
    has_more_ = true;
    return Kept::later;
  }
  const auto kept = log_->append(record_of(message));
  if (!kept) {
    is_stuck_ = kept.error() != Error::too_large;
    return Kept::no;
  }
  --records_left_;
  place = *kept;
  ++spilled_;
  return Kept::yes;
}

bool Spool::spill() {
  if (!has_flash()) return false;
  FlashPlace place;
  while (const auto message = ram_.front()) {
    const Kept kept = keep(*message, place);
    if (kept != Kept::yes) return kept == Kept::later;
    ram_.pop();
  }
  return true;
}

bool Spool::is_kept(std::uint16_t packet_id) const {
  if (!has_flash() || packet_id == 0) return false;
  return packet_id == batch_.packet_id ||
         std::any_of(flights_.begin(), flights_.end(), [&](const Flight& f) { return f.packet_id == packet_id; });
}

bool Spool::keep_flight(std::uint16_t packet_id, const Outgoing& message) {
  if (!has_flash()) return false;
  if (is_kept(packet_id)) return true;
  const auto free = std::find_if(flights_.begin(), flights_.end(), [](const Flight& f) { return f.packet_id == 0; });
  FlashPlace place;
  if (free == flights_.end()) return false;
  const Kept kept = keep(message, place);
  if (kept == Kept::yes) *free = {packet_id, place};
  return kept != Kept::no;
}

/// Whether the record is of a message that is on the wire by itself, to be neither sent again nor acknowledged with
/// others.
bool Spool::is_flying(FlashPlace place) const {
  return std::any_of(flights_.begin(), flights_.end(),
                     [&](const Flight& flight) { return flight.packet_id != 0 && flight.place == place; });
}

std::optional<FlashFound> Spool::find_unsent(FlashPlace from) const {
  auto found = log_->find(from);
  while (found && is_flying(found->place)) found = log_->find(found->after);
  return found;
}

void Spool::rest() {
  if (has_flash() && log_->counters().erasures == erasures_) log_->prepare_ahead();
}

/// `found`: what could not be read; nothing, if it could not even be found.
void Spool::on_unreadable(const std::optional<FlashFound>& found) {
  is_paused_ = true;
  if (++unreadable_ < kReadAttempts) return;
  unreadable_ = 0;
  if (!found) return log_->abandon();
  log_->give_up(found->place);
  cursor_ = found->after;
}

std::optional<Spool::Next> Spool::next(MutableBytes scratch, const BatchTerms& terms) {
  source_ = Source::none;
  if (has_flash()) {
    if (is_paused_) return std::nullopt;
    if (find_unsent(cursor_)) {
      if (batch_.packet_id != 0) return std::nullopt;
      if (auto made = next_of_flash(scratch, terms)) return made;
    } else if (log_->obstacle(cursor_)) {
      on_unreadable(std::nullopt);
    }
    if (is_paused_ || has_more_) return std::nullopt;
  }
  const auto message = ram_.front();
  if (!message) return std::nullopt;
  Next made;
  if (!made.topic.assign(message->topic)) {
    ram_.give_up();
    return std::nullopt;
  }
  source_ = Source::ram;
  made.id = message->id;
  made.acknowledged = message->acknowledged;
  made.payload = message->payload;
  return made;
}

std::optional<Spool::Next> Spool::next_of_flash(MutableBytes scratch, const BatchTerms& terms) {
  Next made;
  if (spill() && !ram_.empty()) return std::nullopt;  // RAM is where a batch is put together
  const MutableBytes room = scratch.first(std::min(scratch.size(), terms.most_bytes));
  bool is_made = most_posts_ > 1 && ram_.empty() && make_batch(room, terms.id, made);
  while (!is_made) {
    const auto found = find_unsent(cursor_);
    if (!found) return std::nullopt;
    const auto single = make_single(*found, scratch, made);
    is_made = single.has_value();
    if (!is_made && single.error() == Error::io_failed) {
      on_unreadable(found);
      return std::nullopt;
    }
    if (!is_made) {  // decayed, or from a program with a larger scratch
      log_->give_up(found->place);
      cursor_ = found->after;
    }
  }
  unreadable_ = 0;
  source_ = Source::flash;
  return made;
}

/// Reads posts for one batch; stops at what cannot be part of one.
std::size_t Spool::collect(std::span<Part> parts, MutableBytes work, std::size_t most_bytes) {
  std::size_t count = 0, used = 0, values = 0, events = 0;
  for (auto found = find_unsent(cursor_); found && count < parts.size(); found = find_unsent(found->after)) {
    if (found->text_bytes > work.size() - used) break;
    const auto record = log_->read(*found, work.subspan(used));
    if (!record && record.error() == Error::malformed) continue;
    if (!record || record->kind == kRaw || record->kind > kEvent) break;
    Part& part = parts[count];
    part = {found->after, record->kind, record->name, record->body};
    if (part.kind == kEvent)
      ++events;
    else
      values += json::Value::trusted(part.params).size();
    used += found->text_bytes;
    if (values > kMostValues || events > kMostEvents || (used > most_bytes && count > 1)) break;
    ++count;
  }
  return count;
}

bool Spool::make_batch(MutableBytes scratch, MessageId id, Next& into) {
  std::array<Part, kMostPosts> parts;
  std::size_t count = collect(std::span(parts).first(most_posts_), ram_.idle(), scratch.size());
  for (; count > 1; --count) {
    Writer out{scratch};
    write_batch(out, id, std::span<const Part>(parts).first(count));
    if (!out.ok()) continue;
    static_cast<void>(into.topic.assign(kBatchPost));
    into.id = id;
    into.payload = out.text();
    into.posts = static_cast<std::uint16_t>(count);
    offered_ = {0, into.posts, id, cursor_, parts[count - 1].after};
    return true;
  }
  return false;
}

/// One post as it was, made in place: its params are moved to where the envelope wants them.
Result<void> Spool::make_single(const FlashFound& found, MutableBytes scratch, Next& into) {
  const auto record = log_->read(found, scratch);
  if (!record) return fail(record.error());
  FixedString<112> name;
  if (record->kind > kEvent || !name.assign(record->name)) return fail(Error::malformed);
  into.id = record->id;
  into.posts = 1;
  offered_ = {0, 1, record->id, found.place, found.after};
  if (record->kind == kRaw) {
    into.payload = record->body;
    return into.topic.assign(name.str());
  }
  std::array<std::uint8_t, 48> head_bytes;
  std::array<std::uint8_t, 160> topic_bytes, tail_bytes;
  Writer head{head_bytes}, tail{tail_bytes}, topic{topic_bytes};
  head.text(R"({"id":")"), head.decimal(std::uint64_t{record->id}), head.text(R"(","version":"1.0","params":)");
  tail.text(R"(,"method":")");
  if (record->kind == kProperties) {
    topic.text(kPropertyPost), tail.text(kPropertyMethod);
  } else {
    topic.text(kEventHead), topic.text(name.str()), topic.text(kEventTail);
    tail.text("thing.event."), tail.text(name.str()), tail.text(".post");
  }
  tail.text(R"("})");
  const std::size_t size = head.size() + record->body.size() + tail.size();
  if (!head.ok() || !tail.ok() || !topic.ok() || size > scratch.size()) return fail(Error::no_space);
  const std::size_t body_size = record->body.size();
  std::memmove(scratch.data() + head.size(), record->body.data(), body_size);
  std::memcpy(scratch.data(), head.written().data(), head.size());
  std::memcpy(scratch.data() + head.size() + body_size, tail.written().data(), tail.size());
  into.payload = as_text(Bytes{scratch}.first(size));
  return into.topic.assign(topic.text());
}

void Spool::sent(std::uint16_t packet_id) {
  if (source_ == Source::ram) ram_.pop();
  if (source_ == Source::flash) {
    batch_ = offered_;
    batch_.packet_id = packet_id;
    cursor_ = offered_.to;
  }
  source_ = Source::none;
}

void Spool::refused() {
  if (source_ == Source::ram) ram_.give_up();
  if (source_ == Source::flash && offered_.posts > 1) {
    most_posts_ = static_cast<std::uint16_t>(offered_.posts / 2);
  } else if (source_ == Source::flash) {
    for_each(offered_, false);
    cursor_ = offered_.to;
  }
  source_ = Source::none;
}

void Spool::for_each(const Batch& batch, bool is_delivered) {
  if (!has_flash()) return;
  for (auto found = find_unsent(batch.from); found && found->place < batch.to; found = find_unsent(found->after)) {
    if (is_delivered)
      static_cast<void>(log_->acknowledge(found->place));  // a mark that fails: sent again after a restart
    else
      log_->give_up(found->place);
  }
}

std::uint16_t Spool::delivered(std::uint16_t packet_id) {
  if (!has_flash() || packet_id == 0) return 1;
  if (packet_id == batch_.packet_id) {
    for_each(batch_, true);
    if (log_->obstacle(batch_.from)) cursor_ = batch_.from;  // unread, hence unmarked: once more, or given up
    batch_.packet_id = 0;
    return batch_.posts;
  }
  for (Flight& flight : flights_) {
    if (flight.packet_id != packet_id) continue;
    static_cast<void>(log_->acknowledge(flight.place));
    flight = {};
  }
  return 1;
}

}  // namespace tercet::device
