#pragma once
#include <variant>

#include "tercet/mqtt/decode.h"
#include "tercet/mqtt/encode.h"

/// Any packet at all, for whoever does not know which to expect: traces, simulations, fuzzers. Ends of a connection
/// switch on the frame's type instead.
namespace tercet::mqtt {

using AnyPacket = std::variant<Connect, Connack, Publish, Ack, Subscribe, Suback, Unsubscribe, Unsuback, Pingreq,
                               Pingresp, Disconnect, Auth>;

/// version counts for all but CONNECT, which names its own. Errors: as the decoder of the frame's type.
Result<AnyPacket> decode_any(ProtocolVersion version, const Frame& frame, Sender sender);

/// Errors: as encode().
Result<std::size_t> encode(const AnyPacket& packet, ProtocolVersion version, MutableBytes out);

}  // namespace tercet::mqtt
