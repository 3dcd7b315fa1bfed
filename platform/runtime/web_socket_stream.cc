#include "platform/runtime/web_socket_stream.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace tercet::runtime {
namespace {

using Kind = StreamFailure::Kind;
constexpr std::size_t kMostHead = 8192;     // of the request: browsers send all their cookies
constexpr std::size_t kMostFrame = 16'000;  // with its header, it fits into one TLS record
constexpr std::uint16_t kNormal = 1000, kNoCode = 1005;

}  // namespace

std::unique_ptr<Stream> WebSocketStream::greet(std::unique_ptr<Stream> inner, Bytes first, bool pages_of_others) {
  std::unique_ptr<WebSocketStream> stream(new WebSocketStream(std::move(inner)));
  stream->phase_ = Phase::greeting;
  stream->pages_of_others_ = pages_of_others;
  stream->early_ = std::make_unique<std::string>(as_text(first));
  return stream;
}

std::unique_ptr<Stream> WebSocketStream::open(std::unique_ptr<Stream> inner, const WebSocketAnswer& answer,
                                              std::string_view unread) {
  std::unique_ptr<WebSocketStream> stream(new WebSocketStream(std::move(inner)));
  if (!unread.empty()) stream->early_ = std::make_unique<std::string>(unread);
  stream->aside().header = answer.text();
  static_cast<void>(stream->flush_aside());
  return stream;
}

WebSocketStream::Aside& WebSocketStream::aside() {
  if (aside_ == nullptr) aside_ = std::make_unique<Aside>();
  return *aside_;
}

// --- in ---

Io WebSocketStream::stopped() {
  told_ = true;
  return {phase_ == Phase::closed ? Io::State::closed : Io::State::failed, 0};
}

Io WebSocketStream::read(MutableBytes into) {
  if (phase_ == Phase::greeting) return read_greeting();
  if (phase_ != Phase::open) return stopped();
  Io io;
  if (early_ != nullptr) {
    io = {Io::State::more, std::min(into.size(), early_->size())};
    std::memcpy(into.data(), early_->data(), io.bytes);
    early_->erase(0, io.bytes);
    if (early_->empty()) early_.reset();
  } else {
    io = inner_->read(into);
  }
  io.bytes = decode(into.first(io.bytes));
  static_cast<void>(flush_aside());
  if (phase_ == Phase::open) return io;
  if (io.bytes == 0) return stopped();
  return {Io::State::more, io.bytes};  // the end is told by the next read
}

/// The request, until its empty line. No bytes of the stream come out of it.
Io WebSocketStream::read_greeting() {
  std::array<std::uint8_t, 1024> buffer;
  for (std::size_t searched = 0;;) {
    const auto end = early_->find("\r\n\r\n", searched);
    if (end != std::string::npos) {
      const std::string head = early_->substr(0, end + 4);
      early_->erase(0, end + 4);
      if (early_->empty()) early_.reset();
      answer(head);
      return phase_ == Phase::open ? Io{Io::State::more, 0} : stopped();
    }
    if (early_->size() >= kMostHead) {
      fail_as(Kind::web_socket_refused, "a request of over " + std::to_string(kMostHead) + " bytes");
      return stopped();
    }
    searched = early_->size() < 3 ? 0 : early_->size() - 3;
    const Io io = inner_->read(MutableBytes(buffer).first(std::min(buffer.size(), kMostHead - early_->size())));
    early_->append(reinterpret_cast<const char*>(buffer.data()), io.bytes);
    if (io.bytes == 0) return io;
  }
}

void WebSocketStream::answer(std::string_view head) {
  const auto offer = parse_web_socket_offer(head);
  if (!offer) return fail_as(Kind::web_socket_refused, "the request is no HTTP/1.1");
  const WebSocketAnswer made = answer_web_socket(*offer, pages_of_others_);
  aside().header = made.text();
  phase_ = Phase::open;
  static_cast<void>(flush_aside());
  if (made.accepted) return;
  fail_as(Kind::web_socket_refused, made.why);
  inner_->shut_down();
}

/// Bytes of frames become bytes of messages, in place.
std::size_t WebSocketStream::decode(MutableBytes bytes) {
  std::uint8_t* const out = bytes.data();
  std::size_t written = 0;
  while (!bytes.empty() && phase_ == Phase::open) {
    const auto step = reader_.take(bytes, out + written);
    written += step.written;
    bytes = bytes.subspan(step.used);
    on_event(step.event);
  }
  return written;
}

void WebSocketStream::on_event(WebSocketReader::Event event) {
  switch (event) {
    case WebSocketReader::Event::none:
    case WebSocketReader::Event::pong:
      return;
    case WebSocketReader::Event::ping:
      aside().control.clear();  // of several pings, the newest is answered [RFC 6455 5.5.3]
      return say(WebSocketOpcode::pong, reader_.control());
    case WebSocketReader::Event::close:
      say_close(reader_.close_code());
      phase_ = Phase::closed;
      return;
    case WebSocketReader::Event::broken:
      say_close(reader_.close_code());
      return fail_as(Kind::web_socket_broken, reader_.fault());
  }
}

// --- out ---

void WebSocketStream::say(WebSocketOpcode opcode, std::string_view payload) {
  const WebSocketHeader header = web_socket_header(opcode, payload.size());
  aside().control.append(as_text(header.view())).append(payload);
}

void WebSocketStream::say_close(std::uint16_t code) {
  if (std::exchange(close_said_, true)) return;
  const char payload[2] = {static_cast<char>(code >> 8), static_cast<char>(code)};
  say(WebSocketOpcode::close, std::string_view(payload, code == kNoCode ? 0 : 2));
}

bool WebSocketStream::may_send_control() const {
  return aside_ != nullptr && (!aside_->header.empty() || (frame_left_ == 0 && !aside_->control.empty()));
}

/// Sends what stands in front of the data. `more`: nothing does any longer.
Io::State WebSocketStream::flush_aside() {
  while (may_send_control()) {
    if (aside_->header.empty()) aside_->header.swap(aside_->control);
    const Io io = inner_->write(as_bytes(aside_->header));
    aside_->header.erase(0, io.bytes);
    if (io.state == Io::State::failed) return Io::State::failed;
    if (!aside_->header.empty()) return Io::State::drained;
  }
  const bool is_empty = aside_ != nullptr && aside_->control.empty() && aside_->failure.kind == Kind::none;
  if (is_empty) aside_.reset();
  return Io::State::more;
}

Io WebSocketStream::write(Bytes from) {
  if (phase_ != Phase::open) return {Io::State::failed, 0};
  std::size_t total = 0;
  for (;;) {
    if (const auto state = flush_aside(); state != Io::State::more) return {state, total};
    if (total == from.size()) return from.empty() ? inner_->write(from) : Io{Io::State::more, total};
    const Io io = frame_left_ == 0 ? begin_frame(from.subspan(total)) : go_on(from.subspan(total));
    total += io.bytes;
    if (io.state != Io::State::more) return {io.state, total};
  }
}

/// Header and payload leave in one piece: one record of TLS, one segment.
Io WebSocketStream::begin_frame(Bytes from) {
  const Bytes payload = from.first(std::min(from.size(), kMostFrame));
  const WebSocketHeader header = web_socket_header(WebSocketOpcode::binary, payload.size());
  std::array<std::uint8_t, kMostFrame + sizeof header.bytes> frame;
  std::memcpy(frame.data(), header.bytes.data(), header.size);
  std::memcpy(frame.data() + header.size, payload.data(), payload.size());
  const Io io = inner_->write(Bytes(frame).first(header.size + payload.size()));
  if (io.bytes == 0) return io;
  if (io.bytes < header.size) {
    aside().header.assign(as_text(header.view().subspan(io.bytes)));
    frame_left_ = static_cast<std::uint32_t>(payload.size());
    return {io.state, 0};
  }
  const std::size_t sent = io.bytes - header.size;
  frame_left_ = static_cast<std::uint32_t>(payload.size() - sent);
  return {io.state, sent};
}

Io WebSocketStream::go_on(Bytes from) {
  const Io io = inner_->write(from.first(std::min<std::size_t>(from.size(), frame_left_)));
  frame_left_ -= static_cast<std::uint32_t>(io.bytes);
  return io;
}

void WebSocketStream::shut_down() {
  if (phase_ == Phase::open && frame_left_ == 0) {
    say_close(kNormal);
    static_cast<void>(flush_aside());
  }
  inner_->shut_down();
}

// --- the end ---

bool WebSocketStream::has_buffered() const {
  if (inner_->has_buffered()) return true;
  if (phase_ == Phase::greeting) return early_->find("\r\n\r\n") != std::string::npos;
  return phase_ == Phase::open ? early_ != nullptr || aside_ != nullptr : !told_;
}

StreamFailure WebSocketStream::failure() const {
  if (aside_ != nullptr && aside_->failure.kind != Kind::none) return aside_->failure;
  return inner_->failure();
}

void WebSocketStream::fail_as(Kind kind, std::string detail) {
  phase_ = Phase::failed;
  aside().failure = {kind, std::move(detail), {}};
}

}  // namespace tercet::runtime
