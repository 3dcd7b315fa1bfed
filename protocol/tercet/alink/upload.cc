#include "tercet/alink/upload.h"

#include <array>

#include "tercet/alink/block.h"
#include "tercet/alink/envelope.h"
#include "tercet/base/reader.h"
#include "tercet/json/writer.h"

namespace tercet::alink {
namespace {

bool is_object(const std::optional<json::Value>& value) { return value && value->is(json::Type::object); }

std::string_view text_of(const json::Value& object, std::string_view name) {
  const auto value = object.find(name);
  const auto text = value ? value->text() : std::nullopt;
  return text ? text->raw() : std::string_view{};
}

std::optional<std::uint64_t> count_of(const json::Value& object, std::string_view name) {
  const auto value = object.find(name);
  const auto whole = value ? value->integer() : std::nullopt;
  if (!whole || *whole < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*whole);
}

bool is_true(const json::Value& object, std::string_view name) {
  const auto value = object.find(name);
  return value && value->boolean().value_or(false);
}

/// `{"id":"7","code":200,"data":{…},"message":"success"}`.
template <typename Data>
void write_reply(Writer& out, const UploadReply& reply, Data&& data) {
  json::Writer json{out};
  json.begin_object().key("id").raw_string(reply.id).key("code").number(number(reply.code));
  json.key("data").begin_object();
  data(json);
  json.end_object().key("message").string(reply.message.empty() ? message(reply.code) : reply.message).end_object();
}

}  // namespace

bool is_upload_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxUploadName || name.front() == '_' || name.front() == '.') return false;
  for (const char c : name) {
    const bool good =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_';
    if (!good) return false;
  }
  return true;
}

std::optional<Conflict> conflict_of(std::string_view word) {
  if (word.empty() || word == "overwrite") return Conflict::overwrite;
  if (word == "append") return Conflict::append;
  if (word == "reject") return Conflict::reject;
  return std::nullopt;
}

std::string_view name(Conflict conflict) {
  return conflict == Conflict::append ? "append" : conflict == Conflict::reject ? "reject" : "overwrite";
}

Result<UploadInit> parse_upload_init(std::string_view payload) {
  const auto request = parse_request(payload);
  if (!request || !is_object(request->params)) return fail(Error::malformed);
  const json::Value& params = *request->params;
  UploadInit init;
  init.id = request->id;
  init.file_name = text_of(params, "fileName");
  if (const auto size = params.find("fileSize")) init.file_bytes = size->integer();
  init.conflict = text_of(params, "conflictStrategy");
  init.check_mode = text_of(params, "ficMode");
  init.check_value = text_of(params, "ficValue");
  init.init_uid = text_of(params, "initUid");
  return init;
}

void write_upload_init(Writer& out, const UploadInit& init) {
  json::Writer json{out};
  json.begin_object().key("id").raw_string(init.id).key("params").begin_object();
  json.key("fileName").raw_string(init.file_name).key("fileSize").number(init.file_bytes.value_or(-1));
  if (!init.conflict.empty()) json.key("conflictStrategy").raw_string(init.conflict);
  if (!init.check_mode.empty()) json.key("ficMode").raw_string(init.check_mode);
  if (!init.check_value.empty()) json.key("ficValue").raw_string(init.check_value);
  if (!init.init_uid.empty()) json.key("initUid").raw_string(init.init_uid);
  json.end_object().end_object();
}

void write_upload_init_reply(Writer& out, const UploadReply& reply, std::string_view file_name,
                             std::string_view upload_id, std::uint64_t offset, std::int64_t file_bytes) {
  write_reply(out, reply, [&](json::Writer& data) {
    data.key("fileName").raw_string(file_name);
    if (reply.code != Code::success) return;
    data.key("uploadId").raw_string(upload_id).key("offset").number(offset).key("fileSize").number(file_bytes);
  });
}

void write_upload_send_reply(Writer& out, const UploadReply& reply, std::string_view upload_id, std::uint64_t offset,
                             std::uint64_t block_bytes, bool complete) {
  write_reply(out, reply, [&](json::Writer& data) {
    data.key("uploadId").raw_string(upload_id).key("offset").number(offset).key("bSize").number(block_bytes);
    if (complete) data.key("complete").boolean(true);
  });
}

void write_upload_cancel_reply(Writer& out, const UploadReply& reply, std::string_view upload_id) {
  write_reply(out, reply, [&](json::Writer& data) { data.key("uploadId").raw_string(upload_id); });
}

void write_upload_cancel(Writer& out, std::string_view id, std::string_view upload_id) {
  json::Writer json{out};
  json.begin_object().key("id").raw_string(id).key("params").begin_object();
  json.key("uploadId").raw_string(upload_id).end_object().end_object();
}

Result<UploadAnswer> parse_upload_answer(std::string_view payload) {
  const auto reply = parse_reply(payload);
  if (!reply) return fail(Error::malformed);
  UploadAnswer answer;
  answer.id = reply->id, answer.code = reply->code, answer.message = reply->message;
  if (!is_object(reply->data)) return answer;
  const json::Value& data = *reply->data;
  answer.file_name = text_of(data, "fileName");
  answer.upload_id = text_of(data, "uploadId");
  answer.offset = count_of(data, "offset");
  answer.block_bytes = count_of(data, "bSize");
  answer.complete = is_true(data, "complete");
  return answer;
}

Result<UploadCancel> parse_upload_cancel(std::string_view payload) {
  const auto request = parse_request(payload);
  if (!request || !is_object(request->params)) return fail(Error::malformed);
  return UploadCancel{request->id, text_of(*request->params, "uploadId")};
}

Result<UploadBlock> parse_upload_block(Bytes frame) {
  Reader in{frame};
  const Bytes header = in.binary();
  if (!in.ok() || in.left() < 2) return fail(Error::malformed);
  const auto request = parse_request(as_text(header));
  if (!request || !is_object(request->params)) return fail(Error::malformed);
  UploadBlock block;
  block.id = request->id;
  block.upload_id = text_of(*request->params, "uploadId");
  block.offset = count_of(*request->params, "offset");
  block.bytes = count_of(*request->params, "bSize");
  block.is_complete = is_true(*request->params, "isComplete");
  block.block = in.bytes(in.left() - 2);
  const unsigned low = in.u8(), high = in.u8();
  block.is_damaged = block_crc(block.block) != (low | high << 8);
  return block;
}

void write_upload_block_head(Writer& out, std::string_view id, std::string_view upload_id, std::uint64_t offset,
                             std::uint64_t block_bytes, bool is_complete) {
  std::array<std::uint8_t, 320> buffer;
  Writer header{buffer};
  json::Writer json{header};
  json.begin_object().key("id").raw_string(id).key("params").begin_object();
  json.key("uploadId").raw_string(upload_id).key("offset").number(offset).key("bSize").number(block_bytes);
  json.key("isComplete").boolean(is_complete).end_object().end_object();
  if (!header.ok()) return out.refuse();
  out.binary(header.written());
}

void write_upload_block_tail(Writer& out, Bytes block) {
  const std::uint16_t crc = block_crc(block);
  out.u8(static_cast<std::uint8_t>(crc)), out.u8(static_cast<std::uint8_t>(crc >> 8));
}

}  // namespace tercet::alink
