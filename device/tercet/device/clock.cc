#include "tercet/device/clock.h"

#include <array>

#include "tercet/base/reader.h"
#include "tercet/base/writer.h"

namespace tercet::device {
namespace {

constexpr std::string_view kSavedTimeKey = "time";
constexpr Millis kSaveEvery = std::chrono::hours{1};
/// Smaller corrections are not worth a jump in the timestamps.
constexpr std::int64_t kStepWorthTakingMs = 200;

}  // namespace

std::string_view name(TimeOrigin origin) {
  constexpr std::string_view kNames[] = {"unset", "floor", "saved", "system", "sntp", "platform"};
  return kNames[static_cast<std::size_t>(origin)];
}

void TimeKeeper::start(const TimeOptions& options) {
  end_query();
  options_ = options;
  servers_asked_ = false;
  origin_ = is_fit_for_tls() ? TimeOrigin::system : TimeOrigin::unset;
  load_saved();
}

void TimeKeeper::load_saved() {
  if (store_ == nullptr) return;
  std::array<std::uint8_t, 8> bytes{};
  const auto got = store_->get(kSavedTimeKey, bytes);
  if (!got || *got != bytes.size()) return;
  Reader in{bytes};
  const UnixMillis saved{static_cast<std::int64_t>(in.u64())};
  if (saved >= options_.floor && saved > clock_.wall()) adopt(saved, TimeOrigin::saved);
}

void TimeKeeper::save(Instant now) {
  if (store_ == nullptr || origin_ < TimeOrigin::system) return;
  if (saved_at_ && now < *saved_at_ + kSaveEvery) return;
  saved_at_ = now;
  std::array<std::uint8_t, 8> bytes{};
  Writer out{bytes};
  out.u64(static_cast<std::uint64_t>(clock_.wall().ms));
  // A full or worn-out flash costs accuracy after the next restart, nothing else.
  static_cast<void>(store_->set(kSavedTimeKey, out.written()));
}

void TimeKeeper::adopt(UnixMillis now, TimeOrigin origin) {
  const UnixMillis before = clock_.wall();
  const std::int64_t step = now.ms - before.ms;
  origin_ = origin;
  if (step < kStepWorthTakingMs && step > -kStepWorthTakingMs) return;
  clock_.set_wall(now);
  saved_at_.reset();
  step_ = TimeStep{origin, before, now};
}

std::optional<TimeStep> TimeKeeper::take_step() {
  const auto taken = step_;
  step_.reset();
  return taken;
}

void TimeKeeper::platform_said(UnixMillis now) {
  if (now >= options_.floor) adopt(now, TimeOrigin::platform);
}

void TimeKeeper::doubt() {
  if (origin_ < TimeOrigin::sntp) origin_ = is_fit_for_tls() ? TimeOrigin::saved : TimeOrigin::unset;
  servers_asked_ = false;
}

Result<void> TimeKeeper::settle(Instant now) {
  if (origin_ >= TimeOrigin::system && is_fit_for_tls()) return {};
  if (!servers_asked_ && datagram_ != nullptr && !options_.servers.empty()) {
    if (!querying_) {
      querying_ = true;
      server_ = 0;
      query_until_ = now + options_.answer_within;
      sent_ = false;
      names_failed_ = true;
    }
    if (ask(now)) return fail(Error::would_block);
    end_query();
    servers_asked_ = true;
  }
  if (is_fit_for_tls()) {
    if (origin_ == TimeOrigin::unset) origin_ = TimeOrigin::system;
    return {};
  }
  servers_asked_ = false;
  if (!options_.start_from_floor) {
    const bool asked = datagram_ != nullptr && !options_.servers.empty();
    return fail(asked && names_failed_ ? Error::dns_failed : Error::clock_unset);
  }
  adopt(options_.floor, TimeOrigin::floor);
  return {};
}

/// Whether an answer may still come.
bool TimeKeeper::ask(Instant now) {
  while (server_ < options_.servers.size()) {
    if (now >= query_until_) {
      names_failed_ = false;  // silence is not a wrong name
      next_server(now);
      continue;
    }
    if (!sent_) {
      cookie_ = static_cast<std::uint64_t>(random_.next()) << 32 | random_.next();
      const auto sent = datagram_->send(options_.servers[server_], kSntpPort, make_sntp_request(cookie_));
      if (!sent && sent.error() == Error::would_block) return true;
      if (!sent) {
        if (sent.error() != Error::dns_failed) names_failed_ = false;
        next_server(now);
        continue;
      }
      sent_ = true;
      names_failed_ = false;
      sent_at_ = now;
    }
    std::array<std::uint8_t, 128> packet;
    const auto got = datagram_->receive(packet);
    if (!got && got.error() == Error::would_block) return true;
    const auto reply =
        got ? parse_sntp_reply(Bytes{packet}.first(*got), cookie_) : Result<SntpReply>(fail(got.error()));
    if (!reply && reply.error() == Error::denied) return true;  // a stray or forged packet: one per pass
    const bool believed = reply && sntp_now(*reply, now - sent_at_) >= options_.floor;
    if (!believed) {
      next_server(now);
      continue;
    }
    adopt(sntp_now(*reply, now - sent_at_), TimeOrigin::sntp);
    return false;
  }
  return false;
}

void TimeKeeper::next_server(Instant now) {
  datagram_->close();
  ++server_;
  sent_ = false;
  query_until_ = now + options_.answer_within;
}

void TimeKeeper::end_query() {
  if (querying_) datagram_->close();
  querying_ = false;
  query_until_ = Instant::never();
}

}  // namespace tercet::device
