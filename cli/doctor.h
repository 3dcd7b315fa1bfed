#pragma once
#include <cstdint>
#include <string>

namespace tercet::cli {

/// What `tercet doctor` is asked to look at: a triple, or the three strings as some program sends them, or both (then a
/// wrong password is examined against the triple without asking the server).
struct DoctorOptions {
  std::string host;
  std::uint16_t port = 8883;
  bool plain = false;   ///< plain TCP, securemode=3
  std::string ca_file;  ///< PEM; "" = the system's roots
  std::string product_key, device_name, device_secret;
  std::string client_id, user_name, password;
  std::string language = "en";  ///< en or zh
  int timeout_seconds = 10;     ///< per rung
};

/// The rungs, each with the exit code of a ladder that breaks there.
enum class Rung : std::uint8_t {
  done = 0,
  input = 2,
  clock = 10,
  dns = 11,
  tcp = 12,
  tls = 13,
  connect = 14,
  suback = 15,
  reply = 16
};

/// Walks the ladder to the host and prints each rung with its duration, and for the one that breaks what it means and
/// what to change. Returns the rung's number, 0 when the whole ladder stands. Posts nothing but an empty property post.
int run_doctor(const DoctorOptions& options);

}  // namespace tercet::cli
