#include "tercet/ota/stream.h"

#include <array>

#include "tercet/alink/envelope.h"
#include "tercet/base/reader.h"
#include "tercet/json/writer.h"

namespace tercet::ota {
namespace {

constexpr std::int32_t kFine = 200;

std::optional<std::uint32_t> number_of(const json::Value& data, std::string_view name) {
  const auto value = data.find(name);
  const auto whole = value ? value->integer() : std::nullopt;
  if (!whole || *whole < 0 || *whole > 0xFFFF'FFFF) return std::nullopt;
  return static_cast<std::uint32_t>(*whole);
}

std::string_view decimal(std::uint32_t number, std::array<std::uint8_t, 10>& digits) {
  Writer out{digits};
  out.decimal(std::uint64_t{number});
  return out.text();
}

}  // namespace

std::uint16_t crc16(Bytes bytes) {
  // The remainders of the sixteen values of half a byte: a table of 32 bytes, for flash is dear.
  constexpr std::uint16_t kHalf[16] = {0x0000, 0xCC01, 0xD801, 0x1400, 0xF001, 0x3C00, 0x2800, 0xE401,
                                       0xA001, 0x6C00, 0x7800, 0xB401, 0x5000, 0x9C01, 0x8801, 0x4400};
  std::uint32_t crc = 0;
  for (const std::uint8_t byte : bytes) {
    crc ^= byte;
    crc = (crc >> 4) ^ kHalf[crc & 15u];
    crc = (crc >> 4) ^ kHalf[crc & 15u];
  }
  return static_cast<std::uint16_t>(crc);
}

void write_block_request(Writer& out, const BlockRequest& request) {
  std::array<std::uint8_t, 10> digits;
  json::Writer json{out};
  json.begin_object().key("id").string(decimal(request.id, digits)).key("version").string("1.0");
  json.key("params").begin_object().key("fileToken").string("default");
  json.key("fileInfo").begin_object();
  json.key("streamId").number(request.stream_id).key("fileId").number(request.file_id).end_object();
  json.key("fileBlock").begin_object();
  json.key("size").number(request.size).key("offset").number(request.offset).end_object();
  json.end_object().end_object();
}

Result<BlockReply> parse_block_reply(Bytes frame) {
  Reader in{frame};
  const Bytes header = in.binary();
  if (!in.ok()) return fail(Error::malformed);
  const auto reply = alink::parse_reply(as_text(header));
  if (!reply) return fail(Error::malformed);
  BlockReply block{.id = reply->id, .code = reply->code, .message = reply->message};
  if (reply->code != kFine) return block;  // what follows then, nobody has written down
  if (!reply->data || !reply->data->is(json::Type::object)) return fail(Error::malformed);
  const auto size = number_of(*reply->data, "bSize"), offset = number_of(*reply->data, "bOffset");
  const auto length = number_of(*reply->data, "fileLength");
  // The whole frame has exactly the parts that were announced.
  if (!size || !offset || in.left() < 2 || in.left() - 2 != *size) return fail(Error::malformed);
  block.offset = *offset;
  block.block = in.bytes(*size);
  block.file_length = length.value_or(0);
  const unsigned low = in.u8(), high = in.u8();
  if (crc16(block.block) != (low | high << 8)) return fail(Error::io_failed);
  return block;
}

void write_block_reply(Writer& out, const BlockReply& reply, std::string_view token) {
  std::array<std::uint8_t, 512> buffer;
  Writer header{buffer};
  json::Writer json{header};
  const std::string_view said = !reply.message.empty() ? reply.message : reply.code == kFine ? "success" : "failed";
  json.begin_object().key("id").raw_string(reply.id).key("code").number(reply.code);
  json.key("data").begin_object();
  if (reply.code == kFine) {
    json.key("bSize").number(reply.block.size()).key("bOffset").number(reply.offset);
    json.key("fileLength").number(reply.file_length);
    if (!token.empty()) json.key("fileToken").string(token);
  }
  json.end_object().key("message").string(said).end_object();
  if (!header.ok()) return out.refuse();
  out.binary(header.written());
  if (reply.code != kFine) return;
  out.bytes(reply.block);
  const std::uint16_t crc = crc16(reply.block);
  out.u8(static_cast<std::uint8_t>(crc)), out.u8(static_cast<std::uint8_t>(crc >> 8));
}

}  // namespace tercet::ota
