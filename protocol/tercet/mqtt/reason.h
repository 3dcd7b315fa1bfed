#pragma once
#include <cstdint>
#include <string_view>

#include "tercet/base/result.h"
#include "tercet/mqtt/packet.h"

/// How reasons travel: between 3.x return codes, 5.0 reason codes and our own errors. The only file that maps them.
namespace tercet::mqtt {

/// Whether MQTT 5.0 allows this reason in this packet (a wrong one is malformed).
bool is_reason_of(PacketType type, ReasonCode reason);

/// The byte a CONNACK carries: the reason itself in 5.0, the nearest of 0..5 in 3.x.
std::uint8_t connack_code(ProtocolVersion version, ReasonCode reason);
/// The reverse. Errors: malformed, not a code of that version.
Result<ReasonCode> connack_reason(ProtocolVersion version, std::uint8_t code);

/// The byte a SUBACK carries: in 3.x every failure is 0x80.
std::uint8_t suback_code(ProtocolVersion version, ReasonCode reason);

/// What a refused CONNECT means to the client that sent it; refused_unavailable for anything that may pass by itself.
Error refusal(ReasonCode reason);

/// The reason to send in a DISCONNECT or an acknowledgement when handling a packet failed with this error.
ReasonCode reason_for(Error error);

/// The specification's name in snake case, for logs. Never localised.
std::string_view name(ReasonCode reason);

}  // namespace tercet::mqtt
