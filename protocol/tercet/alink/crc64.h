#pragma once
#include <cstdint>

#include "tercet/base/bytes.h"

namespace tercet::alink {

/// CRC-64/XZ, which a file that is uploaded is checked with (8.10); as much at a time as is at hand.
/// "123456789" gives 0x995DC9BBDF1939FA.
class Crc64 {
 public:
  Crc64& add(Bytes bytes);
  std::uint64_t value() const { return ~remainder_; }

 private:
  std::uint64_t remainder_ = ~std::uint64_t{0};
};

}  // namespace tercet::alink
