#pragma once
#include <CLI/App.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "cli/triples.h"
#include "tercet/base/triple.h"

namespace tercet::cli {

/// `tercet fleet --ota`: the boards take an update.
struct FleetUpdateOptions {
  std::string version;          ///< that the boards are to run at the end; "" = no updates, the fleet posts
  std::string running = "1.0";  ///< that they run at first
  std::string over = "any";     ///< any (HTTPS first), https, session
  std::uint32_t cut_every = 0;  ///< each so-manieth board loses its supply once, at half of the image; 0 = none
  int within_s = 600;           ///< from when all are online
  int platform_process = 0;     ///< whose memory is watched, on this machine; 0 = none
};

/// `tercet fleet`: thousands of virtual boards on the SDK's client machine.
struct FleetOptions {
  std::string triples_file;  ///< lines "ProductKey DeviceName DeviceSecret", blanks or commas between, # comments
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;  ///< 0 = 8883, with `plain` 1883
  std::string ca_file;     ///< for TLS; "" = the certificate is not judged (the result says so)
  bool plain = false;
  std::uint32_t boards = 0;  ///< 0 = one for each triple
  std::uint32_t threads = 1;
  std::uint32_t connecting = 100;  ///< logins under way at a time, all threads together
  int connect_timeout_s = 60;      ///< for the whole fleet to come online
  double rate = 0;                 ///< posts per second of the whole fleet, at fixed times; 0 = closed loop
  std::uint32_t window = 4;        ///< posts of one board without acknowledgement; in a paced run the most there may be
  bool await_reply = false;        ///< closed loop: count the platform's replies instead of PUBACKs
  int qos = 1;
  int warmup_s = 1, duration_s = 5;
  bool replies = true;  ///< hear the replies, by `_ss=1`
  int keep_alive_s = 300;
  std::uint32_t seed = 1;
  FleetUpdateOptions updates;
};

/// What happened within the measured time, except where it says otherwise.
struct FleetResult {
  std::uint32_t boards = 0;
  std::uint32_t online = 0;    ///< when measuring began
  std::uint64_t logins = 0;    ///< CONNACK 0, since the start
  double connect_seconds = 0;  ///< from the start until all were online, or time was up
  std::uint64_t refused = 0;   ///< CONNACK other than 0, since the start
  std::uint64_t broken = 0;    ///< connections that failed or were lost, since the start
  double seconds = 0;          ///< measured
  std::uint64_t posts = 0, acks = 0, replies = 0;
  std::uint64_t bad_replies = 0;                ///< replies with another code than 200, since the start
  std::uint64_t late = 0;                       ///< paced: posts that found every board's window full at their time
  std::uint64_t unanswered = 0;                 ///< posts without acknowledgement 5 s after the end
  std::vector<std::uint32_t> ack_us, reply_us;  ///< latencies, sorted; in a paced run from the time they were due
  double cpu_seconds = 0;                       ///< of this process, while measuring
  bool ok() const { return online == boards && broken == 0 && refused == 0 && bad_replies == 0 && unanswered == 0; }
};

/// Runs a fleet. False, with `problem`, when it could not even begin.
bool measure_fleet(const FleetOptions& options, const std::vector<Triple>& triples, FleetResult& result,
                   std::string& problem);
/// One line of JSON.
std::string render(const FleetOptions& options, const FleetResult& result);

/// Prints the line. Exit codes: 0; 1 something was refused, lost or left unanswered; 2 bad input.
int run_fleet(const FleetOptions& options);
void add_fleet(CLI::App& app, int& exit_code);

}  // namespace tercet::cli
