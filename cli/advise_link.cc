#include "cli/advise_link.h"

#include <algorithm>
#include <array>

namespace tercet::cli::advise {
namespace {

constexpr Millis kTick{100};
constexpr Millis kLinger{2'000};  ///< for the device to read what was sent last
constexpr std::size_t kLargestPacket = 300'000;

std::string words_of(const runtime::StreamFailure& failure) {
  using Kind = runtime::StreamFailure::Kind;
  switch (failure.kind) {
    case Kind::none:
      return {};
    case Kind::tls_alert_unknown_ca:
    case Kind::tls_alert_certificate_expired:
    case Kind::tls_alert_other:
      return "TLS alert \"" + failure.detail + "\"";
    case Kind::reset:
      return "connection reset";
    default:
      return failure.detail;
  }
}

}  // namespace

Link::Link(runtime::Loop& loop, std::unique_ptr<runtime::Stream> stream, Scene& scene, std::size_t visit,
           std::function<void()> over)
    : loop_(loop),
      stream_(std::move(stream)),
      scene_(scene),
      visit_(visit),
      over_(std::move(over)),
      tick_([](void* self) { static_cast<Link*>(self)->step(); }, this) {
  loop_.attach(*stream_, *this);
  tick_.set(loop_, now() + kTick);
}

Link::~Link() { close(); }

void Link::close() {
  if (stream_ == nullptr) return;
  loop_.detach(*stream_);
  stream_.reset();
  tick_.cancel();
}

void Link::end(bool by_device, std::string failure) {
  if (is_over_) return;
  is_over_ = true;
  ended_at_ = now();
  visit().ended = now();
  visit().ended_by_device = by_device;
  if (visit().failure.empty()) visit().failure = std::move(failure);
  if (by_device) {
    close();
  } else {
    flush();
    stream_->shut_down();
    tick_.set(loop_, now() + kLinger);
  }
  over_();
}

void Link::on_readable() {
  std::array<std::uint8_t, 16384> buffer;
  while (stream_ != nullptr) {
    const runtime::Io io = stream_->read(buffer);
    if (!take(io, Bytes(buffer).first(io.bytes))) return;
  }
}

/// False when there is nothing more to read now.
bool Link::take(runtime::Io io, Bytes bytes) {
  using State = runtime::Io::State;
  const bool is_end = io.state == State::closed || io.state == State::failed;
  if (is_over_) {  // what comes after the end is not looked at
    if (is_end) close();
    return !is_end && io.state == State::more;
  }
  if (visit().tls.empty()) visit().tls = stream_->tls_description();
  in_.insert(in_.end(), bytes.begin(), bytes.end());
  if (!chosen_ && !in_.empty() && choose_transport()) return true;
  read_packets();
  if (stream_ == nullptr || is_over_) return stream_ != nullptr && !is_end && io.state == State::more;
  if (stream_->wants_write()) loop_.want_write(*stream_);
  if (is_end) end(true, words_of(stream_->failure()));
  return !is_end && io.state == State::more;
}

/// The first byte decides. True when the bytes so far now wait inside a TLS stream.
bool Link::choose_transport() {
  chosen_ = true;
  const bool is_tls = in_[0] == 0x16;
  if (scene_.certificates == nullptr) {
    if (is_tls) end(false, "the device speaks TLS; this run is --plain");
    return false;
  }
  if (!is_tls) {
    visit().plain = true;
    return false;
  }
  const std::vector<std::uint8_t> initial = std::move(in_);
  in_.clear();
  stream_ = scene_.certificates->wrap(act(), std::move(stream_), initial);
  return true;
}

void Link::read_packets() {
  while (!is_over_ && !in_.empty()) {
    const auto frame = mqtt::next_frame(in_, kLargestPacket);
    if (!frame && frame.error() == Error::need_more) return;
    if (!frame) return malformed(nullptr);
    on_packet(*frame);
    in_.erase(in_.begin(), in_.begin() + static_cast<std::ptrdiff_t>(frame->size));
  }
}

void Link::send(Bytes bytes) {
  if (is_over_ || bytes.empty()) return;
  visit().last_sent = now();
  out_.insert(out_.end(), bytes.begin(), bytes.end());
  flush();
}

void Link::flush() {
  if (stream_ == nullptr) return;
  const runtime::Io io = stream_->write(out_);
  out_.erase(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(io.bytes));
  const bool waits = io.state == runtime::Io::State::drained && !out_.empty();
  if (waits || stream_->wants_write()) loop_.want_write(*stream_);
}

}  // namespace tercet::cli::advise
