#include "platform/upgrade/multipart.h"

#include <doctest/doctest.h>

#include <vector>

using namespace tercet;
using namespace tercet::upgrade;

namespace {

struct Seen final : MultipartEvents {
  bool on_field(std::string_view name, std::string_view value) override {
    text.append(name).append("=").append(value).append(";");
    return true;
  }
  bool on_file(std::string_view name, std::string_view file_name) override {
    text.append("[").append(name).append(":").append(file_name).append("]");
    return takes_files;
  }
  bool on_file_bytes(Bytes bytes) override { return text.append(as_text(bytes)), true; }
  bool on_file_end() override { return text.append("."), true; }
  std::string text;
  bool takes_files = true;
};

const std::string kForm =
    "--AaB\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nota/x.bin\r\n"
    "--AaB\r\ncontent-disposition: form-data; name=\"empty\"\r\n\r\n\r\n"
    "--AaB\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a \\\"b\\\".bin\"\r\n"
    "Content-Type: application/octet-stream\r\n\r\n"
    "one\r\n--Aa\r\n\r\n-two\r\n--AaB--\r\nafter";
constexpr std::string_view kRead = "key=ota/x.bin;empty=;[file:a \"b\".bin]one\r\n--Aa\r\n\r\n-two.";

}  // namespace

TEST_CASE("a form is read alike in pieces of every size") {
  for (std::size_t size = 1; size <= kForm.size(); ++size) {
    Seen seen;
    MultipartReader reader("AaB", seen);
    for (std::size_t at = 0; at < kForm.size(); at += size)
      REQUIRE(reader.take(as_bytes(std::string_view(kForm).substr(at, size))));
    CHECK(reader.is_whole());
    REQUIRE(seen.text == kRead);
  }
}

TEST_CASE("a form that is cut short is never whole") {
  const auto end = kForm.find("--AaB--") + 7;
  for (std::size_t size = 0; size < end; ++size) {
    Seen seen;
    MultipartReader reader("AaB", seen);
    static_cast<void>(reader.take(as_bytes(std::string_view(kForm).substr(0, size))));
    REQUIRE_FALSE(reader.is_whole());
  }
}

TEST_CASE("what is no form, or too much of one, is refused in words") {
  struct Case {
    std::string body, why;
  };
  const std::string head = "--AaB\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n";
  for (const Case& one : {Case{"--AaBx\r\n", "a boundary is not followed by a new line"},
                          Case{"--AaB\r\nContent-Type: text/plain\r\n\r\nx", "a part has no name"},
                          Case{"--AaB\r\n" + std::string(5000, 'x'), "a part's head is too long"},
                          Case{head + std::string(9000, 'x'), "a field is too long"}}) {
    Seen seen;
    MultipartReader reader("AaB", seen);
    CHECK_FALSE(reader.take(as_bytes(one.body)));
    CHECK(reader.problem() == one.why);
    CHECK_FALSE(reader.take(as_bytes(std::string_view("\r\n--AaB--"))));
  }
  Seen seen;
  seen.takes_files = false;
  MultipartReader reader("AaB", seen);
  CHECK_FALSE(reader.take(as_bytes(kForm)));
}

TEST_CASE("the boundary stands in the header, quoted or not") {
  CHECK(MultipartReader::boundary_of("multipart/form-data; boundary=AaB") == "AaB");
  CHECK(MultipartReader::boundary_of("Multipart/Form-Data; charset=x; Boundary=\"a b\"") == "a b");
  CHECK(MultipartReader::boundary_of("text/plain; boundary=AaB").empty());
  CHECK(MultipartReader::boundary_of("multipart/form-data").empty());
  CHECK(MultipartReader::boundary_of("multipart/form-data; boundary=" + std::string(71, 'x')).empty());
}
