#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace tercet::cli {

/// What `tercet advise` is asked to do.
struct AdviseOptions {
  std::string listen = "0.0.0.0";            ///< address to listen on
  std::uint16_t port = 8883;                 ///< 0 = a free one
  bool plain = false;                        ///< plain TCP instead of TLS
  int plain_port = -1;                       ///< beside TLS: a port on which a plain login is a fault; -1 = none
  std::string directory = ".tercet/advise";  ///< keeps the CA, so that a device need learn it only once
  std::vector<std::string> names;            ///< more names for the right certificate
  std::string product_key, device_name, device_secret;
  std::string set = R"({"report_interval":5})";  ///< properties this device can set, JSON
  std::string points;                            ///< ids or groups, comma-separated; "" = all
  bool quick = false;                            ///< without the points that take a minute
  int limit_seconds = 0;                         ///< the run ends by then; 0 = 1800, with quick 900
  bool json = false;
  std::string language = "en";  ///< en or zh
  std::string ready_file;       ///< written once connections are accepted: ports and CA, JSON
};

/// A scripted server that grades whichever device connects: plays one point after the other, one connection or a few
/// each, then prints pass, fail or not seen for each with what was seen and the remedy. Ends by itself. Exit codes: 0
/// every point passed; 1 one did not; 2 bad input, or the port is taken.
int run_advise(const AdviseOptions& options);

}  // namespace tercet::cli
