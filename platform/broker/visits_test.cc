#include "platform/broker/visits.h"

#include "platform/broker/test_world.h"

using namespace tercet;
using namespace tercet::broker;
using namespace tercet::broker::test;
using Kind = Visits::Answer::Kind;

namespace {

struct World : TestWorld {
  explicit World(std::uint32_t per_second = 0, std::size_t at_a_time = 100)
      : visits(broker(), shards.loop(0), journal, {TopicLimits{}, per_second, at_a_time, Seconds{30}}) {
    visits.start(devices());
  }
  void post(std::string_view topic, std::string_view payload = "{}") {
    visits.post({device, 7, topic, as_bytes(payload), {}},
                [this](Visits::Answer answer) { answers.push_back(std::move(answer)); });
  }
  Identity device{Identity::Kind::device, "pk/dn"};
  Visits visits;
  std::vector<Visits::Answer> answers;
};
constexpr const char* kPost = "/sys/pk/dn/thing/event/property/post";

}  // namespace

TEST_CASE("a visit is answered once the Ingress acknowledges it, with the reply that comes in the same pass") {
  World world;
  world.devices().later = true;
  world.post(kPost, "{\"id\":\"1\"}");
  REQUIRE(world.devices().got.size() == 1);
  const auto got = world.devices().got[0];
  CHECK(got.payload == "{\"id\":\"1\"}");
  CHECK(got.qos == 1);
  world.run_for(Millis{1000});
  CHECK(world.answers.empty());
  world.visits.acknowledge(got.token);
  CHECK(world.visits.send(got.session, "/sys/pk/dn/thing/event/property/post_reply", as_bytes("reply"), 0));
  world.run_for(Millis{10});
  REQUIRE(world.answers.size() == 1);
  CHECK(world.answers[0].kind == Kind::kept);
  CHECK(world.answers[0].reply == "reply");
}

TEST_CASE("a visit is over once: late and repeated words for it change nothing, also when its place is used again") {
  World world;
  world.devices().later = true;
  world.post(kPost);
  const auto first = world.devices().got[0];
  world.visits.acknowledge(first.token);
  world.run_for(Millis{10});
  world.post(kPost);
  world.visits.acknowledge(first.token);
  CHECK(!world.visits.send(first.session, "x", as_bytes("late"), 0));
  world.run_for(Millis{10});
  CHECK(world.answers.size() == 1);
  world.visits.disconnect(world.devices().got[1].token, Error::no_space);
  world.run_for(Millis{10});
  REQUIRE(world.answers.size() == 2);
  CHECK(world.answers[1].kind == Kind::not_kept);
}

TEST_CASE("an Ingress that never answers costs a visit its patience, not its place") {
  World world(0, 1);
  world.devices().later = true;
  world.post(kPost);
  world.post(kPost);
  REQUIRE(world.answers.size() == 1);
  CHECK(world.answers[0].kind == Kind::too_many);
  world.run_for(Millis{31'000});
  REQUIRE(world.answers.size() == 2);
  CHECK(world.answers[1].kind == Kind::not_kept);
  world.devices().later = false;
  world.post(kPost);
  world.run_for(Millis{10});
  CHECK(world.answers.back().kind == Kind::kept);
}

TEST_CASE("a visit has the permissions of its device, and a refusal is in the journal") {
  World world;
  world.post("/sys/pk/other/thing/event/property/post");
  world.post("/sys/pk/dn/thing/service/property/set");
  world.post("no slash");
  REQUIRE(world.answers.size() == 3);
  for (const auto& answer : world.answers) CHECK(answer.kind == Kind::refused);
  CHECK(world.devices().got.empty());
  CHECK(world.journal.count(auth::Cause::topic_of_another_device) == 1);
}

TEST_CASE("the surplus of a device is refused, and journaled once per burst") {
  World world(3);
  for (int i = 0; i < 6; ++i) world.post(kPost);
  world.run_for(Millis{10});
  CHECK(world.devices().got.size() == 3);
  CHECK(world.answers.size() == 6);
  CHECK(world.journal.count(auth::Cause::publish_rate) == 1);
  world.run_for(Millis{1000});
  world.shards.loop(0).post([&world] { world.post(kPost); });
  world.run_for(Millis{10});
  CHECK(world.devices().got.size() == 4);
}

TEST_CASE("a custom topic reaches whoever subscribes") {
  World world;
  TestClient reader(world, kStandard);
  ConnectOptions options;
  options.client_id = "reader";
  REQUIRE(reader.connect(options) == 0);
  reader.subscribe("/pk/dn/user/+");
  world.post("/pk/dn/user/update", "hello");
  CHECK(reader.hears("/pk/dn/user/update", "hello"));
  REQUIRE(world.answers.size() == 1);
  CHECK(world.answers[0].kind == Kind::kept);
}

TEST_CASE("what is for real sessions goes on to the broker") {
  World world;
  TestClient device(world, kCloud);
  ConnectOptions options;
  options.client_id = "c|_ss=1|";
  options.user = "dn&pk";
  REQUIRE(device.connect(options) == 0);
  CHECK(world.visits.is_online("d/pk/dn"));
  world.shards.loop(0).post([&world] {
    world.visits.send(world.devices().last_session, "/sys/pk/dn/thing/service/property/set", as_bytes("{}"), 0);
  });
  CHECK(device.hears("/sys/pk/dn/thing/service/property/set", "{}"));
}
