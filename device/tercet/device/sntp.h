#pragma once
#include <array>
#include <cstdint>

#include "tercet/base/bytes.h"
#include "tercet/base/result.h"
#include "tercet/base/time.h"

namespace tercet::device {

/// The client's half of SNTP version 4 (RFC 4330): one packet there, one back. Pure functions.
inline constexpr std::size_t kSntpBytes = 48;
inline constexpr std::uint16_t kSntpPort = 123;
using SntpPacket = std::array<std::uint8_t, kSntpBytes>;

/// A request whose transmit time is `cookie`, a random number: a server echoes it, so an answer that does not carry it
/// is a forgery or late.
SntpPacket make_sntp_request(std::uint64_t cookie);

struct SntpReply {
  UnixMillis received;     ///< when the server got the request, by its clock
  UnixMillis transmitted;  ///< when it answered
};
/// Errors: malformed (too short, not a server's answer, no time in it); denied (another cookie: go on waiting);
/// refused_unavailable (the server is not synchronised itself, or tells us to go away).
Result<SntpReply> parse_sntp_reply(Bytes packet, std::uint64_t cookie);

/// The time when the reply arrived, `round_trip` after the request left.
UnixMillis sntp_now(const SntpReply& reply, Millis round_trip);

}  // namespace tercet::device
