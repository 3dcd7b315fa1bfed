#include "tercet/device/fetch.h"

#include <algorithm>
#include <cstring>

#include "tercet/base/writer.h"

namespace tercet::device {
namespace {

constexpr Millis kSinkAgain{20};

FetchFault fault_of(Stage stage, Error error) {
  if (error == Error::no_space) return FetchFault::no_memory;
  switch (stage) {
    case Stage::closed:
    case Stage::resolving:
      return FetchFault::dns;
    case Stage::connecting:
      return FetchFault::unreachable;
    case Stage::securing:
    case Stage::ready:
      return FetchFault::tls;
  }
  return FetchFault::tls;
}

FetchFault fault_of_status(std::uint16_t status) {
  if (status >= 500 || status == 408 || status == 429) return FetchFault::busy;
  if (status >= 300 && status < 400) return FetchFault::redirect;
  if (status == 401 || status == 403) return FetchFault::denied;
  if (status == 404 || status == 410) return FetchFault::not_found;
  if (status == 416) return FetchFault::range;
  return FetchFault::refused;
}

Error error_of(FetchFault fault) {
  switch (fault) {
    case FetchFault::denied:
      return Error::denied;
    case FetchFault::not_found:
      return Error::not_found;
    case FetchFault::busy:
      return Error::refused_unavailable;
    default:
      return Error::unsupported;
  }
}

}  // namespace

Result<void> Fetch::start(const FetchRequest& request, Instant now, const FetchOptions& options) {
  transport_.close();
  options_ = options;
  parser_ = {};
  failure_ = {}, detail_.clear();
  pending_ = {}, total_.reset();
  most_ = request.most_bytes, size_ = request.size;
  position_ = at_ = request.from;
  again_ = Instant::never();
  whole_until_ = options.whole.count() == 0 ? Instant::never() : now + options.whole;
  state_ = State::opening;
  const auto refuse = [&](FetchFault fault, Error error) {
    end(fault, error);
    return fail(error);
  };
  if (request.url.size() > buffer_.size()) return refuse(FetchFault::bad_url, Error::too_large);
  if (size_ && *size_ > most_) return refuse(FetchFault::too_large, Error::too_large);
  if (position_ > (size_ ? *size_ : most_)) return refuse(FetchFault::range, Error::too_large);
  url_bytes_ = request.url.size();
  std::memmove(buffer_.data(), request.url.data(), url_bytes_);
  const auto url = parse_url(as_text(buffer_.first(url_bytes_)));
  if (!url) return refuse(FetchFault::bad_url, url.error());
  url_ = *url;
  if (const auto written = write_request(); !written) return refuse(FetchFault::bad_url, written.error());
  if (const auto opened = transport_.open({url_.host, url_.port, url_.tls}); !opened)
    return refuse(fault_of(Stage::closed, opened.error()), opened.error());
  stage_ = transport_.stage();
  idle_until_ = now + options_.stage;
  return {};
}

Result<void> Fetch::write_request() {
  Writer out{room()};
  out.text("GET ");
  if (!url_.path.starts_with('/')) out.ch('/');
  out.text(url_.path), out.text(" HTTP/1.1\r\nHost: ");
  if (url_.is_ipv6) out.ch('[');
  out.text(url_.host);
  if (url_.is_ipv6) out.ch(']');
  if (url_.port != (url_.tls ? 443 : 80)) out.ch(':'), out.decimal(std::uint64_t{url_.port});
  out.text("\r\nUser-Agent: tercet\r\nAccept-Encoding: identity\r\nConnection: close\r\n");
  if (position_ > 0) out.text("Range: bytes="), out.decimal(position_), out.text("-\r\n");
  out.text("\r\n");
  if (!out.ok()) return fail(Error::too_large);
  pending_ = out.written();
  return {};
}

void Fetch::run(Instant now) {
  if (!is_busy()) return;
  if (now >= idle_until_ || now >= whole_until_) {
    // Before the connection stands the silent stage says more than the silence.
    const bool opening = state_ == State::opening && stage_ != Stage::securing && stage_ != Stage::ready;
    return end(opening ? fault_of(stage_, Error::timed_out) : FetchFault::stalled, Error::timed_out);
  }
  again_ = Instant::never();
  if (state_ == State::opening) return open(now);
  if (state_ == State::asking) return ask(now);
  read(now);
}

void Fetch::open(Instant now) {
  const auto stage = transport_.advance();
  if (!stage) return end(fault_of(transport_.stage(), stage.error()), stage.error());
  if (*stage != stage_) idle_until_ = now + options_.stage;
  stage_ = *stage;
  if (stage_ != Stage::ready) return;
  state_ = State::asking;
  heard(now);
  ask(now);
}

void Fetch::ask(Instant now) {
  while (!pending_.empty()) {
    const auto sent = transport_.write(pending_);
    if (!sent && sent.error() == Error::would_block) return;
    if (!sent) return end(FetchFault::cut_off, sent.error());
    pending_ = pending_.subspan(*sent);
    heard(now);
  }
  state_ = State::head;
}

void Fetch::read(Instant now) {
  if (!pending_.empty()) return deliver(now);
  const auto got = transport_.read(room());
  if (!got && got.error() == Error::would_block) return;
  if (!got) return end(FetchFault::cut_off, got.error());
  heard(now);
  again_ = now;  // TLS may have more in memory, which no socket tells
  pending_ = room().first(*got);
  if (state_ == State::head) return read_head(now);
  deliver(now);
}

void Fetch::read_head(Instant now) {
  const auto used = parser_.take(pending_);
  if (!used) return end(FetchFault::bad_answer, used.error());
  pending_ = pending_.subspan(*used);
  if (!parser_.is_done()) return;
  begin_body();
  if (state_ == State::body) deliver(now);
}

/// Judges the head as a whole: nothing reaches the sink of an answer that cannot be right.
void Fetch::begin_body() {
  const HttpHead& head = parser_.head();
  failure_.status = head.status;
  if (head.status != 200 && head.status != 206) {
    const FetchFault fault = fault_of_status(head.status);
    return end(fault, error_of(fault));
  }
  if (head.is_chunked || head.is_encoded || !head.length) return end(FetchFault::unsupported, Error::unsupported);
  at_ = 0, end_ = *head.length;
  total_ = head.length;
  if (head.status == 206) {
    // [RFC9110-15.3.7] a part that nobody asked for, or another part, would be put in the wrong place.
    const auto& range = head.range;
    if (!range || position_ == 0 || range->first != position_ || range->last - range->first + 1 != *head.length)
      return end(FetchFault::bad_answer, Error::malformed);
    at_ = range->first, end_ = range->last + 1;
    total_ = range->total ? range->total : end_;
  }
  if (!judge_length()) return;
  state_ = State::body;
}

bool Fetch::judge_length() {
  if (*total_ > most_) {
    end(FetchFault::too_large, Error::too_large);
  } else if ((size_ && *total_ != *size_) || *total_ < position_) {
    end(FetchFault::wrong_size, Error::malformed);
  } else {
    return true;
  }
  return false;
}

void Fetch::deliver(Instant now) {
  // More than was announced is not of this file.
  pending_ = pending_.first(static_cast<std::size_t>(std::min<std::uint64_t>(pending_.size(), end_ - at_)));
  // A server that does not know ranges sends the file from its beginning.
  if (at_ < position_) {
    const auto known = static_cast<std::size_t>(std::min<std::uint64_t>(pending_.size(), position_ - at_));
    pending_ = pending_.subspan(known), at_ += known;
  }
  if (!pending_.empty()) {
    const auto taken = sink_.on_body(at_, pending_);
    if (state_ != State::body) return;  // cancelled from within
    if (!taken && taken.error() == Error::would_block) {
      again_ = now + kSinkAgain;
      return heard(now);  // it is not the network that is slow
    }
    if (!taken) return end(FetchFault::sink, taken.error());
    at_ += pending_.size(), position_ = at_;
    pending_ = {};
  }
  if (at_ < end_) return;
  if (end_ < *total_) return end(FetchFault::cut_off, Error::closed);
  end(FetchFault::none, Error::internal);
}

void Fetch::end(FetchFault fault, Error error) {
  failure_.fault = fault, failure_.error = error;
  // Closed: it was never opened for this file, and would tell of an earlier one.
  if (fault != FetchFault::none && transport_.stage() != Stage::closed) {
    const std::string_view words = transport_.detail();
    static_cast<void>(detail_.assign(words.substr(0, detail_.capacity())));
  }
  state_ = fault == FetchFault::none ? State::done : State::failed;
  pending_ = {};
  again_ = Instant::never();
  transport_.close();
}

void Fetch::cancel() {
  if (is_busy()) end(FetchFault::cancelled, Error::closed);
}

Instant Fetch::next_deadline() const {
  if (!is_busy()) return Instant::never();
  return std::min({idle_until_, whole_until_, again_});
}

}  // namespace tercet::device
