#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "tercet/base/time.h"

namespace tercet::simulation {

/// What happens to boards, each with a duration of its own where it has one.
enum class Fault : std::uint8_t {
  loss,                ///< segments that come late; minutes to hours
  short_io,            ///< bytes come in pieces
  name_unknown,        ///< the name server says no
  name_silent,         ///< or nothing
  redirecting_portal,  ///< see Surroundings::Way
  silent_portal,
  forging_portal,
  half_open,   ///< connections take bytes and lose them
  reset,       ///< connections are reset
  isolated,    ///< nothing passes; minutes, now and then days
  no_link,     ///< the access point is off; the same
  clock_jump,  ///< by up to two hours, now and then by more than a year
  brown_out,   ///< the supply fails for seconds to minutes
  flash_cut,   ///< the same, in the middle of a flash operation
};
inline constexpr std::size_t kFaults = 14;
std::string_view name(Fault fault);

struct TrialOptions {
  std::uint64_t seed = 1;
  std::size_t boards = 8;
  Millis span = std::chrono::hours{6};
  Millis report_every{60'000};
  Seconds keep_alive{60};
  Millis fault_every = std::chrono::minutes{40};  ///< mean, of one board
  Millis outage_limit = std::chrono::hours{3};    ///< of isolated and no_link
  Millis restart_every = std::chrono::hours{2};   ///< mean, of the server
  std::function<void(Millis passed)> progress;    ///< once a simulated day
};

/// What one trial came to.
struct TrialFigures {
  std::uint64_t trace = 0;  ///< of everything that happened
  std::size_t boards = 0, online = 0, drained = 0;
  std::size_t taken = 0, acknowledged = 0, stored = 0;
  std::size_t dropped = 0;  ///< as the boards counted
  std::size_t in_ram = 0;   ///< were in RAM only when the supply failed, and are not in history
  std::size_t lost = 0;     ///< acknowledged and not in history: none may be
  std::size_t missing = 0;  ///< neither in history, nor counted as dropped, nor in RAM at a brown-out: none may be
  std::size_t boots = 0, brown_outs = 0;  ///< one boot more per board than brown-outs, unless something else reboots
  std::size_t unfed = 0;                  ///< runs of the SDK that did not feed the watchdog
  std::size_t sdk_allocations = 0;        ///< after start
  std::size_t runs = 0, sessions = 0, refusals = 0, erasures = 0;
  std::size_t restarts = 0, slow_disks = 0;
  std::array<std::size_t, kFaults> faults{};
  std::string first;  ///< for a person: the first reading lost or missing
};

/// Boards in the field under one seed: the real SDK with flash, the real broker and thing model, and everything that an
/// ordinary month does to them; then peace, until all are online and have sent what they had. Bounded in virtual time.
TrialFigures live_in_the_field(const TrialOptions& options);

}  // namespace tercet::simulation
