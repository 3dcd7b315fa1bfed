#pragma once
#include <cstdint>
#include <functional>
#include <string>

namespace tercet::cli {

/// What `tercet consume` is asked for.
struct ConsumeOptions {
  std::string host;  ///< name or address
  std::uint16_t port = 5671;
  std::string ca_file;  ///< PEM; "" for the system's roots
  std::string client_id = "tercet-consume";
  std::string access_key_id, access_key_secret;
  std::string group = "DEFAULT_GROUP";
  std::uint64_t count = 0;  ///< messages; 0: until `goes_on` says no
  int credit = 1000;        ///< messages under way at most
};

/// A message as a consumer sees it; views live as long as the call.
struct ConsumedMessage {
  std::string topic, message_id, tag;
  std::int64_t generate_time = 0;  ///< milliseconds since 1970
  std::int64_t qos = 0;
  std::string body;
  std::uint32_t tries = 0;  ///< how often it was delivered before
};

/// Connects to an AMQP port as the cloud's consumers do (cloud-side reference 4), gives each message to `take` and
/// accepts it. Blocks; `goes_on` is asked at least once a second. Gives "" after `count` messages or when `goes_on`
/// said no; else what went wrong and what to do. This platform and the cloud.
std::string consume(const ConsumeOptions& options, const std::function<void(const ConsumedMessage&)>& take,
                    const std::function<bool()>& goes_on);

}  // namespace tercet::cli
