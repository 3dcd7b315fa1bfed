#include "tercet/alink/envelope.h"

#include <doctest/doctest.h>

#include <array>
#include <optional>
#include <string>
#include <vector>

using namespace tercet;
using namespace tercet::alink;

namespace {

template <typename Fill>
std::string written(Fill&& fill) {
  std::array<std::uint8_t, 1024> buffer;
  Writer out{buffer};
  fill(out);
  REQUIRE(out.ok());
  return std::string(out.text());
}

/// Looks a member up the way the vendor's C SDK 4 does: it has no JSON parser, but takes the first place in the text
/// where the quoted name stands. If no colon follows at once, the look-up fails for good. A string ends at the next
/// quote, a container where its brackets balance (those inside strings included), anything else at , ] or }.
std::optional<std::string> scan_text(std::string_view json, std::string_view name) {
  const std::string quoted = "\"" + std::string(name) + "\"";
  std::size_t at = json.find(quoted);
  if (at == std::string_view::npos) return std::nullopt;
  at += quoted.size();
  if (at >= json.size() || json[at] != ':') return std::nullopt;
  const std::string_view rest = json.substr(at + 1);
  if (rest.empty()) return std::nullopt;
  if (rest[0] == '"') {
    const std::size_t end = rest.find('"', 1);
    if (end == std::string_view::npos) return std::nullopt;
    return std::string(rest.substr(1, end - 1));
  }
  if (rest[0] == '{' || rest[0] == '[') {
    const char open = rest[0];
    const char close = open == '{' ? '}' : ']';
    int depth = 0;
    for (std::size_t i = 0; i < rest.size(); ++i) {
      if (rest[i] == open) ++depth;
      if (rest[i] == close && --depth == 0) return std::string(rest.substr(0, i + 1));
    }
    return std::nullopt;
  }
  const std::size_t end = rest.find_first_of(",]}");
  if (end == std::string_view::npos) return std::nullopt;
  return std::string(rest.substr(0, end));
}

std::string id_after(std::string_view payload) {
  const auto request = parse_request(payload);
  REQUIRE(request);
  return written([&](Writer& out) { write_reply(out, {.id = request->id}); });
}

}  // namespace

TEST_CASE("a request is taken apart whatever the order of its members") {
  const auto request = parse_request(
      R"({"id":"123","version":"1.0","sys":{"ack":0},"params":{"t":1},"method":"thing.event.property.post","x":[1]})");
  REQUIRE(request);
  CHECK(request->id == "123");
  CHECK(request->version == "1.0");
  CHECK(request->method == "thing.event.property.post");
  CHECK(!request->wants_reply);
  CHECK(request->params->raw() == R"({"t":1})");
  const auto bare = parse_request(R"({"params":[1,2]})");
  REQUIRE(bare);
  CHECK(bare->id.empty());
  CHECK(bare->method.empty());
  CHECK(bare->wants_reply);
  CHECK(bare->params->size() == 2);
  CHECK(!parse_request("{}")->params);
  CHECK(parse_request(R"({"sys":{"ack":1}})")->wants_reply);
  CHECK(parse_request(R"({"sys":{}})")->wants_reply);
  CHECK(parse_request(R"({"sys":1})")->wants_reply);
}

TEST_CASE("the quirks of official clients are understood") {
  // C4: numeric id and a blank after the comma; the string "{}"; a trailing comma.
  CHECK(parse_request(R"({"id":1, "params":{"version":"1.0.1"}})")->id == "1");
  const auto topo = parse_request(R"({"id":"7","version":"1.0","params":"{}"})");
  REQUIRE(topo);
  CHECK(topo->params->is(json::Type::object));
  CHECK(topo->params->raw() == "{}");
  const auto file = parse_request(R"({"id":"1","params":{"fileInfo":{"streamId":1,"fileId":2,},"x":3}})");
  REQUIRE(file);
  CHECK(file->params->find("fileInfo")->find("fileId")->integer() == 2);
  CHECK(parse_request(R"({"params":"text"})")->params->is(json::Type::string));
}

TEST_CASE("an id is echoed byte for byte as a string") {
  const std::vector<std::pair<std::string, std::string>> table{
      {R"({"id":"123"})", R"("123")"},
      {R"({"id":123})", R"("123")"},
      {R"({"id":"3|exp-topic|/sys/pk/dn/thing/event/property/post_reply"})",
       R"("3|exp-topic|/sys/pk/dn/thing/event/property/post_reply")"},
      {R"({"id":"a\"\u00e9\\"})", R"("a\"\u00e9\\")"},
      {R"({"id":4294967296000})", R"("4294967296000")"},
      {R"({"id":null})", R"("")"},
      {R"({})", R"("")"},
  };
  for (const auto& [payload, echoed] : table) {
    CHECK(id_after(payload) == R"({"id":)" + echoed + R"(,"code":200,"message":"success","data":{}})");
    CHECK(json::parse(std::string_view(id_after(payload))));
  }
}

TEST_CASE("what is not a JSON object is malformed, at every truncation") {
  const std::string whole = R"({"id":"1","version":"1.0","params":{"t":21.5,"h":[1,{"a":null}]},"method":"m"})";
  REQUIRE(parse_request(whole));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::string cut = whole.substr(0, size);
    CHECK(parse_request(cut).error() == Error::malformed);
  }
  for (const std::string_view bad : {"[]", "1", "null", "{\"id\":1} x", "hello"})
    CHECK(parse_request(bad).error() == Error::malformed);
  for (std::size_t at = 0; at < whole.size(); ++at)
    for (int byte = 0; byte < 256; ++byte) {
      std::string changed = whole;
      changed[at] = static_cast<char>(byte);
      const auto request = parse_request(changed);
      if (request) (void)id_after(changed);
    }
}

TEST_CASE("a reply has id, code and message before data, and method and version behind it") {
  CHECK(written([](Writer& out) { write_reply(out, {.id = "1", .method = "thing.event.property.post"}); }) ==
        R"({"id":"1","code":200,"message":"success","data":{},"method":"thing.event.property.post","version":"1.0"})");
  CHECK(written([](Writer& out) {
          write_reply(out, {.id = "1", .code = Code::parameter_error, .data = R"({"a":1})"});
        }) == R"({"id":"1","code":460,"message":"request parameter error","data":{"a":1}})");
  CHECK(written([](Writer& out) { write_device_reply(out, "9", 200); }) == R"({"id":"9","code":200,"data":{}})");
}

TEST_CASE("a text-scanning client finds what it needs in our replies, whatever is in data") {
  const std::vector<std::string> datas{"{}", "[]", R"({"LightCurrent":"tsl parse: params not exist"})",
                                       R"({"id":"wrong","code":1,"message":"wrong","data":{"id":2},"params":0})",
                                       R"([{"productKey":"pk","deviceName":"dn"}])"};
  for (const std::string& data : datas)
    for (const Code code : {Code::success, Code::parameter_error, Code::params_not_exist, Code::too_many_requests}) {
      const std::string reply = written([&](Writer& out) {
        write_reply(out, {.id = "4294967295", .code = code, .data = data, .method = "thing.event.property.post"});
      });
      CAPTURE(reply);
      CHECK(scan_text(reply, "id") == "4294967295");
      CHECK(scan_text(reply, "code") == std::to_string(number(code)));
      CHECK(scan_text(reply, "message") == std::string(message(code)));
      CHECK(scan_text(reply, "data") == data);
      const auto back = parse_reply(reply);
      REQUIRE(back);
      CHECK(back->code == number(code));
      CHECK(back->data->raw() == data);
    }
}

TEST_CASE("a text-scanning client finds what it needs in our requests") {
  const std::string set = written(
      [](Writer& out) { write_request(out, "17", "thing.service.property.set", R"({"interval":30,"name":"x"})"); });
  CHECK(set ==
        R"({"id":"17","version":"1.0","params":{"interval":30,"name":"x"},"method":"thing.service.property.set"})");
  CHECK(scan_text(set, "id") == "17");
  CHECK(scan_text(set, "params") == R"({"interval":30,"name":"x"})");
}

TEST_CASE("the messages of codes cannot be mistaken by a text scanner") {
  for (int value = 0; value < 30'000; ++value) {
    const std::string_view text = message(static_cast<Code>(value));
    for (const std::string_view name : {"id", "code", "message", "data", "params", "method", "version"})
      CHECK(text != name);
    CHECK(text.find_first_of("\"\\{}[]") == std::string_view::npos);
    CHECK(!text.empty());
  }
}

TEST_CASE("every error has a code of its own kind") {
  CHECK(code_of(Error::malformed) == Code::parameter_error);
  CHECK(code_of(Error::not_found) == Code::device_not_found);
  CHECK(code_of(Error::rate_limited) == Code::too_many_requests);
  CHECK(code_of(Error::internal) == Code::system_exception);
  for (int error = 0; error <= static_cast<int>(Error::internal); ++error)
    CHECK(code_of(static_cast<Error>(error)) != Code::success);
}

TEST_CASE("replies of devices are read, numeric or text codes alike") {
  const auto reply = parse_reply(R"({"id":"5","code":"200","data":{"a":1},"message":"ok","method":"m"})");
  REQUIRE(reply);
  CHECK(reply->id == "5");
  CHECK(reply->code == 200);
  CHECK(reply->message == "ok");
  CHECK(reply->method == "m");
  CHECK(parse_reply(R"({"id":5,"code":100001})")->code == 100001);
  CHECK(!parse_reply(R"({"id":5,"code":100001})")->data);
  for (const std::string_view bad : {"{}", R"({"id":"1"})", R"({"code":"x"})", R"({"code":""})", R"({"code":null})",
                                     R"({"code":1.5})", R"({"code":99999999999})", "[]", "{\"code\":200"})
    CHECK(parse_reply(bad).error() == Error::malformed);
}

TEST_CASE("a request is written around its params, and reads back") {
  const std::string post = written([](Writer& out) {
    RequestWriter request{out, "42", "thing.event.property.post", RequestWriter::Ack::yes};
    request.params().begin_object().key("temperature").number(21.5).end_object();
    request.finish();
  });
  CHECK(post == R"({"id":"42","version":"1.0","sys":{"ack":1},"params":{"temperature":21.5},)"
                R"("method":"thing.event.property.post"})");
  const auto back = parse_request(post);
  REQUIRE(back);
  CHECK(back->id == "42");
  CHECK(back->params->find("temperature")->real() == 21.5);
}

TEST_CASE("what does not fit the buffer is not sent") {
  for (std::size_t size = 0; size < 60; ++size) {
    std::vector<std::uint8_t> buffer(size);
    Writer out{buffer};
    write_reply(out, {.id = "1234567890", .method = "thing.event.property.post"});
    CHECK(!out.ok());
    CHECK(out.text().empty());
  }
}
