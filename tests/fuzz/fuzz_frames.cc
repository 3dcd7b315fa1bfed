#include <algorithm>
#include <cstdint>
#include <vector>

#include "tercet/base/check.h"
#include "tercet/mqtt/any_packet.h"

/// A stream of bytes as a server or a client would read it. First byte: who sends (bit 0) and which version (bits 1-2).
/// Every packet that is understood must encode to bytes that are understood as the same packet.

namespace {

using namespace tercet;
using namespace tercet::mqtt;

constexpr std::size_t kMaxPacket = 65'536;

void check_round_trip(const AnyPacket& packet, ProtocolVersion version, Sender sender, std::size_t size) {
  // An encoding is never longer than what was read, but for a minimal Remaining Length and properties left out.
  std::vector<std::uint8_t> first(size + 16), second(size + 16);
  const auto written = encode(packet, version, first);
  TERCET_CHECK(written.has_value());
  const auto frame = next_frame(Bytes{first}.first(*written), kMaxPacket + 16);
  TERCET_CHECK(frame.has_value());
  TERCET_CHECK(frame->size == *written);
  const auto again = decode_any(version, *frame, sender);
  TERCET_CHECK(again.has_value());
  TERCET_CHECK(again->index() == packet.index());
  const auto rewritten = encode(*again, version, second);
  TERCET_CHECK(rewritten.value_or(0) == *written);
  TERCET_CHECK(first == second);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Sender sender = (data[0] & 1) != 0 ? Sender::server : Sender::client;
  auto version = static_cast<ProtocolVersion>(3 + ((data[0] >> 1) & 3) % 3);
  // A copy of exactly this size, so that a read past its end is seen.
  const std::vector<std::uint8_t> input(data + 1, data + size);
  for (Bytes left = input; !left.empty();) {
    const auto frame = next_frame(left, kMaxPacket);
    if (!frame) {
      TERCET_CHECK(frame.error() == Error::need_more || frame.error() == Error::malformed ||
                   frame.error() == Error::too_large);
      return 0;
    }
    TERCET_CHECK(frame->size <= left.size());
    const auto packet = decode_any(version, *frame, sender);
    if (packet) {
      if (const auto* connect = std::get_if<Connect>(&*packet)) version = connect->version;
      check_round_trip(*packet, version, sender, frame->size);
    }
    left = left.subspan(frame->size);
  }
  return 0;
}
