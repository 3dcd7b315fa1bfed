#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "tercet/alink/codes.h"
#include "tercet/base/bytes.h"
#include "tercet/base/result.h"
#include "tercet/base/writer.h"

namespace tercet::alink {

/// Files from a device over its open session (8.10), for both sides: init, then blocks, each answered; or cancel.
///
///   init   JSON  ->  uploadId and the place to go on from
///   send   L (2 bytes, big-endian) | header (L bytes of JSON) | block | CRC-16 of the block, low byte first
///   cancel JSON

inline constexpr std::uint64_t kMaxUploadBytes = 16u << 20;
inline constexpr std::size_t kMaxUploadBlock = 128u << 10;
inline constexpr std::size_t kMinUploadBlock = 256;  ///< of all but the last
inline constexpr std::size_t kMaxUploadName = 100;
inline constexpr std::size_t kMaxUploadId = 63;

/// 1 to 100 letters, digits, `_` and `.`, the first a letter or a digit.
bool is_upload_name(std::string_view name);

/// What becomes of a file that has the name already.
enum class Conflict : std::uint8_t {
  overwrite,  ///< replaced, once the new one is complete
  append,     ///< an upload that was interrupted goes on; a complete file refuses
  reject,     ///< a complete file refuses
};
/// "overwrite"; nothing for a word that is none.
std::optional<Conflict> conflict_of(std::string_view word);
std::string_view name(Conflict conflict);

/// Views into the payload. Texts as they stand there: what has escapes is no valid name or id anyway.
struct UploadInit {
  std::string_view id = {};  ///< as Request::id
  std::string_view file_name = {};
  std::optional<std::int64_t> file_bytes = {};  ///< -1: not known yet
  std::string_view conflict = {};               ///< "" = overwrite
  std::string_view check_mode = {};             ///< ficMode: "crc64", or ""
  std::string_view check_value = {};            ///< ficValue
  std::string_view init_uid = {};               ///< an init with the same one is the same init
};
/// Members that are missing or of another type are left out, which is for the caller to judge; others are ignored.
/// Errors: malformed: no JSON object with params.
Result<UploadInit> parse_upload_init(std::string_view payload);
/// file_bytes missing is written as -1. At most 240 bytes more than its texts.
void write_upload_init(Writer& out, const UploadInit& init);

/// The part of every reply that both sides read.
struct UploadReply {
  std::string_view id = {};
  Code code = Code::success;
  std::string_view message = {};  ///< "" = alink::message(code)
};
/// `file_bytes` -1: not known. Without success only the name is in `data`. At most 300 bytes more than its texts.
void write_upload_init_reply(Writer& out, const UploadReply& reply, std::string_view file_name,
                             std::string_view upload_id = {}, std::uint64_t offset = 0, std::int64_t file_bytes = 0);
/// `data`: uploadId, offset, bSize; `complete` is left out unless true. At most 300 bytes more than its texts.
void write_upload_send_reply(Writer& out, const UploadReply& reply, std::string_view upload_id, std::uint64_t offset,
                             std::uint64_t block_bytes, bool complete = false);
void write_upload_cancel_reply(Writer& out, const UploadReply& reply, std::string_view upload_id);
/// At most 100 bytes more than its texts.
void write_upload_cancel(Writer& out, std::string_view id, std::string_view upload_id);

/// Any of the three replies, as a device reads it; what its kind does not have is empty. Views into the payload.
struct UploadAnswer {
  std::string_view id = {};
  std::int32_t code = 0;
  std::string_view message = {}, file_name = {}, upload_id = {};
  std::optional<std::uint64_t> offset = {}, block_bytes = {};
  bool complete = false;
};
/// Errors: malformed: no JSON object, or no code in it.
Result<UploadAnswer> parse_upload_answer(std::string_view payload);

struct UploadCancel {
  std::string_view id = {}, upload_id = {};
};
/// Errors: malformed: no JSON object with params.
Result<UploadCancel> parse_upload_cancel(std::string_view payload);

/// A block. Views into the frame.
struct UploadBlock {
  std::string_view id = {}, upload_id = {};
  std::optional<std::uint64_t> offset = {}, bytes = {};  ///< bSize
  bool is_complete = false;
  Bytes block = {};         ///< what stands between header and checksum
  bool is_damaged = false;  ///< its checksum does not fit
};
/// Numbers that are missing or negative are left out, and `bytes` may contradict the block: for the caller to judge.
/// Errors: malformed: no header, or nothing behind it.
Result<UploadBlock> parse_upload_block(Bytes frame);
/// What stands before the block's bytes. At most 130 bytes more than its texts.
void write_upload_block_head(Writer& out, std::string_view id, std::string_view upload_id, std::uint64_t offset,
                             std::uint64_t block_bytes, bool is_complete);
/// What stands behind them.
void write_upload_block_tail(Writer& out, Bytes block);

}  // namespace tercet::alink
