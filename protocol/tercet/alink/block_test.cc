#include "tercet/alink/block.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace tercet;
using namespace tercet::alink;

TEST_CASE("[7.6] the reference frame is written byte for byte") {
  const std::string header =
      R"({"id":"7","code":200,"data":{"bSize":5,"bOffset":0,"fileLength":5},"message":"success"})";
  const std::string expected = std::string("\0\x57", 2) + header + "HELLO\x41\xe1";
  std::vector<std::uint8_t> buffer(400);
  Writer out{buffer};
  write_block_reply(out, {.id = "7", .file_length = 5, .block = as_bytes(std::string_view("HELLO"))}, "");
  REQUIRE(out.ok());
  CHECK(as_text(out.written()) == expected);
  CHECK(block_crc(as_bytes(std::string_view("123456789"))) == 0xBB3D);
}

TEST_CASE("[7.6] a refusal is a header alone") {
  std::vector<std::uint8_t> buffer(400);
  Writer out{buffer};
  write_block_reply(out, {.id = "7", .code = 460, .message = "no"}, "default");
  const std::string header = R"({"id":"7","code":460,"data":{},"message":"no"})";
  CHECK(as_text(out.written()) == std::string(1, '\0') + static_cast<char>(header.size()) + header);
}

TEST_CASE("[7.6] requests are read as the vendor's C SDK writes them, and refused when a number is missing") {
  const auto read = parse_block_request(
      R"({"id":"3","version":"1.0","params":{"fileToken":"default","fileInfo":{"streamId":12,"fileId":1,},"fileBlock":{"size":5120,"offset":10240}}})");
  REQUIRE(read.has_value());
  CHECK(read->id == "3");
  CHECK(read->token == "default");
  CHECK(read->stream == 12);
  CHECK(read->file == 1);
  CHECK(read->size == 5120);
  CHECK(read->offset == 10240);
  for (const std::string_view bad :
       {"", "{}", R"({"params":{}})", R"({"params":{"fileInfo":{"streamId":1,"fileId":1}}})",
        R"({"params":{"fileInfo":{"streamId":1,"fileId":1},"fileBlock":{"size":-1,"offset":0}}})",
        R"({"params":{"fileInfo":{"streamId":"x","fileId":1},"fileBlock":{"size":1,"offset":0}}})"})
    CHECK(!parse_block_request(bad).has_value());
}
