#include <doctest/doctest.h>

#include "platform/thing/test_shard.h"

namespace tercet::thing {
namespace {

using Taken = broker::Ingress::Taken;

std::string bytes(std::initializer_list<int> values) {
  std::string text;
  for (const int value : values) text += static_cast<char>(value);
  return text;
}
/// id 7, 25 degrees, 45 percent.
const std::string kPost = bytes({0, 7, 0x09, 0xC4, 0x01, 0xC2, 0, 0});

struct World {
  explicit World(std::string_view script = script::kClimateScript) : shard(store) { shard.put_raw_product(script); }
  store::MemoryStore store;
  TestShard shard;
};

TEST_CASE("bytes become values on disk, and the reply goes back as bytes once they are there") {
  World world;
  auto& shard = world.shard;
  CHECK(shard.publish(TestShard::topic("model/up_raw"), kPost) == Taken::later);
  CHECK(shard.egress.sent.empty());
  shard.settle();
  CHECK(shard.value("temperature") == "25");
  CHECK(shard.value("humidity") == "45");
  shard.settle();
  REQUIRE(shard.egress.sent.size() == 1);
  CHECK(shard.egress.sent[0].topic == TestShard::topic("model/up_raw_reply"));
  CHECK(shard.egress.sent[0].payload == bytes({0x80, 7, 0, 200}));
  CHECK(shard.egress.acknowledged == std::vector<std::uint32_t>{1});
}

TEST_CASE("messages of a device are told and kept in the order in which they came") {
  World world;
  auto& shard = world.shard;
  for (int i = 0; i < 20; ++i) shard.publish(TestShard::topic("model/up_raw"), bytes({0, i, 0, i, 0, 0, 0, 0}));
  shard.settle();
  shard.settle();
  CHECK(shard.value("temperature") == "0.19");
  REQUIRE(shard.egress.sent.size() == 20);
  for (int i = 0; i < 20; ++i)
    CHECK(shard.egress.sent[static_cast<std::size_t>(i)].payload == bytes({0x80, i, 0, 200}));
}

TEST_CASE("a product without a script answers 26001, in JSON, and the journal says what to do") {
  World world("");
  auto& shard = world.shard;
  CHECK(shard.publish(TestShard::topic("model/up_raw"), kPost) == Taken::done);
  CHECK(shard.last_reply().find("\"code\":26001") != std::string::npos);
  REQUIRE(shard.journal.entries.size() == 1);
  CHECK(shard.journal.entries[0].cause == "script.missing");
}

TEST_CASE("what the script makes nothing of is answered with its code, acknowledged, and in the journal") {
  struct Row {
    const char* script;
    const char* code;
    const char* cause;
  };
  const Row rows[] = {
      {"function rawDataToProtocol(b) { return b.x.y; }", "26002", "script.failed"},
      {"function protocolToRawData(j) { return [1]; }", "26006", "script.failed"},
      {"function rawDataToProtocol(b) { return 1; }", "26007", "script.failed"},
      {"function rawDataToProtocol(b) { return {id: '1', params: {}}; }", "6450", "script.failed"},
      {"function rawDataToProtocol(b) { return {method: 'thing.service.property.set', params: {}}; }", "6450",
       "script.failed"},
      {"function rawDataToProtocol(b) { return {method: 'thing.model.up_raw'}; }", "6450", "script.failed"},
      {"function rawDataToProtocol(b) { return {method: '/../x#'}; }", "6450", "script.failed"},
      {"function rawDataToProtocol(b) { return new Array(1e8).join('x'); }", "26002", "script.cut_off"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.script);
    World world(row.script);
    auto& shard = world.shard;
    CHECK(shard.publish(TestShard::topic("model/up_raw"), kPost) == Taken::later);
    shard.settle();
    CHECK(shard.last_reply().find("\"code\":" + std::string(row.code)) != std::string::npos);
    CHECK(shard.egress.sent.back().topic == TestShard::topic("model/up_raw_reply"));
    CHECK(shard.egress.acknowledged.size() == 1);
    REQUIRE(shard.journal.entries.size() == 1);
    CHECK(shard.journal.entries[0].cause == row.cause);
  }
}

TEST_CASE("a reply that the script cannot put into bytes is not sent, and is in the journal") {
  World world(
      "function rawDataToProtocol(b) { return {id: '1', method: 'thing.event.property.post', "
      "params: {led: 1}}; }");
  world.shard.publish(TestShard::topic("model/up_raw"), kPost);
  world.shard.settle();
  world.shard.settle();
  CHECK(world.shard.value("led") == "1");
  CHECK(world.shard.egress.sent.empty());
  REQUIRE(world.shard.journal.entries.size() == 1);
  CHECK(world.shard.journal.entries[0].evidence.find("protocolToRawData") == 0);
}

TEST_CASE("values are checked as those of any product, and a full store refuses them through the script") {
  World world;
  auto& shard = world.shard;
  shard.publish(TestShard::topic("model/up_raw"), bytes({1, 9, 0, 0, 0, 0, 0, 0}));
  shard.settle();
  CHECK(shard.last_reply().find("\"code\":6450") != std::string::npos);
}

TEST_CASE("a set goes out as bytes, and the device's bytes are its answer") {
  World world;
  auto& shard = world.shard;
  std::optional<SetResult> result;
  const auto ticket =
      shard.ingress->things().set_properties(1, R"({"interval":300})", [&](const SetResult& r) { result = r; });
  CHECK(ticket.sent);
  CHECK(ticket.is_translating);
  std::optional<SetTicket> final_ticket;
  shard.ingress->things().when_translated(ticket.message_id, [&](SetTicket t) { final_ticket = std::move(t); });
  shard.settle();
  REQUIRE(final_ticket.has_value());
  CHECK(final_ticket->sent);
  REQUIRE(shard.egress.sent.size() == 1);
  CHECK(shard.egress.sent[0].topic == TestShard::topic("model/down_raw"));
  const std::string sent = shard.egress.sent[0].payload;
  REQUIRE(sent.size() == 7);
  CHECK(sent.substr(5) == bytes({1, 44}));
  shard.publish(TestShard::topic("model/down_raw_reply"), bytes({2}) + sent.substr(1, 4) + bytes({0, 200}), 0);
  shard.settle();
  REQUIRE(result.has_value());
  CHECK(result->code == 200);
}

TEST_CASE("a set that the script makes no bytes of, or that reaches nobody, was not sent") {
  struct Row {
    const char* script;
    bool reachable;
    Error error;
    alink::Code code;
  };
  const Row rows[] = {
      {"function protocolToRawData(j) { throw new Error('no'); }", true, Error::bad_argument,
       alink::Code::script_error},
      {"function rawDataToProtocol(j) {}", true, Error::bad_argument, alink::Code::script_function_missing},
      {"function protocolToRawData(j) { return [1]; }", false, Error::closed, alink::Code::success},
  };
  for (const Row& row : rows) {
    World world(row.script);
    world.shard.egress.reachable = row.reachable;
    bool has_result = false;
    const auto ticket = world.shard.ingress->things().set_properties(1, R"({"interval":300})",
                                                                     [&](const SetResult&) { has_result = true; });
    REQUIRE(ticket.is_translating);
    std::optional<SetTicket> final_ticket;
    world.shard.ingress->things().when_translated(ticket.message_id, [&](SetTicket t) { final_ticket = std::move(t); });
    world.shard.settle();
    REQUIRE(final_ticket.has_value());
    CHECK(!final_ticket->sent);
    CHECK(final_ticket->error == row.error);
    CHECK(final_ticket->code == row.code);
    world.shard.loop.advance(Seconds{60});
    CHECK(!has_result);
  }
  World none("");
  const auto ticket = none.shard.ingress->things().set_properties(1, R"({"interval":300})", {});
  CHECK(!ticket.sent);
  CHECK(ticket.code == alink::Code::script_empty);
}

TEST_CASE("a service call goes out as bytes too, a synchronous one within its 8 seconds") {
  World world(
      "function protocolToRawData(j) { return [j.method.length, j.id.length]; }"
      "function rawDataToProtocol(b) { return {id: '' + ((b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3]) >>> 0), "
      "code: 200, data: {grams: 12.5}}; }");
  auto& shard = world.shard;
  std::optional<CallResult> result;
  const auto ticket =
      shard.ingress->things().invoke_service(1, "weigh", R"({"times":2})", [&](const CallResult& r) { result = r; });
  CHECK(ticket.is_translating);
  CHECK(ticket.answers);
  shard.settle();
  CHECK(shard.egress.sent.back().topic == TestShard::topic("model/down_raw"));
  const auto id = ticket.message_id;
  const auto byte = [id](int shift) { return static_cast<int>(id >> shift & 0xFF); };
  shard.publish(TestShard::topic("model/down_raw_reply"), bytes({byte(24), byte(16), byte(8), byte(0)}), 0);
  shard.settle();
  REQUIRE(result.has_value());
  CHECK(result->code == 200);
  CHECK(result->data == R"({"grams":12.5})");
}

TEST_CASE("a device that is deleted while the script runs gets no answer") {
  World world;
  world.shard.publish(TestShard::topic("model/up_raw"), kPost);
  world.shard.directory.remove_device(kProduct, "board1");
  world.shard.settle();
  CHECK(world.shard.egress.sent.empty());
}

}  // namespace
}  // namespace tercet::thing
