#include <doctest/doctest.h>

#include "platform/openapi/test_platform.h"
#include "tercet/json/reader.h"

using namespace tercet;
using namespace tercet::openapi;

namespace {

std::string text(const boost::json::value& value) { return std::string(value.as_string()); }
bool succeeded(const boost::json::object& answer) { return answer.at("Success").as_bool(); }

/// A platform whose board answers what is sent to it over RRPC, and services on their topic.
struct Bench : TestPlatform {
  Bench() {
    make_board();
    log_in("board1");
  }
  NamedTexts board(NamedTexts more = {}) {
    NamedTexts all{{"ProductKey", product_key}, {"DeviceName", "board1"}};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  thing::FakeEgress& home() { return egress[shards.home_of(broker::device_key(product_key, "board1"))]; }
  /// Begins a call, waits until something has been sent to the board, lets it say `payload` ("%" stands for the id) on
  /// the topic that answers, and gives the call's answer.
  boost::json::object call_and_answer(const std::string& action, const NamedTexts& parameters,
                                      const std::string& payload) {
    const auto client = connect();
    const std::size_t before = home().sent.size();
    client->send("GET /?" + signed_query(action, parameters) + " HTTP/1.1\r\nHost: h:80\r\n\r\n");
    run();
    TERCET_CHECK(home().sent.size() > before);
    std::string topic = home().sent.back().topic, said = payload;
    if (const auto at = topic.find("/rrpc/request/"); at != std::string::npos) topic.replace(at, 14, "/rrpc/response/");
    const bool is_ext = topic.starts_with("/ext/rrpc/");
    const auto from = is_ext ? 10 : topic.rfind('/') + 1;
    if (const auto at = said.find('%'); at != std::string::npos)
      said.replace(at, 1, topic.substr(from, topic.find('/', from) - from));
    with_device("board1", [&](thing::ThingIngress& ingress, const broker::Identity& identity, std::uint64_t number) {
      ingress.on_message({{}, identity, number, 0, topic, as_bytes(said), 0, {}});
    });
    const auto end = client->received.find("\r\n\r\n");
    return end == std::string::npos ? boost::json::object{}
                                    : boost::json::parse(client->received.substr(end + 4)).as_object();
  }
};

}  // namespace

TEST_CASE("InvokeThingService waits for a synchronous service and gives its outputs as JSON text") {
  Bench bench;
  const auto answer =
      bench.call_and_answer("InvokeThingService", bench.board({{"Identifier", "weigh"}, {"Args", R"({"times":2})"}}),
                            R"({"id":"%","code":200,"data":{"grams":12.5}})");
  REQUIRE(succeeded(answer));
  CHECK(text(answer.at("Data").at("Result")) == R"({"grams":12.5})");
  CHECK(answer.at("Data").at("MessageId").is_string());
  const auto records =
      bench.call("QueryDeviceServiceData", bench.board({{"StartTime", "0"}, {"EndTime", "2000000000000"}}));
  const auto row = records.at("Data").at("List").at("ServiceInfo").at(0);
  CHECK(text(row.at("Identifier")) == "weigh");
  CHECK(text(row.at("Name")) == "Weigh");
  CHECK(text(row.at("InputData")) == R"({"times":2})");
  CHECK(text(row.at("OutputData")).find(R"("data":{"grams":12.5})") != std::string::npos);
}

TEST_CASE("a device that refuses a synchronous call is quoted, one that is silent is a timeout after 8 seconds") {
  Bench bench;
  const NamedTexts weigh = bench.board({{"Identifier", "weigh"}, {"Args", R"({"times":2})"}});
  const auto refused = bench.call_and_answer("InvokeThingService", weigh, R"({"id":"%","code":100001,"data":{}})");
  CHECK(!succeeded(refused));
  CHECK(text(refused.at("Code")) == "iot.device.InvokeThingServiceFailed");
  CHECK(refused.at("AlinkCode").to_number<int>() == 100001);

  const auto client = bench.connect();
  client->send("GET /?" + bench.signed_query("InvokeThingService", weigh) + " HTTP/1.1\r\nHost: h:80\r\n\r\n");
  bench.run(Millis{7'500});
  CHECK(client->received.empty());
  bench.run(Millis{1'000});
  CHECK(client->received.find("iot.messagebroker.TIMEOUT") != std::string::npos);
}

TEST_CASE("an asynchronous service is answered when it is sent, without a Result") {
  Bench bench;
  const auto answer =
      bench.call("InvokeThingService", bench.board({{"Identifier", "reboot"}, {"Args", R"({"delay":2})"}}));
  REQUIRE(succeeded(answer));
  CHECK(answer.at("Data").as_object().find("Result") == answer.at("Data").as_object().end());
  CHECK(bench.home().sent.back().topic.ends_with("/thing/service/reboot"));
}

TEST_CASE("calls that cannot be made say why in the cloud's codes") {
  Bench bench;
  const auto code = [&](const char* service, const char* args) {
    return text(bench.call("InvokeThingService", bench.board({{"Identifier", service}, {"Args", args}})).at("Code"));
  };
  CHECK(code("nothing", "{}") == "iot.device.InvokeThingServiceFailed");
  CHECK(code("weigh", "{}") == "iot.device.InvokeThingServiceFailed");
  CHECK(code("weigh", "2") == "iot.device.InvokeThingServiceFailed");
  for (auto& egress : bench.egress) egress.reachable = false;
  CHECK(code("weigh", R"({"times":2})") == "iot.messagebroker.OFFLINE");
  CHECK(code("reboot", R"({"delay":2})") == "iot.messagebroker.OFFLINE");
  bench.call("DisableThing", bench.board());
  CHECK(code("weigh", R"({"times":2})") == "iot.device.InvokeThingServiceFailed");
}

TEST_CASE("InvokeThingsService calls up to a hundred devices, asynchronous services only") {
  Bench bench;
  bench.add_device("board2");
  const auto invoke = [&](const char* service, const char* second) {
    return bench.call("InvokeThingsService", {{"ProductKey", bench.product_key},
                                              {"DeviceName.1", "board1"},
                                              {"DeviceName.2", second},
                                              {"Identifier", service},
                                              {"Args", R"({"delay":1})"}});
  };
  CHECK(succeeded(invoke("reboot", "board2")));
  CHECK(bench.egress[0].sent.size() + bench.egress[1].sent.size() == 2);
  CHECK(text(invoke("reboot", "nobody").at("Code")) == "iot.device.NotExistedDevice");
  CHECK(text(invoke("weigh", "board2").at("Code")) == "iot.device.InvokeThingServiceFailed");
  CHECK(bench.egress[0].sent.size() + bench.egress[1].sent.size() == 2);
}

TEST_CASE("RRpc carries bytes to the device and its answer back, on the system's topic and on one of its own") {
  for (const bool own_topic : {false, true}) {
    CAPTURE(own_topic);
    Bench bench;
    NamedTexts parameters = bench.board({{"RequestBase64Byte", "aGk="}, {"Timeout", "1000"}});
    if (own_topic) parameters.emplace_back("Topic", "/" + bench.product_key + "/board1/user/get");
    const auto answer = bench.call_and_answer("RRpc", parameters, "world hello");
    REQUIRE(succeeded(answer));
    CHECK(text(answer.at("RrpcCode")) == "SUCCESS");
    CHECK(text(answer.at("PayloadBase64Byte")) == "d29ybGQgaGVsbG8=");
    CHECK(answer.at("MessageId").is_number());
    CHECK(bench.home().sent.back().payload == "hi");
    CHECK(bench.home().sent.back().topic.starts_with("/ext/rrpc/") == own_topic);
  }
}

TEST_CASE("an RRpc without an answer says TIMEOUT, OFFLINE, or what is wrong with it") {
  Bench bench;
  const auto ask = [&](NamedTexts more) {
    NamedTexts all = bench.board({{"RequestBase64Byte", "aGk="}});
    all.insert(all.end(), more.begin(), more.end());
    return bench.call("RRpc", all);
  };
  const auto client = bench.connect();
  const NamedTexts silent = bench.board({{"RequestBase64Byte", "aGk="}, {"Timeout", "1000"}});
  client->send("GET /?" + bench.signed_query("RRpc", silent) + " HTTP/1.1\r\nHost: h:80\r\n\r\n");
  bench.run(Millis{1'500});
  CHECK(client->received.find("\"RrpcCode\":\"TIMEOUT\"") != std::string::npos);
  CHECK(text(ask({{"Timeout", "999"}}).at("Code")) == "iot.messagebroker.InvalidTimeoutValue");
  CHECK(text(ask({{"Timeout", "8001"}}).at("Code")) == "iot.messagebroker.InvalidTimeoutValue");
  for (const char* topic : {"user/get", "/sys/a/b/thing/service/property/set", "/a/+", "/a//b"})
    CHECK(text(ask({{"Timeout", "1000"}, {"Topic", topic}}).at("Code")) ==
          "iot.messagebroker.InvalidFormattedTopicName");
  for (auto& egress : bench.egress) egress.reachable = false;
  const auto offline = ask({{"Timeout", "1000"}});
  CHECK(text(offline.at("RrpcCode")) == "OFFLINE");
  CHECK(text(offline.at("Code")) == "iot.messagebroker.OFFLINE");
}
