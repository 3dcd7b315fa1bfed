#include "platform/broker/sub_devices.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "platform/broker/test_world.h"

namespace tercet::broker::test {
namespace {

constexpr std::string_view kPost = "/sys/pk/child/thing/event/property/post";
constexpr std::string_view kSet = "/sys/pk/child/thing/service/property/set";

/// Notes what the thing module would be told, besides what TestIngress does.
class Ingress final : public broker::Ingress {
 public:
  explicit Ingress(TestIngress& inner) : inner_(inner) {}
  Taken on_message(const Inbound& message) override { return inner_.on_message(message); }
  void on_online(SessionRef session, const Identity& identity, std::uint64_t tag, const runtime::Address& peer,
                 std::string_view client_id) override {
    inner_.on_online(session, identity, tag, peer, client_id);
  }
  void on_offline(const Identity& identity, std::uint64_t tag) override { inner_.on_offline(identity, tag); }
  bool on_stranger(const Inbound& message) override {
    strangers.push_back(std::string(message.topic));
    return true;
  }
  void on_ride_over(SessionRef, std::uint64_t, std::string_view name, RideEnd why) override {
    over.push_back(std::string(name) + " " + std::to_string(static_cast<int>(why)));
  }
  std::vector<std::string> strangers, over;

 private:
  TestIngress& inner_;
};

/// Two shards; the gateway "gw" and the devices "child" and "other" of product pk. The child's home may be either.
struct Field {
  explicit Field(std::size_t shards = 2, bool with_store = false)
      : world(TestWorld::Options{.shards = shards, .with_store = with_store}) {
    for (std::size_t k = 0; k < shards; ++k) ingress.push_back(std::make_unique<Ingress>(*world.ingress[k]));
    // The brokers have been started with the plain ones; they are told of these instead.
    for (std::size_t k = 0; k < shards; ++k) REQUIRE(world.brokers[k]->start(*ingress[k]));
  }
  bool connect(TestClient& client, const ConnectOptions& with) {
    if (client.connect(with) != 0) return false;
    const std::string name = with.user.substr(0, with.user.find('&'));
    sessions[name] = at_home(name).last_session;
    return true;
  }
  std::size_t home(std::string_view name) { return world.home_of(device_key("pk", name)); }
  TestIngress& at_home(std::string_view name) { return *world.ingress[home(name)]; }
  Ingress& told(std::string_view name) { return *ingress[home(name)]; }
  /// What the thing modules do at a login that they grant. False: the gateway has gone.
  bool log_in(std::string_view name, std::string_view gateway = "gw", bool auto_subscribe = false) {
    Egress::SubDeviceLogin login;
    login.identity = {Identity::Kind::device, "pk/" + std::string(name)};
    login.tag = 7;
    login.auto_subscribe = auto_subscribe;
    login.client_id = "c";
    login.ride = {home(gateway), sessions[std::string(gateway)], ++rides};
    on(name, [&](Broker& broker) { broker.take_in(login); });
    bool admitted = false;
    on(gateway, [&](Broker& broker) { admitted = broker.admit(login); });
    return admitted;
  }
  void on(std::string_view name, const std::function<void(Broker&)>& act) {
    const std::size_t shard = home(name);
    world.shards.loop(shard).post([this, shard, &act] { act(*world.brokers[shard]); });
    world.run_for(Millis{20});
  }
  bool is_online(std::string_view name) {
    bool online = false;
    on(name, [&](Broker& broker) { online = broker.is_online(device_key("pk", name)); });
    return online;
  }
  /// A device whose home is, or is not, that of the gateway.
  std::string child(bool here) {
    for (int i = 0;; ++i)
      if (const std::string name = "child" + std::to_string(i); (home(name) == home("gw")) == here) return name;
  }

  TestWorld world;
  std::vector<std::unique_ptr<Ingress>> ingress;
  std::map<std::string, SessionRef> sessions;  ///< of those that have connected
  std::uint64_t rides = 0;
};

std::string post_of(const std::string& name) { return "/sys/pk/" + name + "/thing/event/property/post"; }
std::string set_of(const std::string& name) { return "/sys/pk/" + name + "/thing/service/property/set"; }

TEST_CASE("a gateway speaks for a sub-device that is logged in, whatever shard is its home") {
  for (const bool here : {true, false}) {
    CAPTURE(here);
    Field field;
    const std::string name = field.child(here);
    TestClient gateway{field.world, kCloud};
    REQUIRE(field.connect(gateway, device("gw")));
    REQUIRE(field.log_in(name));
    CHECK(field.is_online(name));
    CHECK(field.at_home(name).events.back() == "online pk/" + name);
    gateway.say_publish(post_of(name), "{}");
    field.world.run_for(Millis{50});
    const auto& got = field.at_home(name).got;
    REQUIRE(got.size() == 1);
    CHECK(got[0].name == "pk/" + name);
    CHECK(got[0].topic == post_of(name));
  }
}

TEST_CASE("without its login a gateway speaks for nobody: the message is dropped, and the thing module told") {
  Field field;
  TestClient gateway{field.world, kCloud};
  REQUIRE(field.connect(gateway, device("gw")));
  gateway.say_publish(kPost, "{}");
  CHECK(gateway.publishes(kPost, "{}"));  // QoS 1 is acknowledged, as every forbidden message
  CHECK(field.at_home("child").got.empty());
  CHECK(field.told("gw").strangers == std::vector<std::string>{std::string(kPost), std::string(kPost)});
  CHECK(gateway.subscribe(kSet) == 0x80);
  // Nor does a login speak for another device, nor for another gateway.
  REQUIRE(field.log_in("other"));
  gateway.say_publish(kPost, "{}");
  CHECK(gateway.subscribe(kSet) == 0x80);
  TestClient stranger{field.world, kCloud};
  REQUIRE(field.connect(stranger, device("stranger")));
  stranger.say_publish("/sys/pk/other/thing/event/property/post", "{}");
  field.world.run_for(Millis{50});
  CHECK(field.at_home("other").got.empty());
}

TEST_CASE("messages to a sub-device go to its gateway, if that has subscribed or `_ss=1` implies it") {
  for (const bool here : {true, false}) {
    CAPTURE(here);
    Field field;
    const std::string name = field.child(here);
    TestClient gateway{field.world, kCloud};
    REQUIRE(field.connect(gateway, device("gw")));
    REQUIRE(field.log_in(name));
    const auto send = [&] {
      field.on(name, [&](Broker& broker) { broker.send_to(device_key("pk", name), set_of(name), as_bytes("{1}"), 1); });
    };
    send();
    CHECK(gateway.hears_nothing());
    CHECK(gateway.subscribe("/sys/pk/" + name + "/thing/#", 1) == 1);
    send();
    CHECK(gateway.hears(set_of(name), "{1}"));
    CHECK(gateway.message.qos == Qos::at_most_once);
    TestClient automatic{field.world, kCloud};
    REQUIRE(field.connect(automatic, device("gw", true, "_ss=1")));
    send();
    CHECK(automatic.hears_nothing());  // a new connection, and nobody has logged in over it
    REQUIRE(field.log_in(name));
    send();
    CHECK(automatic.hears(set_of(name), "{1}"));
  }
}

TEST_CASE("topics of a sub-device's own pass both ways, once") {
  for (const bool here : {true, false}) {
    CAPTURE(here);
    Field field;
    const std::string name = field.child(here), up = "/pk/" + name + "/user/update", down = "/pk/" + name + "/user/get";
    TestClient gateway{field.world, kCloud}, application{field.world, kStandard};
    REQUIRE(field.connect(gateway, device("gw")));
    REQUIRE(application.connect(client("app")) == 0);
    REQUIRE(field.log_in(name));
    CHECK(gateway.subscribe(down) == 0);
    CHECK(application.subscribe(up) == 0);
    gateway.say_publish(up, "hello");
    CHECK(application.hears(up, "hello"));
    application.say_publish(down, "back");
    CHECK(gateway.hears(down, "back"));
    CHECK(gateway.hears_nothing());
    field.on("gw", [&](Broker& broker) { CHECK(broker.log_out(field.sessions["gw"], "pk/" + name)); });
    application.say_publish(down, "gone");
    gateway.say_publish(up, "gone");
    CHECK(gateway.hears_nothing());
    CHECK(application.hears_nothing());
  }
}

TEST_CASE("a QoS 1 message of a sub-device is acknowledged when its home shard has taken it") {
  for (const bool here : {true, false}) {
    CAPTURE(here);
    Field field{2, true};
    const std::string name = field.child(here);
    TestClient gateway{field.world, kCloud};
    REQUIRE(field.connect(gateway, device("gw")));
    REQUIRE(field.log_in(name));
    CHECK(gateway.publishes(post_of(name), "{}"));
    CHECK(gateway.publishes("/pk/" + name + "/user/update", "{}"));
    field.at_home(name).later = true;
    gateway.say_publish(post_of(name), "{}", 1, 5);
    CHECK(gateway.hears_nothing());
    const AckToken token = field.at_home(name).got.back().token;
    field.on(name, [&](Broker& broker) { broker.acknowledge(token); });
    CHECK(gateway.hears_ack(PacketType::puback, 5));
    // What its store does not take closes the gateway's connection, so that it is sent again.
    gateway.say_publish(post_of(name), "{}", 1, 6);
    field.world.run_for(Millis{50});
    const AckToken lost = field.at_home(name).got.back().token;
    field.on(name, [&](Broker& broker) { broker.disconnect(lost, Error::no_space); });
    CHECK(gateway.is_closed_within(Seconds{1}));
  }
}

TEST_CASE("when the gateway goes, all its sub-devices are offline") {
  Field field;
  TestClient gateway{field.world, kCloud};
  REQUIRE(field.connect(gateway, device("gw", false)));
  const std::string near = field.child(true), far = field.child(false);
  REQUIRE(field.log_in(near));
  REQUIRE(field.log_in(far));
  gateway.drop();
  field.world.run_for(Millis{100});
  for (const std::string& name : {near, far}) {
    CHECK(!field.is_online(name));
    const auto& events = field.at_home(name).events;
    CHECK(std::count(events.begin(), events.end(), "offline pk/" + name) == 1);
  }
  CHECK(field.world.total().online == 0);
  // Its persistent session comes back without them.
  TestClient again{field.world, kCloud};
  REQUIRE(field.connect(again, device("gw", false)));
  CHECK(again.session_present);
  again.say_publish(post_of(near), "{}");
  field.world.run_for(Millis{50});
  CHECK(field.told("gw").strangers.size() == 1);
}

TEST_CASE("a sub-device that logs in elsewhere leaves its gateway, which is told") {
  Field field;
  TestClient gateway{field.world, kCloud}, other{field.world, kCloud};
  REQUIRE(field.connect(gateway, device("gw")));
  const std::string name = field.child(false);
  REQUIRE(field.log_in(name));
  SUBCASE("over another gateway") {
    REQUIRE(field.connect(other, device("gw2")));
    REQUIRE(field.log_in(name, "gw2"));
  }
  SUBCASE("by itself") { REQUIRE(field.connect(other, device(name))); }
  field.world.run_for(Millis{50});
  CHECK(field.told("gw").over == std::vector<std::string>{"pk/" + name + " 0"});
  CHECK(field.is_online(name));
  gateway.say_publish(post_of(name), "{}");
  field.world.run_for(Millis{50});
  CHECK(field.at_home(name).got.empty());
}

TEST_CASE("a sub-device that is disabled, deleted or unbound is logged out, and its gateway told") {
  Field field;
  TestClient gateway{field.world, kCloud};
  REQUIRE(field.connect(gateway, device("gw")));
  const std::string name = field.child(false), key = device_key("pk", name);
  const std::function<void(Broker&)> ends[] = {[&](Broker& b) { b.disconnect(key, false); },
                                               [&](Broker& b) { b.disconnect(key, true); },
                                               [&](Broker& b) { b.end_ride(key, RideEnd::unbound); }};
  int why = 1;
  for (const auto& end : ends) {
    REQUIRE(field.log_in(name));
    field.on(name, end);
    CHECK(field.told("gw").over.back() == "pk/" + name + " " + std::to_string(why++));
    CHECK(!field.is_online(name));
  }
}

TEST_CASE("a login again over the same gateway goes on, and a late end of the former one changes nothing") {
  Field field;
  TestClient gateway{field.world, kCloud};
  REQUIRE(field.connect(gateway, device("gw")));
  const std::string name = field.child(false);
  REQUIRE(field.log_in(name));
  const Ride former{field.home("gw"), field.sessions["gw"], field.rides};
  REQUIRE(field.log_in(name));
  CHECK(field.at_home(name).events == std::vector<std::string>{"online pk/" + name});
  field.on("gw", [&](Broker& broker) { broker.give_up(former, "pk/" + name); });
  CHECK(field.is_online(name));
  gateway.say_publish(post_of(name), "{}");
  field.world.run_for(Millis{50});
  CHECK(field.at_home(name).got.size() == 1);
}

TEST_CASE("a login for a gateway that has gone meanwhile is not admitted") {
  Field field;
  TestClient gateway{field.world, kCloud};
  REQUIRE(field.connect(gateway, device("gw")));
  gateway.drop();
  field.world.run_for(Millis{50});
  CHECK(!field.log_in(field.child(true)));
}

TEST_CASE("a gateway's rates and subscriptions grow with its sub-devices") {
  Field field{1};
  TestClient gateway{field.world, kCloud};
  REQUIRE(field.connect(gateway, device("gw")));
  for (int i = 0; i < 101; ++i) CHECK(gateway.subscribe("/pk/gw/user/" + std::to_string(i)) == (i < 100 ? 0 : 0x80));
  REQUIRE(field.log_in("child"));
  CHECK(gateway.subscribe(kSet) == 0);
}

}  // namespace
}  // namespace tercet::broker::test
