#pragma once
#include <cstdint>
#include <string>

namespace tercet::thing {

/// What a device says about its firmware, or asks for (device-protocol 7), taken apart on its shard. Whoever keeps the
/// upgrades gets it (Wiring::upgrades) and answers with Things::send.
struct UpgradeMessage {
  enum class Kind : std::uint8_t {
    online,    ///< it has logged in
    inform,    ///< runs `version`
    progress,  ///< `step` with `text`
    pull,      ///< asks what there is for it: thing/ota/firmware/get
    request,   ///< the same in the old way: /ota/device/request
    block,     ///< asks for a piece of a file: thing/file/download
  };
  Kind kind = Kind::online;
  std::uint64_t device = 0;
  std::string product, name;
  std::string id;      ///< of the request, as it came
  std::string module;  ///< "" = the whole device
  std::string version, text;
  int step = 0;
  std::uint64_t stream = 0, file = 0, offset = 0, size = 0;  ///< block
  std::string token;                                         ///< block: fileToken
};

/// How a message down was taken.
enum class Delivery : std::uint8_t {
  sent,
  not_subscribed,  ///< it is online, but has not subscribed to the topic (yet), or its queue is full
  offline,
};

}  // namespace tercet::thing
