#include "tercet/alink/upload.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace tercet;
using namespace tercet::alink;

namespace {

using View = std::string_view;

template <typename Write>
std::string written(Write&& write) {
  std::vector<std::uint8_t> buffer(600);
  Writer out{buffer};
  write(out);
  REQUIRE(out.ok());
  return std::string(as_text(out.written()));
}

constexpr View kInit =
    R"({"id":"3","params":{"fileName":"trace.log","fileSize":5,"conflictStrategy":"append","ficMode":"crc64","ficValue":"995DC9BBDF1939FA","initUid":"u7"}})";

/// The reference's frame: uploadId u1, id 9, bytes HELLO, complete.
std::string sample_frame() {
  const View hex =
      "004c7b226964223a2239222c22706172616d73223a7b2275706c6f61644964223a227531222c226f6666736574223a302c226253697a65"
      "223a352c226973436f6d706c657465223a747275657d7d48454c4c4f41e1";
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) bytes += static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1]));
  return bytes;
}

std::string frame(View id, View upload, std::uint64_t offset, View block, bool last) {
  return written([&](Writer& out) {
    write_upload_block_head(out, id, upload, offset, block.size(), last);
    out.text(block);
    write_upload_block_tail(out, as_bytes(block));
  });
}

}  // namespace

TEST_CASE("[8.10] the reference's send frame is written byte for byte, and read") {
  CHECK(frame("9", "u1", 0, "HELLO", true) == sample_frame());
  const std::string bytes = sample_frame();
  const auto block = parse_upload_block(as_bytes(View(bytes)));
  REQUIRE(block.has_value());
  CHECK(block->id == "9");
  CHECK(block->upload_id == "u1");
  CHECK(block->offset == 0u);
  CHECK(block->bytes == 5u);
  CHECK(block->is_complete);
  CHECK(!block->is_damaged);
  CHECK(as_text(block->block) == "HELLO");
}

TEST_CASE("[8.10] a send frame that was cut anywhere is no frame, or damaged") {
  const std::string whole = sample_frame();
  for (std::size_t n = 0; n < whole.size(); ++n) {
    const std::string part = whole.substr(0, n);
    const auto block = parse_upload_block(as_bytes(View(part)));
    CHECK((!block || block->is_damaged || block->bytes != block->block.size()));
  }
  for (std::size_t i = 0x4e; i < whole.size(); ++i) {  // a bit of the block or of the checksum
    std::string bent = whole;
    bent[i] = static_cast<char>(bent[i] ^ 4);
    const auto block = parse_upload_block(as_bytes(View(bent)));
    REQUIRE(block.has_value());
    CHECK(block->is_damaged);
  }
  CHECK(!parse_upload_block(as_bytes(View("\0\2{}HELLO12", 11))).has_value());
}

TEST_CASE("[8.10] numbers of a block that are missing or negative are nothing") {
  const View header = R"({"id":"1","params":{"uploadId":"u","offset":-1,"isComplete":"yes"}})";
  std::string bytes = std::string(1, '\0') + static_cast<char>(header.size()) + std::string(header) + "\0\0";
  bytes.append(2, '\0');
  const auto block = parse_upload_block(as_bytes(View(bytes)));
  REQUIRE(block.has_value());
  CHECK(!block->offset.has_value());
  CHECK(!block->bytes.has_value());
  CHECK(!block->is_complete);
  CHECK(block->block.empty());
}

TEST_CASE("[8.10] init is written and read back, whole; cut anywhere it is nothing") {
  const auto init = parse_upload_init(kInit);
  REQUIRE(init.has_value());
  CHECK(init->id == "3");
  CHECK(init->file_name == "trace.log");
  CHECK(init->file_bytes == 5);
  CHECK(init->conflict == "append");
  CHECK(init->check_mode == "crc64");
  CHECK(init->check_value == "995DC9BBDF1939FA");
  CHECK(init->init_uid == "u7");
  CHECK(written([&](Writer& out) { write_upload_init(out, *init); }) == kInit);
  for (std::size_t n = 0; n < kInit.size(); ++n) CHECK(!parse_upload_init(kInit.substr(0, n)).has_value());
}

TEST_CASE("[8.10] an init without most members is read; extraParams are ignored; of unknown size is -1") {
  const auto init = parse_upload_init(
      R"({"id":4,"params":{"fileName":"a","fileSize":-1,"extraParams":{"ossOwnerType":"device-user","fileTag":{"fileName":"b"}},}})");
  REQUIRE(init.has_value());
  CHECK(init->id == "4");
  CHECK(init->file_name == "a");
  CHECK(init->file_bytes == -1);
  CHECK(init->conflict.empty());
  CHECK(written([](Writer& out) { write_upload_init(out, {.id = "4", .file_name = "a"}); }) ==
        R"({"id":"4","params":{"fileName":"a","fileSize":-1}})");
  for (const View bad : {"", "x", "[]", "{}", R"({"id":"1","params":[]})", R"({"id":"1","params":"a"})"})
    CHECK(!parse_upload_init(bad).has_value());
  const auto odd = parse_upload_init(R"({"params":{"fileName":7,"fileSize":"5"}})");
  REQUIRE(odd.has_value());
  CHECK(odd->file_name.empty());
  CHECK(!odd->file_bytes.has_value());
}

TEST_CASE("[8.10] replies have code, data and message, and are read back") {
  const std::string begun = written([](Writer& out) { write_upload_init_reply(out, {"3"}, "a.log", "u1", 512, -1); });
  CHECK(
      begun ==
      R"({"id":"3","code":200,"data":{"fileName":"a.log","uploadId":"u1","offset":512,"fileSize":-1},"message":"success"})");
  const auto answer = parse_upload_answer(begun);
  REQUIRE(answer.has_value());
  CHECK(answer->id == "3");
  CHECK(answer->code == 200);
  CHECK(answer->file_name == "a.log");
  CHECK(answer->upload_id == "u1");
  CHECK(answer->offset == 512u);
  CHECK(written([](Writer& out) {
          write_upload_init_reply(out, {"3", Code::file_exists}, "a.log");
        }) == R"({"id":"3","code":78123,"data":{"fileName":"a.log"},"message":"exists already"})");

  const std::string taken = written([](Writer& out) { write_upload_send_reply(out, {"9"}, "u1", 0, 5, true); });
  CHECK(taken ==
        R"({"id":"9","code":200,"data":{"uploadId":"u1","offset":0,"bSize":5,"complete":true},"message":"success"})");
  CHECK(parse_upload_answer(taken)->complete);
  CHECK(parse_upload_answer(taken)->block_bytes == 5u);
  CHECK(written([](Writer& out) {
          write_upload_send_reply(out, {"9", Code::block_damaged}, "u1", 0, 5);
        }) ==
        R"({"id":"9","code":78121,"data":{"uploadId":"u1","offset":0,"bSize":5},"message":"wrong crc of the block"})");
  CHECK(written([](Writer& out) {
          write_upload_cancel_reply(out, {"2", Code::upload_not_found, "said"}, "u1");
        }) == R"({"id":"2","code":78122,"data":{"uploadId":"u1"},"message":"said"})");
  for (std::size_t n = 0; n < taken.size(); ++n) CHECK(!parse_upload_answer(View(taken).substr(0, n)).has_value());
  CHECK(parse_upload_answer(R"({"code":500})")->code == 500);
}

TEST_CASE("[8.10] cancel is written and read back; cut anywhere it is nothing") {
  const std::string text = written([](Writer& out) { write_upload_cancel(out, "5", "u1"); });
  CHECK(text == R"({"id":"5","params":{"uploadId":"u1"}})");
  const auto cancel = parse_upload_cancel(text);
  REQUIRE(cancel.has_value());
  CHECK(cancel->id == "5");
  CHECK(cancel->upload_id == "u1");
  for (std::size_t n = 0; n < text.size(); ++n) CHECK(!parse_upload_cancel(View(text).substr(0, n)).has_value());
}

TEST_CASE("[8.10] names are letters, digits, _ and ., and conflicts three words") {
  for (const View good : {"a", "9.log", "A_b.c"}) CHECK(is_upload_name(good));
  for (const View bad : {"", ".a", "_a", "a/b", "a b", "a-b", "\xC3\xA4"}) CHECK(!is_upload_name(bad));
  CHECK(is_upload_name(std::string(100, 'a')));
  CHECK(!is_upload_name(std::string(101, 'a')));
  CHECK(conflict_of("") == Conflict::overwrite);
  for (const Conflict one : {Conflict::overwrite, Conflict::append, Conflict::reject})
    CHECK(conflict_of(name(one)) == one);
  CHECK(!conflict_of("Append").has_value());
}
