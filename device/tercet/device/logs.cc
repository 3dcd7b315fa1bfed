#include "tercet/device/logs.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "tercet/alink/envelope.h"
#include "tercet/base/reader.h"

namespace tercet::device {
namespace {

constexpr std::string_view kGet = "thing/config/log/get", kGetReply = "thing/config/log/get_reply";
constexpr std::string_view kPush = "thing/config/log/push";
constexpr std::string_view kPost = "thing/log/post", kPostReply = "thing/log/post_reply";
constexpr Millis kAskAgain{1'000}, kBetween{200};
constexpr std::string_view kTail = R"(],"method":"thing.log.post"})";

std::string_view word(LogEntry::Level level) {
  constexpr std::string_view kWords[] = {"FATAL", "ERROR", "WARN", "INFO", "DEBUG"};
  return kWords[static_cast<std::size_t>(level)];
}

/// At most `most` bytes, and no half of a character at the end.
std::string_view cut(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0u) == 0x80u) --most;
  return text.substr(0, most);
}

void digits(Writer& out, std::int64_t value, int count) {
  std::int64_t unit = 1;
  while (--count > 0) unit *= 10;
  for (; unit > 0; unit /= 10) out.ch(static_cast<char>('0' + value / unit % 10));
}

/// 2020-03-06T07:15:27.464+0000
void write_time(Writer& out, UnixMillis at) {
  const std::chrono::sys_time<Millis> time{Millis{at.ms}};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::int64_t ms = (time - day).count();
  digits(out, static_cast<int>(date.year()), 4), out.ch('-');
  digits(out, static_cast<unsigned>(date.month()), 2), out.ch('-');
  digits(out, static_cast<unsigned>(date.day()), 2), out.ch('T');
  digits(out, ms / 3'600'000, 2), out.ch(':'), digits(out, ms / 60'000 % 60, 2), out.ch(':');
  digits(out, ms / 1'000 % 60, 2), out.ch('.'), digits(out, ms % 1'000, 3), out.text("+0000");
}

/// What an entry has beside its content, in the ring: level, code (4 bytes), length of the module, module, trace.
constexpr std::size_t kHead = 6;

}  // namespace

Result<void> Logs::start(Device& device, const DeviceId& id) {
  if (const auto made = topics_.start(device, id); !made) return made;
  if (const auto asked = topics_.subscribe("thing/config/log/+", config_filter_); !asked) return asked;
  return topics_.subscribe(kPostReply, reply_filter_);
}

void Logs::add(const LogEntry& entry) {
  std::array<std::uint8_t, kHead + 2 * kMostWord> head;
  Writer out{head};
  const std::string_view module = cut(entry.module, kMostWord);
  out.u8(static_cast<std::uint8_t>(entry.level)), out.u32(static_cast<std::uint32_t>(entry.code));
  out.u8(static_cast<std::uint8_t>(module.size())), out.text(module), out.text(cut(entry.trace, kMostWord));
  ++taken_;
  Outgoing kept;
  kept.at = {clock_.now().since_start.count()};  // the wall clock may be set right later
  kept.topic = out.text();
  kept.payload = cut(entry.content, std::min(kMostContent, scratch_.size() / 2));
  if (ring_.empty()) send_at_ = std::max(send_at_, clock_.now() + kGather);
  if (!ring_.push(kept)) ++lost_;
}

void Logs::line(LogLevel level, std::string_view text) {
  constexpr LogEntry::Level kLevels[] = {LogEntry::Level::info, LogEntry::Level::warning, LogEntry::Level::error};
  add({kLevels[static_cast<std::size_t>(level)], "sdk", text});
  if (also_ != nullptr) also_->line(level, text);
}

bool Logs::on_message(std::string_view topic, Bytes payload) {
  const std::string_view tail = topics_.tail_of(topic);
  if (tail == kPostReply) return on_answer(payload), true;
  if (tail == kPush) {
    const auto request = alink::parse_request(as_text(payload));
    if (request && request->params) obey(*request->params);
    return true;
  }
  if (tail != kGetReply) return false;
  const auto reply = alink::parse_reply(as_text(payload));
  if (reply && reply->code == alink::number(alink::Code::success) && reply->data) obey(*reply->data);
  return true;
}

void Logs::obey(const json::Value& told) {
  const auto content = told.find("content");
  const auto mode = content ? content->find("mode") : std::nullopt;
  const auto number = mode ? mode->integer() : std::nullopt;
  if (number) is_wanted_ = *number == 1;
}

/// The platform kept all of it or nothing: what it refuses now it would refuse again, except that it was busy.
void Logs::on_answer(Bytes payload) {
  const auto reply = alink::parse_reply(as_text(payload));
  if (!reply || message_bytes_ == 0 || parse_id(reply->id) != message_id_) return;
  const bool is_busy = reply->code == alink::number(alink::Code::too_many_requests);
  if (is_busy) return;  // and is sent again when nothing would have come
  (reply->code == alink::number(alink::Code::success) ? sent_ : lost_) += message_entries_;
  forget_message();
  send_at_ = clock_.now() + kBetween;
}

void Logs::run() {
  const Instant now = clock_.now();
  const bool online = topics_.is_online();
  if (online && !was_online_) ask_at_ = now, send_at_ = now + kGather;  // the platform tells the time meanwhile
  was_online_ = online;
  if (!online) return;
  if (now >= ask_at_) ask(now);
  if (!is_wanted_ || now < send_at_) return;
  if (message_bytes_ == 0) gather(now);
  if (message_bytes_ != 0) send(now);
}

Instant Logs::next_deadline() const {
  if (!was_online_) return Instant::never();
  const bool has_news = is_wanted_ && (message_bytes_ != 0 || !ring_.empty());
  return std::min(ask_at_, has_news ? send_at_ : Instant::never());
}

void Logs::ask(Instant now) {
  std::array<std::uint8_t, 160> buffer;
  Writer out{buffer};
  const IdText id{topics_.take_id()};
  alink::write_request(out, id.str(), "thing.config.log.get", R"({"configScope":"device","getType":"content"})");
  ask_at_ = topics_.publish(kGet, out.written()) ? Instant::never() : now + kAskAgain;
}

/// Moves as many entries as there is room for out of the ring into the message.
void Logs::gather(Instant now) {
  message_id_ = topics_.take_id();
  Writer head{scratch_};
  const IdText id{message_id_};
  head.text(R"({"id":")"), head.text(id.str()), head.text(R"(","version":"1.0","params":[)");
  std::size_t end = head.written().size();
  if (scratch_.size() < end + kTail.size()) return;
  while (message_entries_ < kMostEntries) {
    const auto entry = ring_.front();
    if (!entry) break;
    Writer out{scratch_.subspan(end, scratch_.size() - end - kTail.size())};
    if (message_entries_ > 0) out.ch(',');
    if (!write_entry(out, *entry, now)) {
      if (message_entries_ > 0) break;
      ring_.give_up();  // its escapes make it larger than a message
      continue;
    }
    end += out.size();
    ++message_entries_;
    ring_.pop();
  }
  if (message_entries_ == 0) return;
  std::memcpy(scratch_.data() + end, kTail.data(), kTail.size());
  message_bytes_ = end + kTail.size();
}

bool Logs::write_entry(Writer& out, const Outgoing& entry, Instant now) const {
  Reader head{as_bytes(entry.topic)};
  const auto level = static_cast<LogEntry::Level>(head.u8());
  const auto code = static_cast<std::int32_t>(head.u32());
  const std::size_t module = head.u8();
  const std::string_view words = entry.topic.substr(kHead);
  json::Writer json{out};
  json.begin_object();
  if (topics_.device()->time().is_set()) {
    const std::int64_t ago = now.since_start.count() - entry.at.ms;
    json.key("utcTime").raw("\"");
    write_time(out, {clock_.wall().ms - ago});
    out.ch('"');
  }
  std::array<std::uint8_t, 12> buffer;
  Writer number{buffer};
  number.decimal(std::int64_t{code});
  json.key("logLevel").string(word(level)).key("module").string(words.substr(0, module));
  json.key("code").string(number.text());
  if (words.size() > module) json.key("traceContext").string(words.substr(module));
  json.key("logContent").string(entry.payload).end_object();
  return out.ok();
}

void Logs::send(Instant now) {
  if (tries_ == kMostTries) {
    lost_ += message_entries_;
    return forget_message();
  }
  const auto sent = topics_.publish(kPost, Bytes{scratch_}.first(message_bytes_));
  if (sent) ++tries_;
  send_at_ = now + (sent ? kAnswer : kBetween);
  if (!sent && (sent.error() == Error::too_large || sent.error() == Error::bad_argument)) {
    lost_ += message_entries_;
    forget_message();
  }
}

LogCounters Logs::counters() const {
  const OutboxCounters& ring = ring_.counters();
  return {taken_, sent_, lost_ + ring.dropped, ring.waiting + message_entries_};
}

}  // namespace tercet::device
