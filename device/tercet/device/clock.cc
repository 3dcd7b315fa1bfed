#include "tercet/device/clock.h"

#include "tercet/base/reader.h"
#include "tercet/base/writer.h"

namespace tercet::device {
namespace {

constexpr std::string_view kSavedTimeKey = "time";
constexpr Millis kSaveEvery = std::chrono::hours{1};
/// Smaller corrections are not worth a jump in the timestamps, or wear of the flash.
constexpr std::int64_t kStepWorthTakingMs = 200, kStepWorthSavingMs = 60'000;

constexpr bool is_within(std::int64_t difference, std::int64_t limit) {
  return difference < limit && difference > -limit;
}

}  // namespace

std::string_view name(TimeOrigin origin) {
  constexpr std::string_view kNames[] = {"unset", "floor", "saved", "system", "sntp", "platform"};
  return kNames[static_cast<std::size_t>(origin)];
}

bool TimeKeeper::is_plausible(UnixMillis time) const {
  return options_ != nullptr && time >= options_->floor &&
         time.ms - options_->floor.ms <= options_->plausible_for.count();
}

void TimeKeeper::start(const TimeOptions& options) {
  end_query();
  options_ = &options;
  servers_asked_ = false;
  confirm();
  origin_ = is_fit_for_tls() ? TimeOrigin::system : TimeOrigin::unset;
  if (origin_ == TimeOrigin::unset) load_saved();
}

void TimeKeeper::load_saved() {
  if (store_ == nullptr) return;
  std::array<std::uint8_t, 8> bytes{};
  const auto got = store_->get(kSavedTimeKey, bytes);
  if (!got || *got != bytes.size()) return;
  Reader in{bytes};
  const UnixMillis saved{static_cast<std::int64_t>(in.u64())};
  if (is_plausible(saved)) adopt(saved.ms - clock_.now().since_start.count(), TimeOrigin::saved);
}

void TimeKeeper::save(Instant now) {
  if (store_ == nullptr || doubted_ || origin_ < TimeOrigin::system || !is_fit_for_tls()) return;
  if (now < save_at_) return;
  save_at_ = now + kSaveEvery;
  std::array<std::uint8_t, 8> bytes{};
  Writer out{bytes};
  out.u64(static_cast<std::uint64_t>(clock_.wall().ms));
  // A full or worn-out flash costs accuracy after the next restart, nothing else.
  static_cast<void>(store_->set(kSavedTimeKey, out.written()));
}

void TimeKeeper::adopt(Offset offset, TimeOrigin origin) {
  confirm();
  origin_ = origin;
  if (origin >= TimeOrigin::sntp) was_told_ = true;
  const UnixMillis before = clock_.wall(), after{offset + clock_.now().since_start.count()};
  // Of a clock that shows nothing plausible the distance could overflow.
  const std::int64_t step = is_plausible(before) ? after.ms - before.ms : kStepWorthSavingMs;
  if (is_within(step, kStepWorthTakingMs)) return;
  clock_.set_wall(after);
  if (!is_within(step, kStepWorthSavingMs)) save_at_ = {};
  step_ = {origin, before, after};
  has_step_ = true;
}

/// Keeps the time before in mind, should TLS refuse by this one.
void TimeKeeper::adopt_on_trial(Offset offset, TimeOrigin origin) {
  const Offset before = is_set() ? this->offset() : kNone;
  const TimeOrigin before_origin = origin_;
  adopt(offset, origin);
  earlier_ = before;
  earlier_origin_ = before_origin;
}

std::optional<TimeStep> TimeKeeper::take_step() {
  if (!has_step_) return std::nullopt;
  has_step_ = false;
  return step_;
}

void TimeKeeper::platform_said(UnixMillis now) {
  if (!is_plausible(now)) return;
  const Offset said = now.ms - clock_.now().since_start.count();
  can_ask() ? adopt(said, TimeOrigin::platform) : adopt_on_trial(said, TimeOrigin::platform);
}

void TimeKeeper::confirm() {
  doubted_ = false;
  earlier_ = refused_ = kNone;
}

void TimeKeeper::doubt() {
  const Offset refused = offset();
  if (earlier_ != kNone) adopt(earlier_, earlier_origin_);
  refused_ = refused;
  doubted_ = true;
  servers_asked_ = false;
}

Result<void> TimeKeeper::settle(Instant now) {
  if (origin_ == TimeOrigin::unset && is_fit_for_tls()) origin_ = TimeOrigin::system;
  const bool is_good = servers_asked_ || (origin_ >= TimeOrigin::system && !doubted_);
  if (is_good && is_fit_for_tls()) return {};
  if (can_ask()) {
    if (!querying_) begin_query(now);
    if (ask(now)) return fail(Error::would_block);
    end_query();
    if (believe_answers()) return {};
  }
  const bool floor_is_next = options_->start_from_floor && ((doubted_ && !was_told_) || !is_fit_for_tls());
  if (floor_is_next && origin_ != TimeOrigin::floor)
    adopt(options_->floor.ms - clock_.now().since_start.count(), TimeOrigin::floor);
  servers_asked_ = is_fit_for_tls() && origin_ != TimeOrigin::floor;
  if (is_fit_for_tls()) return {};
  return fail(can_ask() && names_failed_ ? Error::dns_failed : Error::clock_unset);
}

void TimeKeeper::begin_query(Instant now) {
  querying_ = names_failed_ = true;
  sent_ = agreed_ = false;
  voices_ = 0;
  server_ = 0;
  query_until_ = now + options_->answer_within;
}

/// Whether an answer may still come.
bool TimeKeeper::ask(Instant now) {
  while (server_ < options_->servers.size() && !agreed_) {
    if (now >= query_until_) {
      names_failed_ = false;  // silence is not a wrong name
      next_server(now);
      continue;
    }
    if (!sent_) {
      cookie_ = static_cast<std::uint64_t>(random_.next()) << 32 | random_.next();
      const auto sent = datagram_->send(options_->servers[server_], kSntpPort, make_sntp_request(cookie_));
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
    // A stray or forged packet does not end the waiting: one per pass.
    if (!reply && (reply.error() == Error::denied || reply.error() == Error::malformed)) return true;
    if (reply) hear(sntp_now(*reply, now - sent_at_), now);
    next_server(now);
  }
  return false;
}

/// Compares an answer with the earlier ones of this round.
void TimeKeeper::hear(UnixMillis time, Instant now) {
  if (!is_plausible(time)) return;
  const Offset said = time.ms - now.since_start.count();
  for (std::size_t i = 0; i < voices_ && !agreed_; ++i) agreed_ = is_within(heard_[i] - said, kAgreeMs + 1);
  if (agreed_)
    heard_[0] = said;
  else if (voices_ < kVoices)
    heard_[voices_++] = said;
}

/// Adopts what the round has brought; false if that is nothing new.
bool TimeKeeper::believe_answers() {
  if (agreed_) {
    adopt(heard_[0], TimeOrigin::sntp);
    return true;
  }
  for (std::size_t i = 0; i < voices_; ++i) {
    if (refused_ != kNone && is_within(heard_[i] - refused_, kAgreeMs + 1)) continue;
    adopt_on_trial(heard_[i], TimeOrigin::sntp);
    return true;
  }
  return false;
}

void TimeKeeper::next_server(Instant now) {
  datagram_->close();
  ++server_;
  sent_ = false;
  query_until_ = now + options_->answer_within;
}

void TimeKeeper::end_query() {
  if (querying_) datagram_->close();
  querying_ = false;
  query_until_ = Instant::never();
}

}  // namespace tercet::device
