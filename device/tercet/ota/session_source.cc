#include "tercet/ota/session_source.h"

#include <algorithm>
#include <array>

namespace tercet::ota {
namespace {

constexpr Millis kAskAgain{100}, kAfterFailure{1'000};

bool is_number(std::string_view digits, std::uint32_t number) {
  std::array<std::uint8_t, 10> buffer;
  Writer out{buffer};
  out.decimal(std::uint64_t{number});
  return digits == out.text();
}

}  // namespace

bool SessionSource::take(const Offer& offer) {
  if (!(offer.over_session || offer.stream_id != 0) || offer.size > kMaxStreamBytes || state_ == State::busy)
    return false;
  stream_id_ = offer.stream_id, file_id_ = offer.file_id, size_ = offer.size;
  return true;
}

void SessionSource::start(std::uint32_t from, ImageSink& sink, Instant now) {
  sink_ = &sink;
  at_ = from, asked_ = 0, attempts_ = 0;
  state_ = State::busy, trouble_ = Trouble::none;
  due_ = now;
  if (at_ >= size_) end(at_ == size_ ? Trouble::none : Trouble::wrong_size);
}

std::uint32_t SessionSource::wanted() const { return std::min(options_.block_bytes, size_ - at_); }

void SessionSource::run(Instant now) {
  if (state_ != State::busy || now < due_) return;
  if (asked_ != 0) return repeat(now, Trouble::may_pass);  // silence
  ask(now);
}

void SessionSource::ask(Instant now) {
  std::array<std::uint8_t, kMaxBlockRequestBytes> buffer;
  Writer out{buffer};
  asked_ = uplink_.next_id();
  write_block_request(out, {asked_, stream_id_, file_id_, at_, wanted()});
  const auto sent = uplink_.send(Channel::block, out.written());
  due_ = now + options_.answer;
  if (sent) return;
  asked_ = 0;
  due_ = now + kAskAgain;
  const bool is_full = sent.error() == Error::would_block || sent.error() == Error::no_space;
  if (!is_full) end(Trouble::may_pass);
}

void SessionSource::on_online(Instant now) {
  if (state_ == State::busy && asked_ != 0) asked_ = 0, due_ = now;
}

void SessionSource::on_block(Bytes frame, Instant now) {
  if (state_ != State::busy || asked_ == 0) return;
  const auto reply = parse_block_reply(frame);
  // One that cannot be read has no id that could be believed; another's answer does not look like this.
  if (!reply) return repeat(now, Trouble::may_pass);
  if (!is_number(reply->id, asked_)) return;
  if (reply->code != 200) return repeat(now, reply->code == 404 ? Trouble::expired : Trouble::may_pass);
  if (reply->file_length != 0 && reply->file_length != size_) return end(Trouble::wrong_size);
  if (reply->offset != at_ || reply->block.empty() || reply->block.size() > wanted())
    return repeat(now, Trouble::hopeless);
  asked_ = 0, attempts_ = 0;
  if (!sink_->on_image(at_, reply->block)) return end(Trouble::hopeless);
  at_ += static_cast<std::uint32_t>(reply->block.size());
  due_ = now;
  if (at_ == size_) end(Trouble::none);
}

void SessionSource::repeat(Instant now, Trouble trouble) {
  asked_ = 0;
  if (++attempts_ >= options_.attempts) return end(trouble);
  due_ = now + (trouble == Trouble::may_pass ? Millis{0} : kAfterFailure);
}

void SessionSource::end(Trouble trouble) {
  trouble_ = trouble;
  state_ = trouble == Trouble::none ? State::done : State::failed;
  asked_ = 0, due_ = Instant::never();
}

void SessionSource::cancel() {
  if (state_ == State::busy) end(Trouble::may_pass);
}

Instant SessionSource::next_deadline() const { return state_ == State::busy ? due_ : Instant::never(); }

}  // namespace tercet::ota
