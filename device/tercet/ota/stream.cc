#include "tercet/ota/stream.h"

#include <array>

#include "tercet/alink/block.h"
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
  if (alink::block_crc(block.block) != (low | high << 8)) return fail(Error::io_failed);
  return block;
}

}  // namespace tercet::ota
