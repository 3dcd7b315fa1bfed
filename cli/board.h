#pragma once
#include <CLI/App.hpp>
#include <cstdint>
#include <string>

#include "cli/board_updates.h"

namespace tercet::cli {

/// `tercet device`: a climate board on this machine.
struct BoardOptions {
  std::string triple_file;       ///< JSON or key=value lines, mode 0600
  std::string host;              ///< "" = what the triple file says, else localhost
  std::uint16_t port = 0;        ///< 0 = what the triple file says, else 8883, with `plain` 1883
  std::string ca_file;           ///< "" = what the triple file says, else the machine's own roots
  std::string pin;               ///< SHA-256 of the server's public key in hex: instead of roots
  bool plain = false;            ///< plain TCP
  bool psk = false;              ///< TLS by the pre-shared key of the triple instead of certificates
  std::string certificate, key;  ///< PEM files of an X.509 product's device; "" = none
  std::string other;             ///< HOST:PORT to try in turn when nobody answers; "" = none
  bool auto_subscribe = false;   ///< `_ss=1`
  int interval_s = 0;            ///< report interval to begin with; 0 = what was kept, else 60
  double threshold = 35;         ///< alarm threshold to begin with, degrees Celsius
  std::uint64_t count = 0;       ///< stop after that many posts answered with 200; 0 = run until a signal
  int give_up_s = 0;             ///< stop when not online, or fewer than `count` answered, after so long; 0 = never
  std::string rules_file;        ///< edge rules; "" = those kept in the state directory, else the built-in alarm
  std::string state_directory;   ///< keeps settings, time, posts that wait; "" = nothing
  std::string sensor = "auto";   ///< auto, chip, model
  std::uint32_t seed = 1;        ///< of the model
  std::int32_t day_s = 86'400;   ///< how long the model's day lasts
  std::string language = "en";   ///< en or zh
  bool quiet = false;            ///< only what goes wrong
  UpdateOptions updates;         ///< images and their directory
  std::string registers;         ///< PRODUCT/DEVICE: get the DeviceSecret and write triple_file; "" = run the board
  std::string product_secret;    ///< file, "-" = standard input; "" = the environment's TERCET_PRODUCT_SECRET
};

/// Runs the board in this thread and prints how it climbs and what it posts. Exit codes: 0 `count` reached or stopped
/// by a signal; 2 bad input; when it gave up the rung it hung at: 10 clock or network, 11 DNS, 12 TCP, 13 TLS, 14
/// CONNECT, 15 SUBSCRIBE, 16 no reply. With a directory of images: as a child of this process, again after each update
/// (image_loader.h).
int run_board(const BoardOptions& options);

/// Adds the options to `tercet device`, which runs a board when no verb follows.
void add_board(CLI::App& device, int& exit_code);

}  // namespace tercet::cli
