#include <doctest/doctest.h>

#include "platform/openapi/action.h"
#include "platform/openapi/test_platform.h"
#include "tercet/auth/cause.h"

using namespace tercet;
using namespace tercet::openapi;

namespace {

bool succeeded(const boost::json::object& answer) { return answer.at("Success").as_bool(); }
std::string code_of(const boost::json::object& answer) { return std::string(answer.at("Code").as_string()); }
std::string text(const boost::json::value& value) { return std::string(value.as_string()); }

NamedTexts board(const TestPlatform& platform, NamedTexts more = {}) {
  NamedTexts all{{"ProductKey", platform.product_key}, {"DeviceName", "board1"}};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

}  // namespace

TEST_CASE("a product is created, shown, listed and deleted in the shapes the SDK reads") {
  TestPlatform platform;
  const auto made =
      platform.call("CreateProduct", {{"ProductName", "climate"}, {"NodeType", "0"}, {"DataFormat", "1"}});
  REQUIRE(succeeded(made));
  const std::string key = text(made.at("ProductKey"));
  CHECK(text(made.at("Data").at("ProductKey")) == key);
  CHECK(!text(made.at("Data").at("ProductSecret")).empty());

  const auto shown = platform.call("QueryProduct", {{"ProductKey", key}}).at("Data").as_object();
  CHECK(text(shown.at("ProductName")) == "climate");
  CHECK(shown.at("NetType").is_int64());
  CHECK(text(shown.at("ProductStatus")) == "DEVELOPMENT_STATUS");
  CHECK(shown.at("DeviceCount").to_number<int>() == 0);
  CHECK(shown.at("GmtCreate").to_number<std::int64_t>() > 1'600'000'000'000);

  const auto again = platform.call("CreateProduct", {{"ProductName", "climate"}, {"NodeType", "0"}});
  CHECK(!succeeded(again));
  CHECK(code_of(again) == "iot.prod.AlreadyExistedProductName");
  CHECK(text(again.at("ErrorMessage")) == text(again.at("Message")));
  CHECK(code_of(platform.call("CreateProduct", {{"ProductName", "climate2"}, {"NodeType", "7"}})) ==
        "iot.prod.InvalidNodeType");

  const auto list =
      platform.call("QueryProductList", {{"CurrentPage", "1"}, {"PageSize", "10"}}).at("Data").as_object();
  CHECK(list.at("Total").to_number<int>() == 1);
  CHECK(text(list.at("List").at("ProductInfo").at(0).at("ProductKey")) == key);
  CHECK(code_of(platform.call("QueryProductList", {{"CurrentPage", "1"}, {"PageSize", "201"}})) ==
        "iot.common.InvalidPageParams");

  CHECK(succeeded(platform.call("UpdateProduct", {{"ProductKey", key}, {"ClockPolicy", "enforce"}})));
  CHECK(text(platform.call("QueryProduct", {{"ProductKey", key}}).at("Data").at("ClockPolicy")) == "enforce");
  CHECK(succeeded(platform.call("DeleteProduct", {{"ProductKey", key}})));
  CHECK(code_of(platform.call("QueryProduct", {{"ProductKey", key}})) == "iot.prod.NotExistedProduct");
}

TEST_CASE("a thing model is imported after it was checked, and read back") {
  TestPlatform platform;
  platform.make_board();
  const auto read = platform.call("GetThingModelTsl", {{"ProductKey", platform.product_key}});
  const auto tsl = boost::json::parse(text(read.at("Data").at("TslStr"))).as_object();
  CHECK(tsl.at("properties").as_array().size() == 10);
  CHECK(text(tsl.at("profile").at("productKey")) == platform.product_key);
  const auto wrong = platform.call("ImportThingModelTsl", {{"ProductKey", platform.product_key},
                                                           {"TslStr", R"({"properties":[{"identifier":"a"}]})"}});
  CHECK(!succeeded(wrong));
  CHECK(text(wrong.at("ErrorMessage")).find("$.properties[0]") != std::string::npos);
  CHECK(code_of(platform.call("ImportThingModelTsl", {{"ProductKey", platform.product_key}})) == "MissingTslStr");
}

TEST_CASE("a device is registered, known to its shard when the answer comes, and found by IotId") {
  TestPlatform platform;
  platform.make_board();
  const auto made = platform.add_device("board2");
  REQUIRE(succeeded(made));
  const auto data = made.at("Data").as_object();
  CHECK(text(data.at("DeviceName")) == "board2");
  CHECK(!text(data.at("DeviceSecret")).empty());
  const auto shard = platform.shards.home_of(broker::device_key(platform.product_key, "board2"));
  CHECK(platform.directories[shard].device(platform.product_key, "board2") != nullptr);
  const auto by_id = platform.call("QueryDeviceDetail", {{"IotId", text(data.at("IotId"))}});
  CHECK(text(by_id.at("Data").at("DeviceName")) == "board2");
  CHECK(code_of(platform.add_device("board2")) == "iot.device.AlreadyExistedDeviceName");
  CHECK(code_of(platform.add_device("b/2")) == "iot.device.InvalidFormattedDeviceName");
  CHECK(!text(platform.call("RegisterDevice", {{"ProductKey", platform.product_key}}).at("Data").at("DeviceName"))
             .empty());
}

TEST_CASE("a device's status follows its presence and its switch") {
  TestPlatform platform;
  platform.make_board();
  const auto status = [&] { return text(platform.call("GetDeviceStatus", board(platform)).at("Data").at("Status")); };
  CHECK(status() == "UNACTIVE");
  platform.log_in("board1");
  CHECK(status() == "ONLINE");
  const auto states =
      platform.call("BatchGetDeviceState",
                    {{"ProductKey", platform.product_key}, {"DeviceName.1", "board1"}, {"DeviceName.2", "nobody"}});
  const auto rows = states.at("DeviceStatusList").at("DeviceStatus").as_array();
  REQUIRE(rows.size() == 1);
  CHECK(text(rows.at(0).at("Status")) == "ONLINE");
  const auto listed = platform.call("QueryDevice", {{"ProductKey", platform.product_key}, {"PageSize", "50"}});
  CHECK(text(listed.at("Data").at("DeviceInfo").at(0).at("DeviceStatus")) == "ONLINE");
  CHECK(listed.at("Total").to_number<int>() == 1);
  CHECK(succeeded(platform.call("DisableThing", board(platform))));
  CHECK(status() == "DISABLE");
  CHECK(succeeded(platform.call("EnableThing", board(platform))));
  platform.with_device("board1", [](thing::ThingIngress& ingress, const broker::Identity& identity,
                                    std::uint64_t number) { ingress.on_offline(identity, number); });
  CHECK(status() == "OFFLINE");
  CHECK(succeeded(platform.call("DeleteDevice", board(platform))));
  CHECK(code_of(platform.call("GetDeviceStatus", board(platform))) == "iot.device.NotExistedDevice");
}

TEST_CASE("device details give times in both forms, empty when never") {
  TestPlatform platform;
  platform.make_board();
  const auto data = platform.call("QueryDeviceDetail", board(platform)).at("Data").as_object();
  CHECK(text(data.at("UtcCreate")).ends_with("Z"));
  CHECK(text(data.at("GmtCreate")).size() == 19);
  CHECK(text(data.at("UtcOnline")).empty());
  CHECK(text(data.at("GmtActive")).empty());
  CHECK(data.at("NodeType").to_number<int>() == 0);
  CHECK(text(data.at("ProductName")) == "climate");
}

TEST_CASE("many devices are registered at once and read back by their apply id") {
  TestPlatform platform;
  platform.make_board();
  const auto applied = platform.call("BatchRegisterDevice", {{"ProductKey", platform.product_key}, {"Count", "3"}});
  REQUIRE(succeeded(applied));
  const std::string id = boost::json::serialize(applied.at("Data").at("ApplyId"));
  const auto status =
      platform.call("QueryBatchRegisterDeviceStatus", {{"ProductKey", platform.product_key}, {"ApplyId", id}});
  CHECK(text(status.at("Data").at("Status")) == "CREATE_SUCCESS");
  const auto page = platform.call("QueryPageByApplyId", {{"ApplyId", id}, {"CurrentPage", "1"}, {"PageSize", "2"}});
  CHECK(page.at("ApplyDeviceList").at("ApplyDeviceInfo").as_array().size() == 2);
  CHECK(page.at("Total").to_number<int>() == 3);
  CHECK(code_of(platform.call("BatchRegisterDevice", {{"ProductKey", platform.product_key}, {"Count", "1001"}})) ==
        "iot.device.ApplyManyDevicesFailed");
}

TEST_CASE("what a device posts is its status and its history") {
  TestPlatform platform;
  platform.make_board();
  platform.log_in("board1");
  for (const char* value : {"20.5", "21.0", "21.5"})
    platform.post("board1", std::string("{\"temperature\":") + value + "}");

  const auto status = platform.call("QueryDevicePropertyStatus", board(platform))
                          .at("Data")
                          .at("List")
                          .at("PropertyStatusInfo")
                          .as_array();
  REQUIRE(status.size() == 10);  // every property of the model
  CHECK(text(status.at(0).at("Identifier")) == "temperature");
  CHECK(text(status.at(0).at("Value")) == "21.5");
  CHECK(text(status.at(0).at("DataType")) == "float");
  CHECK(text(status.at(0).at("Unit")) == "C");
  CHECK(status.at(0).at("Time").is_string());
  CHECK(status.at(1).as_object().find("Value") == status.at(1).as_object().end());

  const std::string now = std::to_string(platform.loop.wall().ms);
  const NamedTexts window{{"Asc", "0"}, {"StartTime", now}, {"EndTime", "0"}, {"PageSize", "2"}};
  NamedTexts one = window;
  one.emplace_back("Identifier", "temperature");
  const auto data = platform.call("QueryDevicePropertyData", board(platform, one)).at("Data").as_object();
  const auto points = data.at("List").at("PropertyInfo").as_array();
  REQUIRE(points.size() == 2);
  CHECK(text(points.at(0).at("Value")) == "21.5");
  CHECK(points.at(0).at("Time").is_string());
  CHECK(data.at("NextValid").as_bool());
  const std::string next = boost::json::serialize(data.at("NextTime"));
  const auto rest = platform.call(
      "QueryDevicePropertyData",
      board(platform,
            {{"Asc", "0"}, {"StartTime", "0"}, {"EndTime", next}, {"PageSize", "2"}, {"Identifier", "temperature"}}));
  CHECK(rest.at("Data").at("List").at("PropertyInfo").as_array().size() == 1);
  CHECK(!rest.at("Data").at("NextValid").as_bool());

  NamedTexts several = window;
  several.insert(several.end(), {{"Identifier.1", "temperature"}, {"Identifier.2", "humidity"}});
  const auto series = platform.call("QueryDevicePropertiesData", board(platform, several));
  const auto infos = series.at("PropertyDataInfos").at("PropertyDataInfo").as_array();
  REQUIRE(infos.size() == 2);
  CHECK(infos.at(0).at("List").at("PropertyInfo").at(0).at("Time").is_int64());
  CHECK(infos.at(1).at("List").at("PropertyInfo").as_array().empty());
  CHECK(series.at("NextValid").as_bool());
}

TEST_CASE("a set reaches the device, and what cannot be sent says why") {
  TestPlatform platform;
  platform.make_board();
  const auto set = [&](const char* items) {
    return platform.call("SetDeviceProperty", board(platform, {{"Items", items}}));
  };
  for (auto& egress : platform.egress) egress.reachable = false;
  const auto offline = set("{\"interval\":10}");
  CHECK(!succeeded(offline));
  CHECK(text(offline.at("ErrorMessage")).find("offline") != std::string::npos);

  for (auto& egress : platform.egress) egress.reachable = true;
  platform.log_in("board1");
  const auto sent = set("{\"interval\":10}");
  REQUIRE(succeeded(sent));
  CHECK(sent.at("Data").at("MessageId").is_string());
  const auto shard = platform.shards.home_of(broker::device_key(platform.product_key, "board1"));
  REQUIRE(!platform.egress[shard].sent.empty());
  CHECK(platform.egress[shard].sent.back().topic ==
        "/sys/" + platform.product_key + "/board1/thing/service/property/set");
  CHECK(platform.egress[shard].sent.back().payload.find("\"interval\":10") != std::string::npos);
  CHECK(platform.egress[shard].sent.back().payload.find(text(sent.at("Data").at("MessageId"))) != std::string::npos);

  CHECK(code_of(set("interval=10")) == "iot.device.InvalidFormattedDevicePropertiesString");
  CHECK(!succeeded(set("{\"temperature\":10.0}")));
  CHECK(!succeeded(set("{\"interval\":\"ten\"}")));
  CHECK(code_of(platform.call("SetDeviceProperty", board(platform))) == "MissingItems");
}

TEST_CASE("Pub publishes to a custom topic of a device of the product, and to nothing else") {
  TestPlatform platform;
  platform.make_board();
  const std::string topic = "/" + platform.product_key + "/board1/user/get";
  const auto pub = [&](const std::string& to, const char* content, const char* qos = "1") {
    return platform.call(
        "Pub",
        {{"ProductKey", platform.product_key}, {"TopicFullName", to}, {"MessageContent", content}, {"Qos", qos}});
  };
  const auto sent = pub(topic, "aGVsbG8+d29ybGQ=");
  REQUIRE(succeeded(sent));
  CHECK(sent.at("MessageId").is_string());
  REQUIRE(platform.published.size() == 1);
  CHECK(platform.published[0].topic == topic);
  CHECK(platform.published[0].payload == "hello>world");
  CHECK(platform.published[0].qos == 1);
  CHECK(succeeded(pub(topic, "aGVsbG93b3JsZA=")));  // the vendor's own sample lacks a padding character
  for (const std::string& wrong :
       {"/sys/" + platform.product_key + "/board1/thing/service/property/set", topic + "/#",
        std::string("/other/board1/user/get"), "/" + platform.product_key + "/board1", std::string("user/get"),
        std::string("/") + platform.product_key + "//user", topic + std::string("\0", 1), topic + "\xE6"})
    CHECK(code_of(pub(wrong, "aGk=")) == "iot.messagebroker.InvalidFormattedTopicName");
  CHECK(code_of(pub("/" + platform.product_key + "/nobody/user/get", "aGk=")) == "iot.device.NotExistedDevice");
  CHECK(code_of(pub(topic, "!!!!")) == "iot.messagebroker.MessageContentIsNotBase64Encode");
  CHECK(code_of(pub(topic, "aGk=", "2")) == "InvalidQos");
  CHECK(platform.published.size() == 2);
}

TEST_CASE("Pub is refused where the classes of custom topics let no device subscribe, and says why") {
  TestPlatform platform;
  platform.make_board();
  const std::string own = "/" + platform.product_key + "/board1/";
  const auto pub = [&](const std::string& rest) {
    return platform.call(
        "Pub", {{"ProductKey", platform.product_key}, {"TopicFullName", own + rest}, {"MessageContent", "aGk="}});
  };
  CHECK(succeeded(pub("user/get")));
  const auto upwards = pub("user/update");  // devices publish there
  CHECK(code_of(upwards) == "iot.messagebroker.PublishMessageFailed");
  CHECK(text(upwards.at("ErrorMessage")).find("class user/update") != std::string::npos);
  for (const char* without_class : {"user/orders", "orders"})
    CHECK(text(pub(without_class).at("ErrorMessage")).find("has no topic class") != std::string::npos);
  REQUIRE(succeeded(
      platform.call("CreateProductTopic",
                    {{"ProductKey", platform.product_key}, {"TopicShortName", "orders"}, {"Operation", "SUB"}})));
  CHECK(succeeded(pub("user/orders")));
  CHECK(!succeeded(pub("orders")));
  REQUIRE(succeeded(platform.call("SetProductFreeTopics", {{"ProductKey", platform.product_key}, {"Free", "true"}})));
  CHECK(succeeded(pub("orders")));
  CHECK(!succeeded(pub("user/update")));  // a class there is still counts
  CHECK(platform.published.size() == 3);
}

TEST_CASE("refusals are shown with cause, evidence and remedy in the reader's language, also of unknown names") {
  TestPlatform platform;
  platform.make_board();
  broker::Refusal refusal;
  refusal.at = platform.loop.wall();
  refusal.name = platform.product_key + "/ghost";
  refusal.address = "192.0.2.1:5000";
  refusal.code = 4;
  refusal.cause = auth::code(auth::Cause::unknown_device);
  refusal.evidence = "DeviceName ghost";
  platform.journal->record(refusal);
  refusal.name = platform.product_key + "/board1";
  refusal.cause = auth::code(auth::Cause::sign_ampersand_between_fields);
  platform.journal->record(refusal);
  platform.run();

  const auto ask = [&](NamedTexts parameters) {
    return platform.call("QueryRefusals", parameters).at("Data").at("Refusal").as_array();
  };
  const auto ghost = ask({{"ProductKey", platform.product_key}, {"DeviceName", "ghost"}, {"Lang", "en"}});
  REQUIRE(ghost.size() == 1);
  CHECK(text(ghost.at(0).at("Evidence")) == "DeviceName ghost");
  CHECK(text(ghost.at(0).at("Cause")) == auth::code(auth::Cause::unknown_device));
  CHECK(text(ghost.at(0).at("Explanation")) == auth::text(auth::Cause::unknown_device).cause_en);
  CHECK(text(ghost.at(0).at("Remedy")) == auth::text(auth::Cause::unknown_device).remedy_en);
  CHECK(ghost.at(0).at("Code").to_number<int>() == 4);
  CHECK(!ghost.at(0).at("Known").as_bool());
  const auto chinese = ask({{"ProductKey", platform.product_key}, {"DeviceName", "board1"}, {"Lang", "zh"}});
  REQUIRE(chinese.size() == 1);
  CHECK(text(chinese.at(0).at("Remedy")) == auth::text(auth::Cause::sign_ampersand_between_fields).remedy_zh);
  CHECK(chinese.at(0).at("Known").as_bool());
  CHECK(ask({{"ProductKey", platform.product_key}}).size() == 2);
  CHECK(ask({}).size() == 2);
  CHECK(ask({{"Stage", "publish"}}).empty());
  CHECK(ask({{"Warning", "false"}}).size() == 2);
  const auto first = ask({{"PageSize", "1"}});
  const auto second = ask({{"PageSize", "1"}, {"CurrentPage", "2"}});
  REQUIRE(first.size() == 1);
  REQUIRE(second.size() == 1);
  CHECK(first.at(0).at("Id") != second.at(0).at("Id"));
  CHECK(ask({{"PageSize", "1"}, {"CurrentPage", "3"}}).empty());
  struct Row {
    const char *name, *value, *code;
  };
  for (const Row& row :
       {Row{"StartTime", "yesterday", "InvalidStartTime"}, Row{"EndTime", "-1", "InvalidEndTime"},
        Row{"BeforeId", "0", "InvalidBeforeId"}, Row{"Warning", "maybe", "InvalidWarning"},
        Row{"Stage", "nowhere", "InvalidStage"}, Row{"CurrentPage", "21", "iot.common.InvalidPageParams"}})
    CHECK(code_of(platform.call("QueryRefusals", {{row.name, row.value}})) == row.code);

  const auto names = platform.call("ListRefusalNames").at("Data").at("RefusalName").as_array();
  REQUIRE(names.size() == 2);
  CHECK(text(names.at(0).at("Name")) == platform.product_key + "/board1");
  CHECK(names.at(0).at("Count").to_number<int>() == 1);

  refusal.name = platform.product_key + "/noisy";
  for (int i = 0; i < 1100; ++i) {
    refusal.name = platform.product_key + "/noisy" + std::to_string(i % 11);
    platform.journal->record(refusal);
  }
  platform.run();
  const auto all = platform.call("ListRefusalNames", {{"ProductKey", platform.product_key}});
  CHECK(all.at("Total").to_number<int>() == 13);
  CHECK(all.at("Data").at("RefusalName").as_array().size() == 13);
  CHECK(text(all.at("Data").at("RefusalName").at(12).at("Name")) == platform.product_key + "/ghost");
  const auto page = platform.call("ListRefusalNames", {{"CurrentPage", "2"}, {"PageSize", "12"}});
  CHECK(page.at("Total").to_number<int>() == 13);
  CHECK(page.at("Data").at("RefusalName").as_array().size() == 1);
}

TEST_CASE("the fleet is one page of devices with presence and latest values") {
  TestPlatform platform;
  platform.make_board();
  platform.add_device("board2");
  platform.log_in("board1");
  platform.post("board1", "{\"temperature\":21.5,\"humidity\":40}");
  const auto fleet = platform.call("QueryFleet");
  CHECK(fleet.at("Total").to_number<int>() == 2);
  CHECK(fleet.at("Online").to_number<int>() == 1);
  for (const auto& row : fleet.at("Data").at("Device").as_array()) {
    const bool first = text(row.at("DeviceName")) == "board1";
    CHECK(text(row.at("Status")) == (first ? "ONLINE" : "UNACTIVE"));
    CHECK(row.at("Values").at("Value").as_array().size() == (first ? 2 : 0));
    CHECK(text(row.at("ProductName")) == "climate");
  }
  CHECK(platform.call("QueryFleet", {{"Search", "ard2"}}).at("Total").to_number<int>() == 1);
}

TEST_CASE("a shard whose queue is full makes the answer a 503, at once") {
  TestPlatform platform;
  platform.make_board();
  for (std::size_t i = 0; i < platform.shards.count(); ++i) platform.shards.loop(i).set_inbox_capacity(0);
  for (const char* action : {"GetDeviceStatus", "QueryDevicePropertyStatus", "QueryDeviceDetail", "QueryFleet"}) {
    CAPTURE(action);
    const auto answer = platform.call(action, board(platform));
    CHECK(code_of(answer) == "ServiceUnavailable");
  }
  CHECK(code_of(platform.call("SetDeviceProperty", board(platform, {{"Items", "{\"interval\":1}"}}))) ==
        "ServiceUnavailable");
}
