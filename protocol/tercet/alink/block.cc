#include "tercet/alink/block.h"

#include <array>
#include <optional>

#include "tercet/alink/envelope.h"
#include "tercet/json/writer.h"

namespace tercet::alink {
namespace {

constexpr std::int32_t kFine = 200;

std::optional<std::uint64_t> number_of(const std::optional<json::Value>& object, std::string_view name) {
  const auto value = object ? object->find(name) : std::nullopt;
  const auto whole = value ? value->integer() : std::nullopt;
  if (!whole || *whole < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*whole);
}

}  // namespace

Result<BlockRequest> parse_block_request(std::string_view payload) {
  const auto request = parse_request(payload);
  if (!request || !request->params) return fail(Error::malformed);
  const auto info = request->params->find("fileInfo"), block = request->params->find("fileBlock");
  const auto stream = number_of(info, "streamId"), file = number_of(info, "fileId");
  const auto offset = number_of(block, "offset"), size = number_of(block, "size");
  if (!stream || !file || !offset || !size) return fail(Error::malformed);
  BlockRequest read{.id = request->id, .stream = *stream, .file = *file, .offset = *offset, .size = *size};
  if (const auto token = request->params->find("fileToken"))
    if (const auto text = token->text()) read.token = text->raw();
  return read;
}

std::uint16_t block_crc(Bytes bytes) {
  // The remainders of the sixteen values of half a byte.
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

void write_block_reply(Writer& out, const BlockReply& reply, std::string_view token) {
  std::array<std::uint8_t, 1024> buffer;
  Writer header{buffer};
  json::Writer json{header};
  const std::string_view said = !reply.message.empty() ? reply.message : reply.code == kFine ? "success" : "failed";
  json.begin_object().key("id").raw_string(reply.id).key("code").number(reply.code);
  json.key("data").begin_object();
  if (reply.code == kFine) {
    json.key("bSize").number(reply.block.size()).key("bOffset").number(reply.offset);
    json.key("fileLength").number(reply.file_length);
    if (!token.empty()) json.key("fileToken").raw_string(token);
  }
  json.end_object().key("message").string(said).end_object();
  if (!header.ok()) return out.refuse();
  out.binary(header.written());
  if (reply.code != kFine) return;
  out.bytes(reply.block);
  const std::uint16_t crc = block_crc(reply.block);
  out.u8(static_cast<std::uint8_t>(crc)), out.u8(static_cast<std::uint8_t>(crc >> 8));
}

}  // namespace tercet::alink
