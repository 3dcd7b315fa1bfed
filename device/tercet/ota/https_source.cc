#include "tercet/ota/https_source.h"

#include <cstring>

namespace tercet::ota {

using device::Fetch;
using device::FetchFault;

bool HttpsSource::take(const Offer& offer) {
  const bool fits = offer.url.size() + device::Fetch::kLeastBuffer <= buffer_.size();
  if (offer.url.empty() || !fits || fetch_.is_busy()) return false;
  // Fetch keeps the address at the same place, so that it is still there when it is fetched again.
  std::memmove(buffer_.data(), offer.url.data(), offer.url.size());
  url_bytes_ = offer.url.size(), size_ = offer.size;
  return true;
}

void HttpsSource::start(std::uint32_t from, ImageSink& sink, Instant now) {
  sink_ = &sink;
  const device::FetchRequest request{
      .url = as_text(buffer_.first(url_bytes_)), .from = from, .most_bytes = size_, .size = size_};
  static_cast<void>(fetch_.start(request, now, options_));  // its error is in failure() too
}

Source::State HttpsSource::state() const {
  if (fetch_.is_busy()) return State::busy;
  if (fetch_.state() == Fetch::State::done) return State::done;
  return fetch_.state() == Fetch::State::failed ? State::failed : State::idle;
}

Source::Trouble HttpsSource::trouble() const {
  if (state() != State::failed) return Trouble::none;
  const FetchFault fault = fetch_.failure().fault;
  if (fault == FetchFault::no_memory) return Trouble::no_memory;
  if (device::may_pass(fault) || fault == FetchFault::cancelled) return Trouble::may_pass;
  if (fault == FetchFault::denied || fault == FetchFault::not_found) return Trouble::expired;
  if (fault == FetchFault::wrong_size || fault == FetchFault::too_large || fault == FetchFault::range)
    return Trouble::wrong_size;
  return Trouble::hopeless;
}

Result<void> HttpsSource::on_body(std::uint64_t at, Bytes bytes) {
  return sink_->on_image(static_cast<std::uint32_t>(at), bytes);
}

}  // namespace tercet::ota
