// What devices and platform say about files, read and written back.
#include <cstdlib>
#include <vector>

#include "tercet/alink/upload.h"

namespace {

void must(bool holds) {
  if (!holds) std::abort();
}

void block(tercet::Bytes data) {
  const auto read = tercet::alink::parse_upload_block(data);
  if (!read) return;
  must(read->block.size() + 4 <= data.size());
  if (!read->offset || read->upload_id.size() > 63 || read->id.size() > 63) return;
  std::vector<std::uint8_t> buffer(data.size() + 1024);
  tercet::Writer out{buffer};
  tercet::alink::write_upload_block_head(out, read->id, read->upload_id, *read->offset, read->block.size(),
                                         read->is_complete);
  out.bytes(read->block);
  tercet::alink::write_upload_block_tail(out, read->block);
  must(out.ok());
  const auto again = tercet::alink::parse_upload_block(out.written());
  must(again && !again->is_damaged && again->id == read->id && again->upload_id == read->upload_id &&
       again->offset == read->offset && again->is_complete == read->is_complete &&
       again->block.size() == read->block.size());
}

void init(std::string_view text) {
  const auto read = tercet::alink::parse_upload_init(text);
  if (!read || !read->file_bytes) return;
  std::vector<std::uint8_t> buffer(text.size() + 512);
  tercet::Writer out{buffer};
  tercet::alink::write_upload_init(out, *read);
  must(out.ok());
  const auto again = tercet::alink::parse_upload_init(out.text());
  must(again && again->file_name == read->file_name && again->file_bytes == read->file_bytes &&
       again->conflict == read->conflict && again->init_uid == read->init_uid);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const tercet::Bytes bytes{data, size};
  block(bytes);
  init(tercet::as_text(bytes));
  static_cast<void>(tercet::alink::parse_upload_cancel(tercet::as_text(bytes)));
  static_cast<void>(tercet::alink::parse_upload_answer(tercet::as_text(bytes)));
  return 0;
}
