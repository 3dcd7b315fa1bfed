#pragma once
#include <cstdint>
#include <string_view>

#include "tercet/base/bytes.h"
#include "tercet/base/result.h"
#include "tercet/base/writer.h"

namespace tercet::ota {

/// Files over the open session: a block is asked for in JSON and comes in a binary frame (7.6).
///
///   L (2 bytes, big-endian) | header (L bytes of JSON) | block (bSize bytes) | CRC-16 of the block, low byte first

inline constexpr std::uint32_t kMaxStreamBytes = 16u << 20;  ///< a file that is offered this way

struct BlockRequest {
  std::uint32_t id = 0;
  std::uint32_t stream_id = 0, file_id = 0;
  std::uint32_t offset = 0, size = 0;
};
void write_block_request(Writer& out, const BlockRequest& request);
inline constexpr std::size_t kMaxBlockRequestBytes = 240;

/// Both ends. Views into the frame, or into the request.
struct BlockReply {
  std::string_view id;
  std::int32_t code = 200;
  std::uint32_t offset = 0, file_length = 0;
  std::string_view message = {};
  Bytes block = {};  ///< empty with another code than 200
};
/// Errors: malformed, no frame of 7.6, or lengths that contradict each other; io_failed, the block's checksum is wrong.
Result<BlockReply> parse_block_reply(Bytes frame);
/// What a platform answers. `token` as it was asked with. A failed write shows in out.ok().
void write_block_reply(Writer& out, const BlockReply& reply, std::string_view token = "default");

/// CRC-16/ARC: "123456789" gives 0xBB3D.
std::uint16_t crc16(Bytes bytes);

}  // namespace tercet::ota
