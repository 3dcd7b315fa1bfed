#pragma once
#include <CLI/App.hpp>
#include <cstdint>
#include <string>

namespace tercet::cli {

/// `tercet gateway`: a gateway on this machine that speaks for virtual climate boards.
struct GatewayOptions {
  std::string triple_file;  ///< the gateway's; JSON or key=value lines, mode 0600
  std::string subs_file;    ///< lines "ProductKey DeviceName [DeviceSecret]"; a secret that is told is written to it
  std::string host;         ///< "" = what the triple file says, else localhost
  std::uint16_t port = 0;   ///< 0 = what the triple file says, else 8883, with `plain` 1883
  std::string ca_file;      ///< "" = what the triple file says, else the machine's own roots
  bool plain = false;       ///< plain TCP
  int interval_s = 60;      ///< between two reports of a device
  int logins = 50;          ///< most devices in one login
  std::uint64_t count = 0;  ///< stop after that many posts answered with 200; 0 = run until a signal
  int give_up_s = 0;        ///< stop when `count` is not reached after so long; 0 = never
  std::uint32_t seed = 1;   ///< of the rooms
  std::string language = "en";  ///< en or zh
  bool quiet = false;           ///< only what goes wrong
};

/// Runs the gateway in this thread and prints what becomes of each device. Exit codes: 0 `count` reached or stopped by
/// a signal; 1 gave up; 2 bad input.
int run_gateway(const GatewayOptions& options);

void add_gateway(CLI::App& app, int& exit_code);

}  // namespace tercet::cli
