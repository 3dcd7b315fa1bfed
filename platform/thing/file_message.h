#pragma once
#include <cstdint>
#include <string>

#include "tercet/alink/upload.h"

namespace tercet::thing {

/// What a device says about a file that it uploads (device-protocol 8.10), taken apart and checked on its shard, as far
/// as that can be told without knowing the upload. Whoever keeps the files gets it (Wiring::uploads) and answers with
/// Things::send on the topic's `_reply`, QoS 0.
struct FileMessage {
  enum class Kind : std::uint8_t { init, block, cancel };
  Kind kind = Kind::init;
  std::uint64_t device = 0;
  std::string product, name;
  std::string id;      ///< of the request, as it came
  std::string upload;  ///< uploadId; of block and cancel
  // init
  std::string file_name;
  std::int64_t file_bytes = -1;  ///< -1: not known yet
  alink::Conflict conflict = alink::Conflict::overwrite;
  std::string check;  ///< CRC-64 that the whole must have; "" = none
  std::string init_uid;
  // block
  std::uint64_t offset = 0;
  bool is_complete = false;
  std::string bytes;
};

}  // namespace tercet::thing
