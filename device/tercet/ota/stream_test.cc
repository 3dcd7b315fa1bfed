#include "tercet/ota/stream.h"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

#include "tercet/crypto/encoding.h"

using namespace tercet;
using namespace tercet::ota;

namespace {

constexpr std::string_view kHello =
    "00577b226964223a2237222c22636f6465223a3230302c2264617461223a7b226253697a65223a352c22624f6666736574223a302c2266696c"
    "654c656e677468223a357d2c226d657373616765223a2273756363657373227d48454c4c4f41e1";

std::vector<std::uint8_t> hello() {
  std::vector<std::uint8_t> bytes(kHello.size() / 2);
  REQUIRE(crypto::decode_hex(kHello, bytes));
  return bytes;
}

std::vector<std::uint8_t> frame(std::string_view header, std::string_view rest) {
  std::vector<std::uint8_t> bytes(2 + header.size() + rest.size());
  Writer out{bytes};
  out.binary(as_bytes(header)), out.text(rest);
  return bytes;
}

}  // namespace

TEST_CASE("the protocol's own frame is read") {
  const auto bytes = hello();
  const auto reply = parse_block_reply(bytes);
  REQUIRE(reply);
  CHECK(reply->id == "7");
  CHECK(reply->code == 200);
  CHECK(reply->offset == 0);
  CHECK(reply->file_length == 5);
  CHECK(as_text(reply->block) == "HELLO");
}

TEST_CASE("a request is as the protocol has it") {
  std::array<std::uint8_t, kMaxBlockRequestBytes> buffer;
  Writer out{buffer};
  write_block_request(out, {.id = 7, .stream_id = 1, .file_id = 2, .offset = 1024, .size = 5120});
  CHECK(out.text() ==
        R"({"id":"7","version":"1.0","params":{"fileToken":"default","fileInfo":{"streamId":1,"fileId":2},)"
        R"("fileBlock":{"size":5120,"offset":1024}}})");
  Writer longest{buffer};
  constexpr std::uint32_t kMost = 0xFFFF'FFFF;
  write_block_request(longest, {kMost, kMost, kMost, kMost, kMost});
  CHECK(longest.ok());
}

TEST_CASE("every truncation, every prolongation and every changed bit of a frame is noticed") {
  const auto whole = hello();
  for (std::size_t size = 0; size < whole.size(); ++size) CHECK(!parse_block_reply(Bytes{whole}.first(size)));
  auto longer = whole;
  longer.push_back(0);
  CHECK(!parse_block_reply(longer));
  for (std::size_t at = whole.size() - 7; at < whole.size(); ++at)
    for (int bit = 0; bit < 8; ++bit) {
      auto changed = whole;
      changed[at] = static_cast<std::uint8_t>(changed[at] ^ (1 << bit));
      const auto reply = parse_block_reply(changed);
      CHECK((!reply && reply.error() == Error::io_failed));
    }
}

TEST_CASE("an answer that says no has no block") {
  const auto bytes = frame(R"({"id":"7","code":404,"message":"no such stream"})", "whatever");
  const auto reply = parse_block_reply(bytes);
  REQUIRE(reply);
  CHECK(reply->code == 404);
  CHECK(reply->message == "no such stream");
  CHECK(reply->block.empty());
}

TEST_CASE("lengths and offsets that are none, or contradict the frame, are malformed") {
  const std::string end("HELLO\x41\xe1", 7);
  const auto header = [](std::string_view data) { return R"({"id":"7","code":200,"data":)" + std::string(data) + "}"; };
  CHECK(parse_block_reply(frame(header(R"({"bSize":5,"bOffset":0})"), end)));
  for (const char* data :
       {R"({"bSize":4,"bOffset":0})", R"({"bSize":6,"bOffset":0})", R"({"bSize":-1,"bOffset":0})", R"({"bSize":5})",
        R"({"bSize":5,"bOffset":-1})", R"({"bSize":5,"bOffset":4294967296})", R"({"bSize":"5","bOffset":0})", "7"}) {
    CAPTURE(data);
    const auto reply = parse_block_reply(frame(header(data), end));
    CHECK((!reply && reply.error() == Error::malformed));
  }
  CHECK(!parse_block_reply(frame("{}", end)));
  CHECK(!parse_block_reply(frame("", "")));
}
