#pragma once
#include <cstdint>

#include "tercet/base/bytes.h"
#include "tercet/base/result.h"
#include "tercet/ota/report.h"

namespace tercet::ota {

/// How an update speaks to the platform: Session over a device::Device, or a test.
class Uplink {
 public:
  virtual ~Uplink() = default;
  /// Publishes with QoS 1, but for block requests (QoS 0: they are repeated). Errors: would_block and no_space, try
  /// again later; bad_state, not online; others: it cannot be sent.
  virtual Result<void> send(Channel channel, Bytes payload) = 0;
  /// For the next message; never the same twice in a session.
  virtual std::uint32_t next_id() = 0;
};

}  // namespace tercet::ota
