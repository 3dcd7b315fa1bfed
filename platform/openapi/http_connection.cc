#include "platform/openapi/http_connection.h"

#include <algorithm>
#include <array>
#include <utility>

namespace tercet::openapi {
namespace {

constexpr std::size_t kReadBytes = 16 * 1024;
constexpr std::size_t kSourceBytes = 64 * 1024;
constexpr int kRefillsPerPass = 4;
constexpr int kReadsPerPass = 4;  // then the other connections have their turn
constexpr Millis kWriteAgain{50};
constexpr Seconds kLinger{2};

}  // namespace

HttpConnection::HttpConnection(HttpCore& core, std::uint64_t id, std::unique_ptr<runtime::Stream> stream,
                               std::string network)
    : core_(core),
      id_(id),
      network_(std::move(network)),
      stream_(std::move(stream)),
      timer_([](void* self) { static_cast<HttpConnection*>(self)->on_deadline(); }, this),
      write_again_([](void* self) { static_cast<HttpConnection*>(self)->flush(); }, this),
      parser_(core.limits.request,
              [this](const HttpRequest& head) { return (sink_ = core_.handler.open_sink(head)) != nullptr; }),
      idle_since_(core.loop.now()) {
  watch();
  set_deadline(core_.limits.header);
}

HttpConnection::~HttpConnection() { unwatch(); }

void HttpConnection::watch() {
  if (!std::exchange(watched_, true)) core_.loop.attach(*stream_, *this);
}

/// Readiness is told again and again until it is read, so a connection that does not want to read now must not listen.
void HttpConnection::unwatch() {
  if (std::exchange(watched_, false)) core_.loop.detach(*stream_);
}

void HttpConnection::set_deadline(Seconds in) { timer_.set(core_.loop, core_.loop.now() + in); }

void HttpConnection::close() {
  if (state_ == State::gone) return;
  state_ = State::gone;
  timer_.cancel();
  write_again_.cancel();
  unwatch();
  stream_->shut_down();
  core_.bury(id_);
}

void HttpConnection::fail_now() {
  if (state_ == State::gone) return;
  state_ = State::gone;
  timer_.cancel();
  write_again_.cancel();
  unwatch();
  core_.bury(id_);
}

void HttpConnection::on_readable() {
  read_some();
  if (state_ == State::reading) process();
}

/// Reads until nothing is left, or as far as the state wants any, or this pass allows.
void HttpConnection::read_some() {
  std::array<std::uint8_t, kReadBytes> buffer;
  for (int i = 0; i < kReadsPerPass; ++i) {
    if (state_ == State::gone) return;
    const bool held_up = state_ == State::answering || sending_;
    if (held_up && in_.size() >= core_.limits.pipelined_bytes && state_ != State::streaming) {
      read_paused_ = true;
      unwatch();
      return sending_ ? wait_to_write() : void();
    }
    const runtime::Io io = stream_->read(buffer);
    if (stream_->wants_write()) core_.loop.want_write(*stream_);
    if (io.state == runtime::Io::State::failed) return fail_now();
    const bool wanted = state_ == State::reading || state_ == State::answering;
    if (wanted) in_.append(reinterpret_cast<const char*>(buffer.data()), io.bytes);
    if (io.state == runtime::Io::State::closed) {
      peer_closed_ = true;
      if (!wanted) return fail_now();
      if (state_ == State::reading && in_.empty() && !sending_) return close();
      unwatch();
      return sending_ ? wait_to_write() : void();
    }
    if (state_ == State::reading) process();  // keeps `in_` small while a large body arrives
    if (io.state == runtime::Io::State::drained) return;
  }
  if (state_ == State::gone || !watched_ || !stream_->has_buffered()) return;  // the loop tells again of the rest
  unwatch();
  watch();
  if (sending_ || stream_->wants_write()) core_.loop.want_write(*stream_);
}

/// Handles what has gathered, request after request.
void HttpConnection::process() {
  if (processing_) return;
  processing_ = true;
  while (state_ == State::reading && !sending_ && step()) {
  }
  processing_ = false;
}

/// One request, if it is whole. False: wait.
bool HttpConnection::step() {
  const HttpParser::Step step = parser_.take(as_bytes(in_));
  in_.erase(0, step.used);
  if (step.state == HttpParser::Step::State::refused) {
    refuse(step.status);
    return false;
  }
  if (sink_ && !feed_sink()) return false;
  if (step.state == HttpParser::Step::State::need_more) {
    if (peer_closed_) {
      close();
      return false;
    }
    if (parser_.take_expect_continue()) {
      out_ += "HTTP/1.1 100 Continue\r\n\r\n";
      flush();
      if (state_ != State::reading) return false;
    }
    if (!in_request_ && (!in_.empty() || step.used > 0)) {  // the first byte starts the clock, later ones do not
      in_request_ = true;
      if (requests_ > 0) set_deadline(core_.limits.header);
    }
    if (parser_.has_headers() && !body_deadline_) {
      body_deadline_ = true;
      set_deadline(core_.limits.body);
    }
    return false;
  }
  keep_alive_ = parser_.keep_alive();
  if (sink_) return end_sink();
  HttpRequest request = parser_.take_request();
  request.peer = stream_->peer();
  request.tls = stream_->is_tls();
  if (const TakeStream take = core_.handler.open_stream(request)) {
    hand_over(take);
    return false;
  }
  head_only_ = request.method == HttpRequest::Method::head;
  in_request_ = body_deadline_ = false;
  state_ = State::answering;
  set_deadline(core_.limits.answer);
  ++requests_;
  ++core_.counters.requests;
  core_.handler.on_request(std::move(request), core_.responder(id_, requests_));
  return state_ == State::reading;
}

/// The connection is another protocol's from here on; here it is gone.
void HttpConnection::hand_over(const TakeStream& take) {
  ++core_.counters.requests;
  std::unique_ptr<runtime::Stream> stream;
  fail_now();
  stream.swap(stream_);
  take(std::move(stream), std::exchange(in_, {}));
}

void HttpConnection::refuse(int status) {
  ++core_.counters.client_errors;
  keep_alive_ = false;
  HttpResponse response = plain_response(status, reason_phrase(status));
  put_head(response, true);
  state_ = State::answering;  // after_write() then lingers
  start_sending();
}

/// Hands on what has come of the body. False: it was not wanted, and the answer is on its way.
bool HttpConnection::feed_sink() {
  const std::string piece = parser_.take_body();
  fed_ += piece.size();
  if (piece.empty() || sink_->take(as_bytes(piece))) return true;
  keep_alive_ = false;
  end_sink();
  return false;
}

/// Answers a request whose body went into a sink.
bool HttpConnection::end_sink() {
  const std::unique_ptr<BodySink> sink = std::move(sink_);
  if (keep_alive_) static_cast<void>(parser_.take_request());
  head_only_ = in_request_ = body_deadline_ = false;
  fed_ = 0;
  state_ = State::answering;
  ++requests_;
  ++core_.counters.requests;
  answer(requests_, sink->answer());
  return state_ == State::reading;
}

void HttpConnection::turn_away(const HttpResponse& response) {
  keep_alive_ = false;
  put_head(response, true);
  state_ = State::answering;
  start_sending();
}

void HttpConnection::put_head(const HttpResponse& response, bool with_body) {
  const bool is_text = with_body && response.fixed_body.empty() && !response.source;
  out_.reserve(out_.size() + 512 + (is_text ? response.body.size() : 0));
  out_.append("HTTP/1.1 ").append(std::to_string(response.status)).append(" ");
  out_.append(reason_phrase(response.status)).append("\r\nDate: ");
  out_.append(http_date(core_.loop.wall().ms / 1000)).append("\r\nX-Content-Type-Options: nosniff\r\n");
  if (!response.content_type.empty()) out_.append("Content-Type: ").append(response.content_type).append("\r\n");
  for (const auto& [name, value] : response.headers) {
    if (value.find_first_of("\r\n") != std::string::npos) continue;  // a header cannot end the head early
    out_.append(name).append(": ").append(value).append("\r\n");
  }
  if (response.status != 304 && response.status != 204)
    out_.append("Content-Length: ").append(std::to_string(response.body_bytes())).append("\r\n");
  out_.append(keep_alive_ ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n");
  if (is_text) out_ += response.body;
  if (with_body && !response.source) fixed_ = response.fixed_body;
  if (!with_body || !response.source) return;
  source_ = response.source;
  source_at_ = response.source_from;
  source_left_ = response.source_bytes;
}

void HttpConnection::answer(std::uint64_t request, const HttpResponse& response) {
  if (state_ != State::answering || request != requests_ || sending_) return;
  if (response.status >= 500)
    ++core_.counters.server_errors;
  else if (response.status >= 400)
    ++core_.counters.client_errors;
  if (peer_closed_ && in_.empty()) keep_alive_ = false;
  put_head(response, !head_only_ && response.status != 304 && response.status != 204);
  start_sending();
}

bool HttpConnection::start_stream(std::uint64_t request, const HttpHeaders& headers) {
  if (state_ != State::answering || request != requests_ || sending_) return false;
  out_ += "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream;charset=utf-8\r\nCache-Control: no-store\r\n";
  for (const auto& [name, value] : headers) out_.append(name).append(": ").append(value).append("\r\n");
  out_ += "Connection: close\r\n\r\n: ready\n\n";
  in_.clear();
  keep_alive_ = false;
  state_ = State::streaming;
  set_deadline(core_.limits.beat);
  read_paused_ = false;
  watch();
  flush();
  return state_ == State::streaming;
}

bool HttpConnection::send_event(std::string_view event, std::string_view data) {
  if (state_ != State::streaming) return false;
  if (waiting_bytes() + data.size() > core_.limits.event_bytes) {
    fail_now();
    return false;
  }
  if (waiting_bytes() == 0) set_deadline(core_.limits.beat);
  out_.append("event: ").append(event).append("\ndata: ").append(data).append("\n\n");
  flush();
  return state_ == State::streaming;
}

/// The client has one deadline for the whole answer, not one for each piece it takes: see on_deadline().
void HttpConnection::start_sending() {
  taken_ = 0;
  set_deadline(core_.limits.write);
  flush();
}

/// Writes what the network takes; the rest waits for on_writable.
void HttpConnection::flush() {
  if (state_ == State::gone) return;
  sending_ = true;
  if (write_out()) return after_write();
  if (state_ != State::gone) wait_to_write();
}

/// The next piece of a body that is read while it is sent. False: it cannot be read.
bool HttpConnection::refill() {
  out_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(source_left_, kSourceBytes)));
  const std::size_t got = source_->read(source_at_, {reinterpret_cast<std::uint8_t*>(out_.data()), out_.size()});
  out_.resize(got);
  written_ = 0;
  source_at_ += got;
  source_left_ -= got;
  return got != 0;
}

/// True when everything has been taken; false: there is more, or the connection has failed.
bool HttpConnection::write_out() {
  int refills = 0;
  for (;;) {
    if (written_ == out_.size() && fixed_.empty() && source_left_ != 0) {
      if (++refills > kRefillsPerPass) return false;  // the other connections have their turn
      if (!refill()) {
        fail_now();
        return false;
      }
    }
    const bool head = written_ < out_.size();
    const Bytes next = head ? as_bytes(std::string_view(out_).substr(written_)) : fixed_;
    if (next.empty() && !stream_->wants_write()) return true;
    const runtime::Io io = stream_->write(next);  // of nothing: TLS goes on with the record that was held up
    if (io.state == runtime::Io::State::failed || io.state == runtime::Io::State::closed) {
      fail_now();
      return false;
    }
    taken_ += io.bytes;
    if (head)
      written_ += io.bytes;
    else
      fixed_ = fixed_.subspan(io.bytes);
    if (io.state == runtime::Io::State::drained && (waiting_bytes() != 0 || stream_->wants_write())) return false;
    if (next.empty()) return !stream_->wants_write();
  }
}

/// A loop tells of reading and writing together, and of reading in every pass while the other side has closed or sends
/// more than we want now. Such a connection is not watched, so it tries again by the clock.
void HttpConnection::wait_to_write() {
  if (watched_) return core_.loop.want_write(*stream_);
  write_again_.set(core_.loop, core_.loop.now() + kWriteAgain);
}

void HttpConnection::on_writable() {
  if (stream_->wants_write()) on_readable();  // a TLS flight that was held up
  if (state_ == State::gone || state_ == State::lingering) return;
  if (sending_) flush();
}

void HttpConnection::after_write() {
  sending_ = false;
  write_again_.cancel();
  out_.clear();
  fixed_ = {};
  source_.reset();
  written_ = 0;
  if (out_.capacity() > kReadBytes) out_.shrink_to_fit();
  if (state_ == State::answering) {
    if (!keep_alive_) return linger();
    state_ = State::reading;
    idle_since_ = core_.loop.now();
    set_deadline(in_.empty() ? core_.limits.idle : core_.limits.header);
  }
  if (state_ != State::reading) return;
  if (processing_) return;  // process() goes on by itself
  if (read_paused_) {
    read_paused_ = false;
    if (!peer_closed_) watch();  // what waits is announced again
  }
  if (state_ == State::reading && (!in_.empty() || peer_closed_)) process();
}

void HttpConnection::linger() {
  if (peer_closed_) return close();
  state_ = State::lingering;
  in_.clear();
  read_paused_ = false;
  watch();
  stream_->shut_down();
  set_deadline(kLinger);
}

void HttpConnection::on_deadline() {
  switch (state_) {
    case State::reading:
      if (!in_request_ && !sink_) return close();
      if (sink_ && fed_ >= core_.limits.write_bytes) {  // large and slow, but it goes on
        fed_ = 0;
        return set_deadline(core_.limits.body);
      }
      ++core_.counters.timeouts;
      return refuse(408);
    case State::answering:
      if (sending_ && taken_ >= core_.limits.write_bytes) {  // large and slow, but it goes on
        taken_ = 0;
        return set_deadline(core_.limits.write);
      }
      ++core_.counters.timeouts;
      if (sending_) return fail_now();  // the client does not take its answer
      return answer(requests_, plain_response(503, "The platform did not answer in time. Try again."));
    case State::streaming:
      if (sending_) return fail_now();  // not even the last beat was taken
      out_ += ": beat\n\n";
      set_deadline(core_.limits.beat);
      return flush();
    case State::lingering:
      return fail_now();
    case State::gone:
      return;
  }
}

}  // namespace tercet::openapi
