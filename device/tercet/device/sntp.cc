#include "tercet/device/sntp.h"

#include <algorithm>

#include "tercet/base/reader.h"
#include "tercet/base/writer.h"

namespace tercet::device {
namespace {

constexpr std::int64_t kSecondsFrom1900To1970 = 2'208'988'800;

/// Seconds since 1900 in 32 bits roll over in 2036; a clear top bit means the time after that.
UnixMillis unix_of(std::uint64_t ntp) {
  auto seconds = static_cast<std::int64_t>(ntp >> 32);
  if ((seconds & 0x8000'0000) == 0) seconds += std::int64_t{1} << 32;
  const auto fraction_ms = static_cast<std::int64_t>(((ntp & 0xFFFF'FFFF) * 1000) >> 32);
  return {(seconds - kSecondsFrom1900To1970) * 1000 + fraction_ms};
}

}  // namespace

SntpPacket make_sntp_request(std::uint64_t cookie) {
  SntpPacket packet{};
  packet[0] = 0x23;  // version 4, client
  Writer out{MutableBytes{packet}.last(8)};
  out.u64(cookie);
  return packet;
}

Result<SntpReply> parse_sntp_reply(Bytes packet, std::uint64_t cookie) {
  Reader in{packet};
  const std::uint8_t flags = in.u8();
  const std::uint8_t stratum = in.u8();
  in.bytes(22);
  const std::uint64_t originate = in.u64();
  const std::uint64_t receive = in.u64();
  const std::uint64_t transmit = in.u64();
  if (!in.ok() || (flags & 0x07) != 4) return fail(Error::malformed);
  if (originate != cookie) return fail(Error::denied);
  if (flags >> 6 == 3 || stratum == 0 || stratum > 15) return fail(Error::refused_unavailable);
  if (transmit == 0) return fail(Error::malformed);
  return SntpReply{unix_of(receive), unix_of(transmit)};
}

UnixMillis sntp_now(const SntpReply& reply, Millis round_trip) {
  const std::int64_t inside = reply.transmitted.ms - reply.received.ms;
  const std::int64_t on_the_way = std::max<std::int64_t>(0, round_trip.count() - std::max<std::int64_t>(0, inside));
  return {reply.transmitted.ms + on_the_way / 2};
}

}  // namespace tercet::device
