#pragma once
#include <cstdint>
#include <string_view>

#include "tercet/base/bytes.h"
#include "tercet/base/result.h"
#include "tercet/base/writer.h"

namespace tercet::ota {

/// The board's side of files over the open session (7.6); the platform's is tercet/alink/block.h, with the frame.

inline constexpr std::uint32_t kMaxStreamBytes = 16u << 20;  ///< a file that is offered this way

struct BlockRequest {
  std::uint32_t id = 0;
  std::uint32_t stream_id = 0, file_id = 0;
  std::uint32_t offset = 0, size = 0;
};
void write_block_request(Writer& out, const BlockRequest& request);
inline constexpr std::size_t kMaxBlockRequestBytes = 240;

/// Views into the frame.
struct BlockReply {
  std::string_view id;
  std::int32_t code = 200;
  std::uint32_t offset = 0, file_length = 0;
  std::string_view message = {};
  Bytes block = {};  ///< empty with another code than 200
};
/// Errors: malformed, no frame of 7.6, or lengths that contradict each other; io_failed, the block's checksum is wrong.
Result<BlockReply> parse_block_reply(Bytes frame);

}  // namespace tercet::ota
