#include "tercet/device/upload.h"

#include <algorithm>

#include "tercet/device/spool.h"

namespace tercet::device {
namespace {

using alink::Code;

constexpr std::string_view kInit = "thing/file/upload/mqtt/init", kSend = "thing/file/upload/mqtt/send";
constexpr std::string_view kCancel = "thing/file/upload/mqtt/cancel", kReply = "_reply";
constexpr Millis kBusy{1'000};

constexpr bool is(std::int32_t code, Code what) { return code == alink::number(what); }

void write_hex(Writer& out, std::uint64_t value, int digits) {
  for (int shift = digits * 4 - 4; shift >= 0; shift -= 4)
    out.ch("0123456789ABCDEF"[static_cast<std::size_t>(value >> static_cast<unsigned>(shift) & 15u)]);
}

}  // namespace

Result<void> Upload::start(Device& device, const DeviceId& id) {
  if (scratch_.size() < kOverhead + alink::kMinUploadBlock) return fail(Error::no_space);
  if (const auto made = topics_.start(device, id); !made) return made;
  return topics_.subscribe("thing/file/upload/mqtt/+", filter_);
}

Result<void> Upload::send(const UploadFile& file) {
  if (topics_.device() == nullptr || is_under_way()) return fail(Error::bad_state);
  if (!alink::is_upload_name(file.name) || file.bytes == 0 || file.bytes > alink::kMaxUploadBytes ||
      file.source == nullptr)
    return fail(Error::bad_argument);
  if (const auto kept = name_.assign(file.name); !kept) return kept;
  file_ = file;
  std::array<std::uint8_t, 12> digits;
  Writer uid{digits};
  write_hex(uid, random_.next(), 8), write_hex(uid, random_.next() & 0xFFFF, 4);
  if (const auto kept = uid_.assign(uid.text()); !kept) return kept;
  sum_ = {};
  summed_ = offset_ = 0;
  tries_ = rounds_ = 0;
  code_ = 0;
  was_last_ = false;
  due_ = clock_.now();
  state_ = file.is_checked ? State::checking : State::asking;
  was_online_ = topics_.is_online();
  return {};
}

void Upload::cancel() {
  if (!is_under_way()) return;
  if (state_ == State::sending && topics_.is_online()) {
    Writer out{scratch_};
    const IdText id{topics_.take_id()};
    alink::write_upload_cancel(out, id.str(), upload_.str());
    publish(kCancel, out.written());
  }
  state_ = State::idle;
  asked_ = 0;
}

void Upload::run() {
  if (!is_under_way()) return;
  if (state_ == State::checking) check();
  const bool online = topics_.is_online();
  if (online && !was_online_ && state_ == State::sending) rounds_ = 0, ask_anew();
  if (online && !was_online_) due_ = clock_.now();
  was_online_ = online;
  if (!online || clock_.now() < due_) return;
  if (state_ == State::asking) ask();
  if (state_ == State::sending) send_block();
}

Instant Upload::next_deadline() const {
  if (!is_under_way()) return Instant::never();
  if (state_ == State::checking) return clock_.now();
  return was_online_ ? due_ : Instant::never();
}

/// A part of the file at a time, so that the device is served meanwhile.
void Upload::check() {
  const std::size_t part = static_cast<std::size_t>(std::min<std::uint64_t>(scratch_.size(), file_.bytes - summed_));
  const MutableBytes into = scratch_.first(part);
  if (!file_.source->read(summed_, into)) return give_up(0);
  sum_.add(into);
  summed_ += part;
  if (summed_ == file_.bytes) state_ = State::asking;
}

void Upload::publish(std::string_view tail, Bytes payload) {
  const auto sent = topics_.publish(tail, payload, mqtt::Qos::at_most_once);
  due_ = clock_.now() + (sent ? kAnswer : kBusy);
  if (!sent && (sent.error() == Error::too_large || sent.error() == Error::bad_argument)) give_up(0);
}

/// The same uid finds the same upload, and where it ends.
void Upload::ask() {
  if (tries_++ == kMostTries) return give_up(0);
  asked_ = topics_.take_id();
  const IdText id{asked_};
  std::array<std::uint8_t, 16> digits;
  Writer sum{digits};
  write_hex(sum, sum_.value(), 16);
  alink::UploadInit init;
  init.id = id.str(), init.file_name = name_.str(), init.init_uid = uid_.str();
  init.file_bytes = static_cast<std::int64_t>(file_.bytes);
  init.conflict = name(file_.conflict);
  if (file_.is_checked) init.check_mode = "crc64", init.check_value = sum.text();
  Writer out{scratch_};
  alink::write_upload_init(out, init);
  publish(kInit, out.written());
}

void Upload::send_block() {
  if (tries_++ == kMostTries) return give_up(0);
  const std::uint64_t room = std::min<std::uint64_t>(scratch_.size() - kOverhead, alink::kMaxUploadBlock);
  const auto size = static_cast<std::size_t>(std::min(room, file_.bytes - offset_));
  asked_ = topics_.take_id();
  const IdText id{asked_};
  Writer head{scratch_};
  alink::write_upload_block_head(head, id.str(), upload_.str(), offset_, size, false);
  const std::size_t begins = head.size();
  if (!head.ok() || begins + size + 2 > scratch_.size()) return give_up(0);
  const MutableBytes block = scratch_.subspan(begins, size);
  if (!file_.source->read(offset_, block)) return give_up(0);
  Writer tail{scratch_.subspan(begins + size, 2)};
  alink::write_upload_block_tail(tail, block);
  was_last_ = offset_ + size == file_.bytes;
  publish(kSend, Bytes{scratch_}.first(begins + size + 2));
}

bool Upload::on_message(std::string_view topic, Bytes payload) {
  std::string_view tail = topics_.tail_of(topic);
  if (!tail.ends_with(kReply)) return false;
  tail.remove_suffix(kReply.size());
  if (tail != kInit && tail != kSend && tail != kCancel) return false;
  const auto answer = alink::parse_upload_answer(as_text(payload));
  if (!answer || asked_ == 0 || parse_id(answer->id) != asked_) return true;
  if (tail == kInit && state_ == State::asking) on_asked(*answer);
  if (tail == kSend && state_ == State::sending) on_block(*answer);
  return true;
}

bool Upload::is_busy(std::int32_t code) const {
  return is(code, Code::too_many_requests) || is(code, Code::upload_throttled) || is(code, Code::system_exception);
}

void Upload::on_asked(const alink::UploadAnswer& answer) {
  if (is_busy(answer.code)) return;  // and it is asked again when nothing would have come
  asked_ = 0;
  const std::uint64_t offset = answer.offset.value_or(0);
  if (is(answer.code, Code::file_exists) && was_last_) {  // the answer to the last block was lost
    offset_ = file_.bytes;
    state_ = State::done;
    return;
  }
  if (!is(answer.code, Code::success)) return give_up(answer.code);
  if (answer.upload_id.empty() || offset >= file_.bytes || !upload_.assign(answer.upload_id)) return give_up(0);
  offset_ = offset;
  tries_ = 0;
  state_ = State::sending;
  due_ = clock_.now();
}

void Upload::on_block(const alink::UploadAnswer& answer) {
  if (is_busy(answer.code)) return;
  asked_ = 0;
  if (is(answer.code, Code::upload_finished) || (is(answer.code, Code::success) && answer.complete)) {
    offset_ = file_.bytes;
    state_ = State::done;
    return;
  }
  due_ = clock_.now();
  if (is(answer.code, Code::block_damaged)) return;  // the same again
  if (is(answer.code, Code::block_out_of_order) || is(answer.code, Code::block_repeated) ||
      is(answer.code, Code::upload_not_found))
    return ask_anew();
  if (!is(answer.code, Code::success)) return give_up(answer.code);
  const std::uint64_t end = offset_ + answer.block_bytes.value_or(0);
  if (answer.offset.value_or(offset_) != offset_ || end <= offset_ || end >= file_.bytes) return ask_anew();
  offset_ = end;
  tries_ = rounds_ = 0;
}

/// So often without a block that gets there: or a platform that forgets each upload would be asked for ever.
void Upload::ask_anew() {
  if (rounds_++ == kMostTries) return give_up(0);
  state_ = State::asking;
  asked_ = 0;
  tries_ = 0;
}

void Upload::give_up(std::int32_t code) {
  code_ = code;
  asked_ = 0;
  state_ = State::failed;
}

}  // namespace tercet::device
