#pragma once
#include <optional>
#include <string>
#include <vector>

#include "cli/advise_point.h"
#include "tercet/base/time.h"
#include "tercet/mqtt/packet.h"

namespace tercet::cli::advise {

inline constexpr Millis kSlowAnswer{4'000};
inline constexpr Millis kSteadySession{70'000};  ///< longer than any back-off needs to begin anew
inline constexpr Millis kReturnWithin{150'000};  ///< a device that has not come again by then does not
inline constexpr Millis kReplyWithin{10'000};    ///< for the answer to a command
inline constexpr Millis kGiveUpWithin{60'000};   ///< without a CONNACK
inline constexpr Millis kLeaveGarbage{30'000};
inline constexpr Millis kResendWithin{20'000};
inline constexpr int kConnectsPerMinute = 12;
inline constexpr std::size_t kMostPauses = 8;  ///< failures seen before it is said that pauses do not grow

/// What a device said or was told.
struct Event {
  enum class Kind : std::uint8_t {
    subscribed,    ///< one filter: topic, qos, packet_id
    posted,        ///< any PUBLISH of the device
    acknowledged,  ///< its PUBACK: packet_id
    pinged,
    commanded,     ///< we sent what `point` is about; id: of the command, probe_id: of the correct set behind it
    repeated,      ///< we sent the same packet_id once more, with DUP
    command_over,  ///< we stopped waiting for what `point` is about
    malformed,     ///< a packet that could not be decoded
  };
  Kind kind = Kind::posted;
  Instant at{};
  std::string topic{}, payload{};
  std::uint16_t packet_id = 0;
  mqtt::Qos qos = mqtt::Qos::at_most_once;
  bool dup = false, retain = false;
  Point point = Point::set_obeyed;
  std::string id{}, probe_id{};
};

struct SeenLogin {
  std::string client_id, user_name, password;
  Seconds keep_alive{0};
  bool clean_start = true, has_will = false;
  mqtt::ProtocolVersion version = mqtt::ProtocolVersion::v311;
  UnixMillis wall{};  ///< by our clock
};

/// One connection of the device.
struct Visit {
  Act act = Act::session;
  Instant began{};
  std::optional<Instant> ended{};
  bool ended_by_device = false;
  bool plain = false;     ///< spoke plain TCP where TLS was expected
  std::string tls{};      ///< version and cipher once the handshake was done
  std::string failure{};  ///< how TLS or the connection broke
  std::optional<SeenLogin> login{};
  std::optional<Instant> answered{};  ///< when a CONNACK was sent
  std::uint8_t code = 0;              ///< its return code
  bool resumed = false;               ///< it said session present
  Instant last_sent{};                ///< our last byte
  std::vector<Event> events{};

  bool accepted() const { return answered.has_value() && code == 0; }
};

/// Everything the grading looks at.
struct Record {
  bool tls = true;
  std::string product, device, secret;  ///< of the triple, "" when it was not given
  std::vector<Visit> visits;            ///< in order of time
  Instant finished{};                   ///< when the run ended
};

}  // namespace tercet::cli::advise
