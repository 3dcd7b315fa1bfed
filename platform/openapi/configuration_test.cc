#include <doctest/doctest.h>

#include "platform/openapi/device_files.h"
#include "platform/openapi/test_platform.h"
#include "tercet/crypto/digest.h"

using namespace tercet;
using namespace tercet::openapi;

namespace {

bool succeeded(const boost::json::object& answer) { return answer.at("Success").as_bool(); }
std::string code_of(const boost::json::object& answer) { return std::string(answer.at("Code").as_string()); }
std::string text(const boost::json::value& value) { return std::string(value.as_string()); }

constexpr std::string_view kFile = R"({"format":1,"version":3,"rules":[]})";

/// A platform with a board and the port that files are fetched from.
struct Bench : TestPlatform {
  DeviceFiles handler{loop, *registry, links};
  HttpServer file_server{loop, handler};
  Bench() {
    TERCET_CHECK(
        loop.listen(host.address(8443), [this](auto stream) { file_server.accept(std::move(stream)); }).has_value());
    links.set_base("https://platform.example:8443");
    make_board();
  }
  boost::json::object set(std::string_view content = kFile) {
    return call("SetProductConfiguration", {{"ProductKey", product_key}, {"Content", std::string(content)}});
  }
  boost::json::object show(const std::string& id = "") {
    return call("GetProductConfiguration", {{"ProductKey", product_key}, {"ConfigId", id}});
  }
  /// The path and query of the link a device is given for that configuration.
  std::string target(const std::string& id) {
    return links.link("/files/configuration/" + product_key + "/" + id, loop.wall()).substr(links.base().size());
  }
  HttpAnswer fetch(const std::string& target, const std::string& fields = "", const std::string& method = "GET") {
    TestClient client(client_loop, host.address(8443));
    client.send(method + " " + target + " HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n");
    run();
    const auto end = client.received.find("\r\n\r\n");
    HttpAnswer reply;
    if (end == std::string::npos) return reply;
    reply.status = std::stoi(client.received.substr(9, 3));
    reply.head = client.received.substr(0, end + 2);
    reply.body = client.received.substr(end + 4);
    return reply;
  }
};

}  // namespace

TEST_CASE("a product's configuration is set, shown with its versions, and refused in words") {
  Bench bench;
  CHECK(code_of(bench.show()) == "tercet.config.NotExistedConfiguration");
  const auto made = bench.set();
  REQUIRE(succeeded(made));
  CHECK(made.at("Data").at("Version").to_number<int>() == 1);
  REQUIRE(succeeded(bench.set(R"({"format":1})")));
  const auto shown = bench.show();
  REQUIRE(succeeded(shown));
  const auto& data = shown.at("Data").as_object();
  CHECK(text(data.at("Content")) == R"({"format":1})");
  CHECK(data.at("Version").to_number<int>() == 2);
  CHECK(data.at("Size").to_number<int>() == 12);
  CHECK(data.at("Versions").at("Version").as_array().size() == 2);
  CHECK(text(bench.show(text(made.at("Data").at("ConfigId"))).at("Data").at("Content")) == kFile);

  const auto wrong = bench.set("{\"a\":}");
  CHECK(code_of(wrong) == "tercet.config.ContentNotJson");
  CHECK(text(wrong.at("ErrorMessage")).find("byte 5") != std::string::npos);
  CHECK(code_of(bench.call("SetProductConfiguration", {{"ProductKey", "a1none"}, {"Content", "{}"}})) ==
        "iot.prod.NotExistedProduct");
  CHECK(code_of(bench.call("SetProductConfiguration", {{"ProductKey", bench.product_key}})) == "MissingContent");
}

TEST_CASE("a configuration is pushed to those online, and their answers are counted") {
  Bench bench;
  bench.add_device("board2");
  bench.add_device("board3");
  CHECK(code_of(bench.call("PushProductConfiguration", {{"ProductKey", bench.product_key}})) ==
        "tercet.config.NotExistedConfiguration");
  REQUIRE(succeeded(bench.set()));
  bench.log_in("board1");
  bench.log_in("board2");
  const auto pushed = bench.call("PushProductConfiguration", {{"ProductKey", bench.product_key}});
  REQUIRE(succeeded(pushed));
  CHECK(pushed.at("Data").at("Sent").to_number<int>() == 2);
  for (const std::string name : {"board1", "board2"}) {
    const std::string code = name == "board1" ? "200" : "460";
    bench.with_device(name, [&](thing::ThingIngress& ingress, const broker::Identity& identity, std::uint64_t number) {
      const std::string base = "/sys/" + bench.product_key + "/" + name + "/thing/config/push";
      std::string id;
      for (const auto& egress : bench.egress)
        for (const auto& one : egress.sent)
          if (one.topic == base) id = boost::json::parse(one.payload).at("id").as_string();
      const std::string reply = R"({"id":")" + id + R"(","code":)" + code + R"(,"data":{}})";
      ingress.on_message({{}, identity, number, 0, base + "_reply", as_bytes(reply), 1, {}});
    });
  }
  const auto data = bench.show().at("Data").as_object();
  CHECK(data.at("Taken").to_number<int>() == 1);
  CHECK(data.at("Refused").to_number<int>() == 1);
  CHECK(text(data.at("Refusals").at("Refusal").at(0).at("DeviceName")) == "board2");
  CHECK(data.at("Refusals").at("Refusal").at(0).at("Code").to_number<int>() == 460);

  bench.links.set_base("");
  CHECK(code_of(bench.call("PushProductConfiguration", {{"ProductKey", bench.product_key}})) ==
        "tercet.config.FilesNotOffered");
}

TEST_CASE("the file is fetched by its link, whole or a part") {
  Bench bench;
  const std::string id = text(bench.set().at("Data").at("ConfigId"));
  const auto whole = bench.fetch(bench.target(id));
  CHECK(whole.status == 200);
  CHECK(whole.body == kFile);
  CHECK(whole.header("Content-Length") == std::to_string(kFile.size()));
  const auto head = bench.fetch(bench.target(id), "", "HEAD");
  CHECK(head.status == 200);
  CHECK(head.body.empty());

  const auto rest = bench.fetch(bench.target(id), "Range: bytes=10-\r\n");
  CHECK(rest.status == 206);
  CHECK(rest.body == kFile.substr(10));
  CHECK(rest.header("Content-Range") ==
        "bytes 10-" + std::to_string(kFile.size() - 1) + "/" + std::to_string(kFile.size()));
  CHECK(bench.fetch(bench.target(id), "Range: bytes=2-4\r\n").body == kFile.substr(2, 3));
  CHECK(bench.fetch(bench.target(id), "Range: bytes=2-9999\r\n").body == kFile.substr(2));
  CHECK(bench.fetch(bench.target(id), "Range: bytes=9999-\r\n").status == 416);
  for (const std::string odd : {"bytes=-5", "bytes=5-2", "bytes=x-", "lines=1-2", "bytes=1-2,4-5"})
    CHECK(bench.fetch(bench.target(id), "Range: " + odd + "\r\n").status == 200);
}

TEST_CASE("a link that is old, changed or of a replaced file opens nothing, and says why") {
  Bench bench;
  const std::string id = text(bench.set().at("Data").at("ConfigId"));
  const std::string target = bench.target(id);
  CHECK(bench.fetch(target.substr(0, target.size() - 1)).status == 403);
  CHECK(bench.fetch("/files/configuration/" + bench.product_key + "/" + id).status == 403);
  CHECK(bench.fetch("/").status == 403);
  CHECK(bench.fetch(target, "Content-Length: 0\r\n", "POST").status == 405);
  const auto other = bench.target("none");
  CHECK(bench.fetch(other).status == 404);
  for (int i = 0; i < 5; ++i) REQUIRE(succeeded(bench.set("[" + std::to_string(i) + "]")));
  CHECK(bench.fetch(target).status == 404);
  const std::string newest = bench.target(text(bench.show().at("Data").at("ConfigId")));
  CHECK(bench.fetch(newest).status == 200);
  bench.run(registry::FileLinks::kLifetime);
  const auto old = bench.fetch(newest);
  CHECK(old.status == 403);
  CHECK(old.body.find("expired") != std::string::npos);
}
