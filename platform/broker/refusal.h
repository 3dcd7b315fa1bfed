#pragma once
#include <cstdint>
#include <string>

#include "tercet/base/time.h"

namespace tercet::broker {

/// One thing the platform would not do, with all a person needs to mend it. Texts of cause and remedy are looked up by
/// `cause` in the one table of causes (tercet/auth/cause.h), in the reader's language.
struct Refusal {
  enum class Stage : std::uint8_t { transport, connect, subscribe, publish, message, api };
  UnixMillis at;
  Stage stage = Stage::connect;
  std::string name;       ///< "<ProductKey>/<DeviceName>" as claimed, also of unknown ones; "" when nothing was claimed
  std::string address;    ///< "192.0.2.1:50123"
  std::string client_id;  ///< cut to 256 bytes
  std::uint32_t code = 0;  ///< what went on the wire: CONNACK code, SUBACK 0x80, Alink code; 0 when nothing did
  std::string cause;       ///< stable code, "sign.ampersand_between_fields"
  std::string evidence;    ///< what was received and what shows the cause; never a secret; cut to 1 KB
  bool warning = false;    ///< accepted here, but the real cloud would refuse it
};

/// Where refusals go. Any loop's thread; never blocks, never fails: when its bounded queue is full the refusal is
/// counted as lost.
class Journal {
 public:
  virtual ~Journal() = default;
  virtual void record(Refusal refusal) = 0;
};

}  // namespace tercet::broker
