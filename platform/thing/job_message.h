#pragma once
#include <cstdint>
#include <string>

namespace tercet::thing {

/// What a device says about its jobs (device-protocol 8.11), taken apart and checked on its shard. Whoever keeps the
/// jobs gets it (Wiring::jobs) and answers with Things::send.
struct JobMessage {
  enum class Kind : std::uint8_t {
    online,  ///< it has logged in
    get,     ///< asks for `task`: an id, `$next` or `$list`
    update,  ///< has come to `status` with `task`
  };
  Kind kind = Kind::online;
  std::uint64_t device = 0;
  std::string product, name;
  std::string id;     ///< of the request, as it came
  std::string topic;  ///< of the reply
  std::string task;
  std::string status;   ///< as it came
  std::string details;  ///< JSON; "" when it said none
  int progress = -1;    ///< percent; -1 when it said none
  bool wants_reply = true;
  std::uint8_t qos = 0;
};

}  // namespace tercet::thing
