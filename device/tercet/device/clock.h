#pragma once
#include <array>
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
  unset,     ///< the wall shows nothing plausible
  floor,     ///< the floor itself, taken because nothing else was to be had (TimeOptions::start_from_floor)
  saved,     ///< what was written before the restart: a little late
  system,    ///< the board's own clock showed something plausible
  sntp,      ///< a time server
  platform,  ///< the platform's NTP topic
};
std::string_view name(TimeOrigin origin);

inline constexpr std::string_view kDefaultTimeServers[] = {"ntp.aliyun.com", "pool.ntp.org"};

struct TimeOptions {
  UnixMillis floor = build_time();
  Millis plausible_for = std::chrono::years{20};  ///< from the floor: no time beyond is believed, whoever says it
  std::span<const std::string_view> servers = kDefaultTimeServers;  ///< asked in this order; outlive the device
  Millis answer_within{2000};                                       ///< per server, name look-up included
  bool start_from_floor = false;  ///< where no time server can be reached and nobody has told it yet: the floor
};

/// A change of the wall clock that we made.
struct TimeStep {
  TimeOrigin origin;
  UnixMillis from, to;
};

/// Keeps the wall clock honest enough for certificates and timestamps. What is believed when:
///
/// - *Plausible* is a time from the floor to `plausible_for` later. Nothing else is adopted, from anybody; TLS does not
///   begin while the wall shows anything else. (A program is thus to be rebuilt before its window ends.)
/// - At start the board's own clock if plausible, else the saved time. The saved time is never a floor: with it, and
///   with none, the servers are asked before the first attempt.
/// - Servers are asked in order until two agree within kAgreeMs. Do none agree, the first answer is taken for want of
///   a better one (a *lone* answer), and the time before it is remembered if it was plausible.
/// - The platform's time, once connected, replaces any; so does an answer of the servers when they are asked. Up and
///   down alike.
///   Where there are no servers to ask, the time before the platform's is remembered like that before a lone answer.
/// - TLS refuses a certificate as expired or not yet valid: doubt(), whatever the origin. A lone answer is given up at
///   once for the time before it. The servers are asked again before the next attempt, and a lone answer that repeats
///   what was just refused is passed over for another. Stay all silent, the attempt is made with the time there is, or
///   with the floor where start_from_floor allows: never once a server or the platform has told the time, for then a
///   certificate that has expired since the build would be believed while the servers are silent.
/// - TLS accepts a certificate: confirm(), the time holds.
///
/// So one wrong server costs an attempt, not the board, also when it goes on and the others are silent: the times that
/// compete are tried in turn. Who answers for all servers (a router, an attacker on the way) chooses a time in the
/// window as long as he does, SNTP being unsigned, and loses it when he stops.
///
///            start: own clock plausible ---------------------------> system --+
///            start: saved plausible ------> saved --+                         |
///            start: neither --------------> unset --+--servers answer--> sntp-+--platform answers--> platform
///                                             |     +--all silent: saved stays; unset: clock_unset, or floor
///            doubt() from any: the servers are asked again, and the wall goes where they say
class TimeKeeper {
 public:
  static constexpr std::int64_t kAgreeMs = 5'000;  ///< two answers so near are one time

  /// `datagram` and `store` may be null.
  TimeKeeper(Clock& clock, Random& random, Datagram* datagram, KeyValueStore* store)
      : clock_(clock), random_(random), datagram_(datagram), store_(store) {}

  /// Keeps `options` by reference until the next start().
  void start(const TimeOptions& options);

  /// Works towards a time TLS can use; call until it is not would_block. Success: the wall shows a plausible time and
  /// nobody better is left to ask. Errors: would_block; clock_unset, dns_failed (no server's name could be resolved):
  /// no plausible time and every server failed (the next call begins again with the first one).
  Result<void> settle(Instant now);
  /// When settle() wants to be called again at the latest.
  Instant next_deadline() const { return query_until_; }
  /// TLS found a certificate expired or not yet valid: the servers are asked before the next attempt.
  void doubt();
  /// TLS believed a certificate by this time.
  void confirm();
  /// The platform's answer, `now` being the time it computed to at its arrival.
  void platform_said(UnixMillis now);
  /// Writes the time down, at most once an hour, and at once when it has made a step of a minute.
  void save(Instant now);

  /// Good enough for timestamps: the floor is not.
  bool is_set() const { return origin_ > TimeOrigin::floor && is_fit_for_tls(); }
  bool is_fit_for_tls() const { return is_plausible(clock_.wall()); }
  /// The time is what TLS has refused, and no better one was heard since.
  bool is_doubted() const { return doubted_; }
  TimeOrigin origin() const { return origin_; }
  /// The last step that was not taken from here yet.
  std::optional<TimeStep> take_step();

 private:
  /// The wall clock less the one that never jumps, in milliseconds: a time that can be kept while time goes by.
  using Offset = std::int64_t;
  static constexpr Offset kNone = INT64_MIN;
  static constexpr std::size_t kVoices = 2;  ///< answers of a round that are kept to compare further ones with

  bool is_plausible(UnixMillis time) const;
  Offset offset() const { return clock_.wall().ms - clock_.now().since_start.count(); }
  void adopt(Offset offset, TimeOrigin origin);
  void adopt_on_trial(Offset offset, TimeOrigin origin);
  void load_saved();
  bool can_ask() const { return datagram_ != nullptr && !options_->servers.empty(); }
  void begin_query(Instant now);
  bool ask(Instant now);
  void hear(UnixMillis time, Instant now);
  bool believe_answers();
  void next_server(Instant now);
  void end_query();

  Clock& clock_;
  Random& random_;
  Datagram* datagram_;
  KeyValueStore* store_;
  const TimeOptions* options_ = nullptr;
  TimeOrigin origin_ = TimeOrigin::unset, earlier_origin_ = TimeOrigin::unset;
  bool servers_asked_ = false;  ///< in this round
  bool was_told_ = false;       ///< the time, by a server or the platform, ever: the floor replaces it no more
  bool doubted_ = false, has_step_ = false;
  bool querying_ = false, sent_ = false, names_failed_ = false, agreed_ = false;
  std::uint8_t voices_ = 0;
  std::uint16_t server_ = 0;
  std::array<Offset, kVoices> heard_{};  ///< in this round; with agreed_ the first is what two servers say
  Offset earlier_ = kNone;               ///< the time is on trial, and this was the plausible one before it
  Offset refused_ = kNone;               ///< what TLS refused last
  std::uint64_t cookie_ = 0;
  Instant query_until_ = Instant::never(), sent_at_{}, save_at_{};
  TimeStep step_{};
};

}  // namespace tercet::device
