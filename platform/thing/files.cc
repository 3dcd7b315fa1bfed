// Files that devices upload (device-protocol 8.10): messages are taken apart and checked here; the files are kept
// elsewhere.
#include "platform/thing/history.h"
#include "platform/thing/shard.h"
#include "tercet/alink/upload.h"

namespace tercet::thing {

using alink::Code;
using alink::Kind;
using auth::Cause;
using Taken = broker::Ingress::Taken;

namespace {

constexpr std::size_t kMostId = 128, kMostUid = 64, kMostCheck = 32;
constexpr std::size_t kReplyBytes = 400;  // beside its texts

}  // namespace

Taken ThingIngress::Shard::on_file_upload(const Message& message) {
  if (!uploads_) return decline(message);
  if (upload_rates_[message.device.number].ask(settings_.uploads_per_second, loop_.now()) != broker::Rate::Answer::pass)
    return refuse_upload(message, {}, Code::upload_throttled, Cause::publish_rate,
                         "more than " + std::to_string(settings_.uploads_per_second) + " messages a second");
  switch (message.topic.kind) {
    case Kind::file_upload_init:
      return on_upload_init(message);
    case Kind::file_upload_send:
      return on_upload_block(message);
    default:
      return on_upload_cancel(message);
  }
}

/// What is not understood, or cannot be whatever was uploaded so far.
Taken ThingIngress::Shard::refuse_upload(const Message& message, const UploadEcho& echo, Code code, Cause cause,
                                         std::string_view evidence) {
  ++counts_.refused_messages;
  topic_.assign(message.topic.path).append("_reply");
  reply_.clear();
  const alink::UploadReply reply{echo.id.substr(0, kMostId), code};
  const std::string_view name = echo.file_name.substr(0, kMostId), upload = echo.upload.substr(0, kMostId);
  append_written(reply_, reply.id.size() + name.size() + upload.size() + kReplyBytes, [&](auto& out) {
    if (message.topic.kind == Kind::file_upload_init) return alink::write_upload_init_reply(out, reply, name);
    if (message.topic.kind == Kind::file_upload_cancel) return alink::write_upload_cancel_reply(out, reply, upload);
    alink::write_upload_send_reply(out, reply, upload, echo.offset, echo.bytes);
  });
  send_now(message, topic_, reply_);
  note(message.device, &message.in, cause, alink::number(code), evidence);
  return Taken::done;
}

FileMessage ThingIngress::Shard::file_message(FileMessage::Kind kind, const Message& message, std::string_view id) {
  FileMessage said;
  said.kind = kind;
  said.device = message.device.number;
  said.product = message.product.key;
  said.name = message.device.name;
  said.id = id;
  return said;
}

Taken ThingIngress::Shard::hand_over(const Message& message, const UploadEcho& echo, FileMessage said) {
  if (uploads_(std::move(said))) return Taken::done;
  return refuse_upload(message, echo, Code::too_many_requests, Cause::server_full, {});
}

Taken ThingIngress::Shard::on_upload_init(const Message& message) {
  const auto init = alink::parse_upload_init(as_text(message.in.payload));
  if (!init)
    return refuse_upload(message, {}, Code::request_error, Cause::payload_not_json,
                         "the payload must be a JSON object with params");
  const UploadEcho echo{.id = init->id, .file_name = init->file_name};
  const auto refuse_member = [&](std::string_view what) {
    return refuse_upload(message, echo, Code::parameter_error, Cause::params_wrong_type, what);
  };
  const auto conflict = alink::conflict_of(init->conflict);
  if (!alink::is_upload_name(init->file_name))
    return refuse_member("fileName has 1 to 100 letters, digits, _ and ., the first a letter or a digit");
  if (!init->file_bytes || *init->file_bytes == 0 || *init->file_bytes < -1)
    return refuse_member("fileSize is a number of bytes, or -1 when it is not known yet");
  if (!conflict) return refuse_member("conflictStrategy is overwrite, append or reject");
  if (!init->check_mode.empty() && init->check_mode != "crc64") return refuse_member("ficMode is crc64, or left out");
  if (init->id.size() > kMostId || init->init_uid.size() > kMostUid || init->check_value.size() > kMostCheck)
    return refuse_member("id has at most 128 bytes, initUid 64, ficValue 32");
  if (*init->file_bytes > static_cast<std::int64_t>(alink::kMaxUploadBytes))
    return refuse_upload(message, echo, Code::file_too_large, Cause::params_wrong_type,
                         "fileSize " + std::to_string(*init->file_bytes) + ", at most 16777216");
  FileMessage said = file_message(FileMessage::Kind::init, message, init->id);
  said.file_name = init->file_name;
  said.file_bytes = *init->file_bytes;
  said.conflict = *conflict;
  if (!init->check_mode.empty()) said.check = init->check_value;
  said.init_uid = init->init_uid;
  return hand_over(message, echo, std::move(said));
}

Taken ThingIngress::Shard::on_upload_block(const Message& message) {
  const auto block = alink::parse_upload_block(message.in.payload);
  if (!block)
    return refuse_upload(message, {}, Code::request_error, Cause::payload_not_json,
                         "two bytes of length, a JSON header with params, the block, two bytes of CRC-16");
  const UploadEcho echo{.id = block->id,
                        .upload = block->upload_id,
                        .offset = block->offset.value_or(0),
                        .bytes = block->bytes.value_or(0)};
  if (block->is_damaged)
    return refuse_upload(message, echo, Code::block_damaged, Cause::params_wrong_type,
                         "the CRC-16 of " + std::to_string(block->block.size()) + " bytes at offset " +
                             std::to_string(echo.offset) + " is wrong");
  if (!block->offset || !block->bytes || block->upload_id.empty() || block->upload_id.size() > alink::kMaxUploadId ||
      block->id.size() > kMostId)
    return refuse_upload(message, echo, Code::parameter_error, Cause::params_wrong_type,
                         "params must hold uploadId, offset and bSize");
  if (block->block.size() > alink::kMaxUploadBlock || *block->bytes > alink::kMaxUploadBlock)
    return refuse_upload(message, echo, Code::block_too_large, Cause::params_wrong_type,
                         std::to_string(*block->bytes) + " bytes in one block, at most 131072");
  if (*block->bytes != block->block.size())
    return refuse_upload(message, echo, Code::parameter_error, Cause::params_wrong_type,
                         "bSize says " + std::to_string(*block->bytes) + ", the block has " +
                             std::to_string(block->block.size()) + " bytes");
  FileMessage said = file_message(FileMessage::Kind::block, message, block->id);
  said.upload = block->upload_id;
  said.offset = *block->offset;
  said.is_complete = block->is_complete;
  said.bytes = as_text(block->block);
  return hand_over(message, echo, std::move(said));
}

Taken ThingIngress::Shard::on_upload_cancel(const Message& message) {
  const auto cancel = alink::parse_upload_cancel(as_text(message.in.payload));
  if (!cancel)
    return refuse_upload(message, {}, Code::request_error, Cause::payload_not_json,
                         "the payload must be a JSON object with params");
  const UploadEcho echo{.id = cancel->id, .upload = cancel->upload_id};
  if (cancel->upload_id.empty() || cancel->upload_id.size() > alink::kMaxUploadId || cancel->id.size() > kMostId)
    return refuse_upload(message, echo, Code::parameter_error, Cause::params_wrong_type, "params must hold uploadId");
  FileMessage said = file_message(FileMessage::Kind::cancel, message, cancel->id);
  said.upload = cancel->upload_id;
  return hand_over(message, echo, std::move(said));
}

}  // namespace tercet::thing
