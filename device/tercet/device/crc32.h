#pragma once
#include <cstdint>

#include "tercet/base/bytes.h"

namespace tercet::device {

/// CRC-32 as in IEEE 802.3, zip and PNG ("123456789" gives 0xCBF43926), in pieces. A table of 64 bytes: flash is dear,
/// and records are short. Finds accidents, not attackers.
class Crc32 {
 public:
  Crc32& add(Bytes bytes);
  std::uint32_t value() const { return ~state_; }

 private:
  std::uint32_t state_ = 0xFFFFFFFF;
};

}  // namespace tercet::device
