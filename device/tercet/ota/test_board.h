#pragma once
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ports/fake/boot_loader.h"
#include "tercet/ota/test_uplink.h"
#include "tercet/ota/updater.h"

namespace tercet::ota {

/// A way to fetch that a test holds in its hand.
struct ScriptedSource final : Source {
  std::vector<std::uint8_t> file;
  std::uint32_t piece = 700;     ///< bytes of one run()
  std::uint32_t drops_at = ~0u;  ///< byte at which the connection is lost, once
  std::optional<Trouble> trouble_at_start;
  bool is_taken = true;
  int taken = 0, started = 0;
  std::uint32_t started_at = 0;

  bool take(const Offer&) override { return ++taken, is_taken; }
  void start(std::uint32_t from, ImageSink& sink, Instant) override {
    at_ = started_at = from, sink_ = &sink, ++started;
    state_ = trouble_at_start ? State::failed : State::busy;
    trouble_ = trouble_at_start.value_or(Trouble::none);
  }
  void run(Instant) override {
    if (state_ != State::busy) return;
    const auto end = static_cast<std::uint32_t>(file.size());
    const std::uint32_t size = std::min(piece, end - std::min(at_, end));
    if (at_ >= drops_at) return drops_at = ~0u, stop(State::failed, Trouble::may_pass);
    if (size > 0 && !sink_->on_image(at_, Bytes{file}.subspan(at_, size)))
      return stop(State::failed, Trouble::hopeless);
    at_ += size;
    if (at_ >= end) stop(State::done, Trouble::none);
  }
  Instant next_deadline() const override { return Instant{}; }
  void cancel() override {
    if (state_ == State::busy) stop(State::failed, Trouble::may_pass);
  }
  State state() const override { return state_; }
  Trouble trouble() const override { return trouble_; }
  std::uint32_t most_bytes() const override { return 1024; }

 private:
  void stop(State state, Trouble trouble) { state_ = state, trouble_ = trouble; }
  ImageSink* sink_ = nullptr;
  std::uint32_t at_ = 0;
  State state_ = State::idle;
  Trouble trouble_ = Trouble::none;
};

inline ParsedOffer offer_of(Bytes image, std::string_view version) {
  ParsedOffer parsed;
  parsed.kind = ParsedOffer::Kind::offer;
  parsed.offer.version = version, parsed.offer.url = "https://x/f";
  parsed.offer.size = static_cast<std::uint32_t>(image.size());
  parsed.offer.digest = crypto::hash(crypto::Algorithm::sha256, image);
  return parsed;
}

}  // namespace tercet::ota
