#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "tercet/base/result.h"
#include "tercet/base/time.h"
#include "tercet/device/port.h"
#include "tercet/device/sntp.h"

namespace tercet::device {

/// When this program was built (a day early, for time zones): no honest clock shows less.
UnixMillis build_time();

/// Where the time of the wall clock came from, in order of trust.
enum class TimeOrigin : std::uint8_t {
  unset,     ///< below the floor
  floor,     ///< the floor itself, taken because nothing else was to be had (TimeOptions::start_from_floor)
  saved,     ///< what was written before the restart: a little late
  system,    ///< the board's own clock was above the floor
  sntp,      ///< a time server
  platform,  ///< the platform's NTP topic
};
std::string_view name(TimeOrigin origin);

inline constexpr std::string_view kDefaultTimeServers[] = {"ntp.aliyun.com", "pool.ntp.org"};

struct TimeOptions {
  UnixMillis floor = build_time();
  std::span<const std::string_view> servers = kDefaultTimeServers;  ///< asked in this order; outlive the device
  Millis answer_within{2000};                                       ///< per server, name look-up included
  bool start_from_floor = false;  ///< where no time server can be reached: take the floor as the time
};

/// A change of the wall clock that we made.
struct TimeStep {
  TimeOrigin origin;
  UnixMillis from, to;
};

/// Keeps the wall clock honest enough for certificates and timestamps. In order: the board's own clock or the saved
/// time if above the floor; the time servers when the clock is not the board's own; the platform once connected. A time
/// below the floor is never believed, whoever says it.
class TimeKeeper {
 public:
  /// `datagram` and `store` may be null.
  TimeKeeper(Clock& clock, Random& random, Datagram* datagram, KeyValueStore* store)
      : clock_(clock), random_(random), datagram_(datagram), store_(store) {}

  void start(const TimeOptions& options);

  /// Works towards a time TLS can use; call until it is not would_block. Success: the clock is at or above the floor
  /// and nobody better is left to ask. Errors: would_block; clock_unset: below the floor and every server failed (the
  /// next call begins again with the first one).
  Result<void> settle(Instant now);
  /// When settle() wants to be called again at the latest.
  Instant next_deadline() const { return query_until_; }
  /// TLS found a certificate expired: unless the time came from a server, ask the servers before the next attempt.
  void doubt();
  /// The platform's answer, `now` being the time it computed to at its arrival.
  void platform_said(UnixMillis now);
  /// Writes the time down, at most once an hour.
  void save(Instant now);

  bool is_set() const { return origin_ != TimeOrigin::unset; }
  bool is_fit_for_tls() const { return clock_.wall() >= options_.floor; }
  TimeOrigin origin() const { return origin_; }
  /// The last step that was not taken from here yet.
  std::optional<TimeStep> take_step();

 private:
  void adopt(UnixMillis now, TimeOrigin origin);
  void load_saved();
  bool ask(Instant now);
  void next_server(Instant now);
  void end_query();

  Clock& clock_;
  Random& random_;
  Datagram* datagram_;
  KeyValueStore* store_;
  TimeOptions options_{};
  TimeOrigin origin_ = TimeOrigin::unset;
  bool servers_asked_ = false;  ///< in this round
  bool querying_ = false, sent_ = false, names_failed_ = false;
  std::size_t server_ = 0;
  std::uint64_t cookie_ = 0;
  Instant query_until_ = Instant::never(), sent_at_{};
  std::optional<Instant> saved_at_;
  std::optional<TimeStep> step_;
};

}  // namespace tercet::device
