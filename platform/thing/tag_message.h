#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "platform/registry/records.h"

namespace tercet::thing {

/// What a device says about its tags (device-protocol 8.5), taken apart and checked on its shard. Whoever keeps the
/// tags gets it (Wiring::tags) and answers with Things::send.
struct TagMessage {
  enum class Kind : std::uint8_t { update, remove, get };
  Kind kind = Kind::get;
  std::uint64_t device = 0;
  std::string product, name;
  std::string id;                   ///< of the request, as it came
  std::string method;               ///< of the reply
  std::string topic;                ///< of the reply
  std::vector<registry::Tag> tags;  ///< without values unless updated; get: none asks for all
  bool wants_reply = true;
  std::uint8_t qos = 0;
};

}  // namespace tercet::thing
