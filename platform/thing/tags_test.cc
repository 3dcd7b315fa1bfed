#include <doctest/doctest.h>

#include "platform/thing/test_shard.h"

namespace tercet::thing {
namespace {

using Tags = std::vector<registry::Tag>;

/// A shard whose messages about tags are kept.
struct World {
  void say(const std::string& tail, const std::string& params, std::uint8_t qos = 1) {
    shard.publish(TestShard::topic("deviceinfo/" + tail),
                  params.empty() ? std::string(R"({"id":"7","version":"1.0"})")
                                 : R"({"id":"7","version":"1.0","params":)" + params + "}",
                  qos);
  }
  std::string refused(const std::string& tail, const std::string& params) {
    got.clear();
    shard.egress.sent.clear();
    say(tail, params);
    shard.loop.advance(Seconds{60});
    REQUIRE(got.empty());
    REQUIRE(!shard.journal.entries.empty());
    REQUIRE(shard.egress.sent.size() == 1);
    CHECK(shard.egress.sent[0].topic == TestShard::topic("deviceinfo/" + tail) + "_reply");
    return std::string(shard.journal.entries.back().cause) + " " + shard.egress.sent[0].payload.substr(0, 21);
  }
  store::MemoryStore store;
  TestShard shard{store};
  std::vector<TagMessage>& got = shard.tag_messages;
};

}  // namespace

TEST_CASE("an update of tags is taken apart and handed on, those of the SDK marked") {
  World world;
  world.say("update", R"([{"attrKey":"room","attrValue":"厨房"},{"attrKey":"floor","attrValue":2},)"
                      R"({"attrKey":"SYS_SDK_LANGUAGE","attrValue":"C","domain":"SYSTEM"}])");
  REQUIRE(world.got.size() == 1);
  const TagMessage& message = world.got[0];
  CHECK(message.kind == TagMessage::Kind::update);
  CHECK(message.device == 1);
  CHECK(message.id == "7");
  CHECK(message.method == "thing.deviceinfo.update");
  CHECK(message.topic == "/sys/a1aaaaaaaaa/board1/thing/deviceinfo/update_reply");
  CHECK(message.qos == 1);
  CHECK(message.wants_reply);
  CHECK(message.tags == Tags{{"room", "厨房"}, {"floor", "2"}, {"SYS_SDK_LANGUAGE", "C", true}});
  CHECK(world.shard.egress.sent.empty());
}

TEST_CASE("tags are taken away by key, and asked for by keys or all together") {
  World world;
  world.say("delete", R"([{"attrKey":"room"}])");
  world.say("get", R"([{"attrKey":"room"},"floor"])");
  world.say("get", R"({"attrKey":"room"})");
  world.say("get", "{}");
  world.say("get", "", 0);
  REQUIRE(world.got.size() == 5);
  CHECK(world.got[0].kind == TagMessage::Kind::remove);
  CHECK(world.got[0].tags == Tags{{"room", ""}});
  CHECK(world.got[1].kind == TagMessage::Kind::get);
  CHECK(world.got[1].tags == Tags{{"room", ""}, {"floor", ""}});
  CHECK(world.got[2].tags == Tags{{"room", ""}});
  CHECK(world.got[3].tags.empty());
  CHECK(world.got[4].tags.empty());
}

TEST_CASE("what is wrong with a message about tags is said, and nothing of it is kept") {
  World world;
  const std::string k460 = " {\"id\":\"7\",\"code\":460,";
  CHECK(world.refused("update", "{}") == "payload.params_wrong_type" + k460);
  CHECK(world.refused("update", "[]") == "payload.params_wrong_type" + k460);
  CHECK(world.refused("delete", "") == "payload.params_missing" + k460);
  CHECK(world.refused("update", "[1]") == "tag.key" + k460);
  CHECK(world.refused("update", R"([{"attrValue":"v"}])") == "tag.key" + k460);
  CHECK(world.refused("update", R"([{"attrKey":"two words","attrValue":"v"}])") == "tag.key" + k460);
  CHECK(world.refused("update", R"([{"attrKey":"k"}])") == "tag.value" + k460);
  CHECK(world.refused("update", R"([{"attrKey":"k","attrValue":"v"},{"attrKey":"k","attrValue":"a b"}])") ==
        "tag.value" + k460);
  std::string many = "[";
  for (int i = 0; i < 201; ++i)
    many += (i == 0 ? "" : ",") + std::string(R"({"attrKey":"k)") + std::to_string(i) + R"(","attrValue":"v"})";
  CHECK(world.refused("update", many + "]") == "tag.too_many" + k460);
  world.shard.is_tag_queue_full = true;
  CHECK(world.refused("get", "[]") == "connect.server_full {\"id\":\"7\",\"code\":429,");
}

}  // namespace tercet::thing
