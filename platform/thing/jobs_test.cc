#include <doctest/doctest.h>

#include "platform/thing/test_shard.h"

namespace tercet::thing {
namespace {

/// A shard whose messages about jobs are kept.
struct World {
  void say(const std::string& tail, const std::string& params, std::uint8_t qos = 1) {
    shard.publish(TestShard::topic("job/" + tail),
                  params.empty() ? std::string(R"({"id":"7","version":"1.0"})")
                                 : R"({"id":"7","version":"1.0.0","params":)" + params + "}",
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
    CHECK(shard.egress.sent[0].topic == TestShard::topic("job/" + tail) + "_reply");
    return std::string(shard.journal.entries.back().cause) + " " + shard.egress.sent[0].payload.substr(0, 21);
  }
  store::MemoryStore store;
  TestShard shard{store};
  std::vector<JobMessage>& got = shard.job_messages;
};

}  // namespace

TEST_CASE("a report on a job is taken apart and handed on") {
  World world;
  world.say("update", R"({"taskId":"t1","status":"IN_PROGRESS","statusDetails":{"step":"二"},"progress":50})");
  REQUIRE(world.got.size() == 1);
  const JobMessage& message = world.got[0];
  CHECK(message.kind == JobMessage::Kind::update);
  CHECK(message.device == 1);
  CHECK(message.name == "board1");
  CHECK(message.id == "7");
  CHECK(message.topic == "/sys/a1aaaaaaaaa/board1/thing/job/update_reply");
  CHECK(message.task == "t1");
  CHECK(message.status == "IN_PROGRESS");
  CHECK(message.details == R"({"step":"二"})");
  CHECK(message.progress == 50);
  CHECK(message.qos == 1);
  CHECK(message.wants_reply);
  CHECK(world.shard.egress.sent.empty());
}

TEST_CASE("progress may be text, and progress and details may be missing") {
  World world;
  world.say("update", R"({"taskId":"t1","status":"FAILED","progress":"7"})");
  world.say("update", R"({"taskId":"t1","status":"REJECTED","progress":null,"statusDetails":null})", 0);
  REQUIRE(world.got.size() == 2);
  CHECK(world.got[0].progress == 7);
  CHECK(world.got[1].progress == -1);
  CHECK(world.got[1].details.empty());
  CHECK(world.got[1].qos == 0);
}

TEST_CASE("a device asks for a job by id, for a list, or for the next one, which it need not say") {
  World world;
  world.say("get", R"({"taskId":"t1"})");
  world.say("get", R"({"taskId":"$list"})");
  world.say("get", "{}");
  world.say("get", "");
  REQUIRE(world.got.size() == 4);
  CHECK(world.got[0].kind == JobMessage::Kind::get);
  CHECK(world.got[0].task == "t1");
  CHECK(world.got[1].task == "$list");
  CHECK(world.got[2].task == "$next");
  CHECK(world.got[3].task == "$next");
}

TEST_CASE("what a device may not say of a job is refused with 460, and why is in the journal") {
  World world;
  const std::string wrong = R"(payload.params_wrong_type {"id":"7","code":460,)";
  CHECK(world.refused("update", "") == R"(payload.params_missing {"id":"7","code":460,)");
  CHECK(world.refused("update", "{}") == wrong);
  CHECK(world.refused("update", R"({"taskId":5,"status":"FAILED"})") == wrong);
  CHECK(world.refused("update", R"({"taskId":"t1","status":"QUEUED"})") == wrong);
  CHECK(world.refused("update", R"({"taskId":"t1","status":"CANCELLED"})") == wrong);
  CHECK(world.refused("update", R"({"taskId":"t1","status":"FAILED","statusDetails":""})") == wrong);
  CHECK(world.refused("update", R"({"taskId":"t1","status":"FAILED","progress":101})") == wrong);
  CHECK(world.refused("update", R"({"taskId":"t1","status":"FAILED","progress":"half"})") == wrong);
  CHECK(world.refused("update", R"({"taskId":"t1","status":"FAILED","statusDetails":{"a":")" + std::string(4096, 'x') +
                                    "\"}}") == wrong);
  CHECK(world.refused("get", R"({"taskId":[]})") == wrong);
  CHECK(world.refused("get", R"({"taskId":")" + std::string(65, 'x') + "\"}") == wrong);
}

TEST_CASE("what a device says to a notification of a job is taken in silence") {
  World world;
  world.shard.publish(TestShard::topic("job/notify_reply"), R"({"id":"1","code":200,"data":{}})", 1);
  CHECK(world.got.empty());
  CHECK(world.shard.journal.entries.empty());
}

}  // namespace tercet::thing
