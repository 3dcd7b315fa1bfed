#pragma once
#include <cstdint>

#include "tercet/base/bytes.h"
#include "tercet/base/result.h"

namespace tercet::climate {

/// One chip on an I2C bus, as its driver needs it. No call takes longer than a few milliseconds.
class I2cDevice {
 public:
  virtual ~I2cDevice() = default;
  /// Errors: io_failed, the chip did not acknowledge.
  virtual Result<void> write(Bytes bytes) = 0;
  virtual Result<void> read(MutableBytes into) = 0;  ///< fills all of it; errors: the same
  /// A write, a repeated start, a read. Errors: the same.
  virtual Result<void> write_read(Bytes bytes, MutableBytes into) = 0;
};

}  // namespace tercet::climate
