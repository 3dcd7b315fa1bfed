#pragma once
#include "tercet/device/fetch.h"
#include "tercet/ota/source.h"

namespace tercet::ota {

/// An image from its address, over a connection of its own beside the session: that is one more TLS session.
class HttpsSource final : public Source, private device::FetchSink {
 public:
  /// transport: not the session's. buffer: 2 KB or more, for address, request and what comes (Fetch says how much).
  /// Both outlive the source. Thread: the updater's.
  HttpsSource(device::Transport& transport, MutableBytes buffer, const device::FetchOptions& options = kOptions)
      : fetch_(transport, buffer, *this), buffer_(buffer), options_(options) {}

  bool take(const Offer& offer) override;
  void start(std::uint32_t from, ImageSink& sink, Instant now) override;
  void run(Instant now) override { fetch_.run(now); }
  Instant next_deadline() const override { return fetch_.next_deadline(); }
  void cancel() override { fetch_.cancel(); }
  State state() const override;
  Trouble trouble() const override;
  std::uint32_t most_bytes() const override { return static_cast<std::uint32_t>(buffer_.size()); }

  const device::Fetch& fetch() const { return fetch_; }  ///< for a log: failure(), detail()

 private:
  /// However long it takes, as long as something comes.
  static constexpr device::FetchOptions kOptions{.whole = Millis{0}};
  Result<void> on_body(std::uint64_t at, Bytes bytes) override;

  device::Fetch fetch_;
  MutableBytes buffer_;
  device::FetchOptions options_;
  ImageSink* sink_ = nullptr;
  std::size_t url_bytes_ = 0;
  std::uint32_t size_ = 0;
};

}  // namespace tercet::ota
