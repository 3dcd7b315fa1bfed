#pragma once
#include <cstdint>
#include <string_view>

#include "tercet/base/bytes.h"
#include "tercet/base/result.h"
#include "tercet/base/writer.h"

namespace tercet::alink {

/// The platform's side of files over the open session (7.6): a block is asked for in JSON and goes out in a frame.
///
///   L (2 bytes, big-endian) | header (L bytes of JSON) | block (bSize bytes) | CRC-16 of the block, low byte first

/// Views into the payload.
struct BlockRequest {
  std::string_view id = {};  ///< as Request::id
  std::string_view token = {};
  std::uint64_t stream = 0, file = 0, offset = 0, size = 0;
};
/// Trailing commas are understood: the vendor's C SDK sends one. Errors: malformed, no JSON object, or a number is
/// missing or negative.
Result<BlockRequest> parse_block_request(std::string_view payload);

struct BlockReply {
  std::string_view id;
  std::int32_t code = 200;
  std::uint64_t offset = 0, file_length = 0;
  std::string_view message = {};
  Bytes block = {};  ///< left out with another code than 200
};
/// At most 320 bytes more than block, id, message and token. A failed write shows in out.ok().
void write_block_reply(Writer& out, const BlockReply& reply, std::string_view token);

/// CRC-16/ARC: "123456789" gives 0xBB3D.
std::uint16_t block_crc(Bytes bytes);

}  // namespace tercet::alink
