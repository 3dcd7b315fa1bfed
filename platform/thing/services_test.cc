#include <doctest/doctest.h>

#include "platform/thing/test_shard.h"
#include "tercet/json/reader.h"

using namespace tercet;
using namespace tercet::thing;
using Taken = broker::Ingress::Taken;

TEST_CASE("dsltemplate/get is answered with the model, product and device filled in") {
  store::MemoryStore store;
  TestShard shard(store);
  shard.publish(TestShard::topic("dsltemplate/get"),
                R"({"id":"5","version":"1.0","params":{},"method":"thing.dsltemplate.get"})", 0);
  REQUIRE(shard.egress.sent.size() == 1);
  CHECK(shard.egress.sent[0].topic == TestShard::topic("dsltemplate/get_reply"));
  const auto reply = json::parse(shard.last_reply());
  REQUIRE(reply);
  CHECK(reply->find("code")->integer() == 200);
  const auto data = reply->find("data");
  REQUIRE(data);
  CHECK(*data->find("profile")->find("deviceName")->text() == std::string_view("board1"));
  CHECK(*data->find("link")->text() == std::string_view("/sys/a1aaaaaaaaa/board1/thing/"));
  CHECK(data->find("properties")->size() == 10);
  CHECK(data->find("services")->size() == 4);
}

TEST_CASE("the NTP topic answers in the type of the request") {
  store::MemoryStore store;
  TestShard shard(store);
  const std::string topic = "/ext/ntp/" + std::string(kProduct) + "/board1/request";
  shard.publish(topic, R"({"deviceSendTime":"1571724098000"})", 0);
  REQUIRE(shard.egress.sent.size() == 1);
  CHECK(shard.egress.sent[0].topic == "/ext/ntp/" + std::string(kProduct) + "/board1/response");
  CHECK(shard.last_reply() ==
        R"({"deviceSendTime":"1571724098000","serverRecvTime":"1700000000000","serverSendTime":"1700000000000"})");
  shard.publish(topic, R"({"deviceSendTime":1571724098000})", 0);
  CHECK(shard.last_reply() ==
        R"({"deviceSendTime":1571724098000,"serverRecvTime":1700000000000,"serverSendTime":1700000000000})");
  shard.publish(topic, "now?", 0);
  CHECK(shard.egress.sent.size() == 2);
  CHECK(shard.journal.entries.size() == 1);
}

TEST_CASE("every known function that is not offered yet is declined in words, never met with silence") {
  struct Row {
    std::string_view tail;
    std::string_view code;
  };
  const Row rows[] = {
      {"dynamicTsl/get", "460"},
      {"ota/firmware/get", "460"},
      {"reset", "460"},
  };
  for (const auto& row : rows) {
    store::MemoryStore store;
    TestShard shard(store);
    INFO(row.tail);
    CHECK(shard.publish(TestShard::topic(row.tail), R"({"id":"77","version":"1.0","params":{}})") == Taken::done);
    REQUIRE(shard.egress.sent.size() == 1);
    CHECK(shard.egress.sent[0].topic == TestShard::topic(row.tail) + "_reply");
    CHECK(shard.last_reply().starts_with("{\"id\":\"77\",\"code\":" + std::string(row.code) +
                                         ",\"message\":\"not offered by this platform\",\"data\":{}"));
    REQUIRE(shard.journal.entries.size() == 1);
    CHECK(shard.journal.entries[0].cause == auth::code(auth::Cause::function_not_offered));
  }
}

TEST_CASE("functions with answers of their own shape are declined in that shape") {
  store::MemoryStore store;
  TestShard shard(store);
  const std::string pk(kProduct);
  shard.publish("/ext/session/" + pk + "/board1/combine/login", R"({"id":"1","params":{}})");
  CHECK(shard.egress.sent.back().topic == "/ext/session/" + pk + "/board1/combine/login_reply");
  CHECK(shard.last_reply().find("\"code\":520") != std::string::npos);
  shard.publish(TestShard::topic("file/download"),
                R"({"id":"7","version":"1.0","params":{"fileInfo":{"streamId":1,"fileId":1,}}})");
  const auto frame = shard.last_reply();
  REQUIRE(frame.size() > 2);
  CHECK(static_cast<unsigned char>(frame[0]) * 256u + static_cast<unsigned char>(frame[1]) == frame.size() - 2);
  CHECK(frame.substr(2).starts_with(R"({"id":"7","code":460,)"));
  shard.publish(TestShard::topic("config/log/get"),
                R"({"id":"8","version":"1.0","params":{"configScope":"device","getType":"content"}})");
  CHECK(shard.last_reply().find(R"("data":{"getType":"content","content":{"mode":0}})") != std::string::npos);
}

TEST_CASE("what nobody can answer goes to the journal") {
  const std::string pk(kProduct);
  for (const auto& topic :
       {"/ota/device/inform/" + pk + "/board1", TestShard::topic("no/such/topic"), TestShard::topic("/empty//level"),
        TestShard::topic("service/reboot_reply"), "/sys/" + pk + "/board1/rrpc/response/5",
        "/sys/" + pk + "/board2/thing/event/property/post"}) {
    store::MemoryStore store;
    TestShard shard(store);
    INFO(topic);
    CHECK(shard.publish(topic, R"({"id":"1","code":200,"data":{},"params":{"temperature":1}})") == Taken::done);
    CHECK(shard.egress.sent.empty());
    CHECK(shard.journal.entries.size() == 1);
    shard.settle();
    CHECK(store.counters().commits == 0);
  }
}
