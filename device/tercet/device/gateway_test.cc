#include "tercet/device/gateway.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "ports/fake/board.h"

using namespace tercet;
using namespace tercet::device;

namespace {

inline constexpr Property<std::int32_t> kLevel{"level", Access::read_write, 0, 100};
constexpr std::string_view kSecret = "0123456789abcdef0123456789abcdef";
constexpr std::string_view kLoginTopic = "/ext/session/a1Gateway01/gateway_01/combine/batch_login";
constexpr std::string_view kAddTopic = "/sys/a1Gateway01/gateway_01/thing/topo/add";
constexpr std::string_view kDeleteTopic = "/sys/a1Gateway01/gateway_01/thing/topo/delete";
constexpr std::string_view kRegisterTopic = "/sys/a1Gateway01/gateway_01/thing/sub/register";
constexpr std::string_view kErrorTopic = "/ext/error/a1Gateway01/gateway_01";

DeviceId sub_id(std::string_view name) { return {*ProductKey::parse("a1B2c3D4e5F"), *DeviceName::parse(name)}; }

struct Board final : DeviceEvents, GatewayEvents {
  explicit Board(std::size_t most_logins = 5, std::size_t scratch_size = 1200)
      : gateway(device, board.port(), *this, subs, MutableBytes(scratch).first(scratch_size), most_logins) {
    board.platform.record_all = true;
    options.auto_subscribe = true;
    options.platform_time = false;
    options.time.floor = UnixMillis{1'700'000'000'000};
    static constexpr std::string_view kServers[] = {"one.example", "two.example"};
    options.time.servers = kServers;
    const DeviceId id{*ProductKey::parse("a1Gateway01"), *DeviceName::parse("gateway_01")};
    REQUIRE(device.start(id, {"iot.example", 1883, false}, options));
    gateway.start(id);
  }
  void connect() {
    for (int i = 0; i < 20'000 && !device.is_online(); ++i) {
      device.run();
      board.clock.advance(Millis{10});
    }
    REQUIRE(device.is_online());
    run();
  }
  void on_message(std::string_view topic, Bytes payload) override {
    if (!gateway.on_message(topic, payload)) ++others;
  }
  void on_sub_state(SubDevice& sub) override { states.push_back(sub.state()); }
  void on_sub_registered(SubDevice& sub) override { told = sub.secret(); }
  void on_sub_set(SubDevice&, PropertySet& set) override {
    const auto wanted = set.get(kLevel);
    if (!set.ok() || !wanted) return;
    level = *wanted;
    set.confirm(kLevel(level));
  }
  void on_sub_service(SubDevice&, ServiceCall& call) override {
    service = call.identifier();
    call.answer({kLevel(7)});
  }
  void on_sub_reply(SubDevice&, const PostReply& reply) override { last_reply = reply.code; }
  void on_sub_message(SubDevice& sub, std::string_view tail, Bytes payload) override {
    message = std::string(sub.id().device.str()) + " " + std::string(tail) + " " + std::string(as_text(payload));
  }
  void on_invited(const DeviceId& id) override { invited = id.device.str(); }

  void run() {
    for (int i = 0; i < 5; ++i) {
      device.run();
      gateway.run();
    }
  }
  void wait(Millis by) {
    board.clock.advance(by);
    run();
  }
  /// What was said on this topic last; "" when nothing was since the last call.
  std::string said(std::string_view topic) {
    run();
    std::string found;
    for (auto& [where, what] : board.platform.messages)
      if (where == topic) found = what;
    board.platform.messages.clear();
    return found;
  }
  void hear(std::string_view topic, std::string_view payload) {
    board.platform.push(topic, payload, mqtt::Qos::at_most_once);
    run();
  }
  /// Answers the request that is on this topic; true when there was one.
  bool answer(std::string_view topic, std::string_view code, std::string_view data) {
    const std::string request = said(topic);
    const std::size_t at = request.find(R"("id":")");
    if (at == std::string::npos) return false;
    const std::string id = request.substr(at + 6, request.find('"', at + 6) - at - 6);
    hear(std::string(topic) + "_reply", R"({"id":")" + id + R"(","code":)" + std::string(code) +
                                            R"(,"message":"m","data":)" + std::string(data) + "}");
    return true;
  }
  SubDevice& online(std::string_view name = "sub_01") {
    SubDevice& sub = **gateway.add(sub_id(name), kSecret);
    if (!device.is_online()) connect();
    REQUIRE(answer(kLoginTopic, "200", "[]"));
    REQUIRE(sub.state() == SubState::online);
    states.clear();
    return sub;
  }

  fake::Board board{1};
  Options options;
  DeviceBuffers<2048, 512, 2048> buffers;
  Device device{board.port(), buffers.storage(), *this};
  std::array<SubDevice, 3> subs;
  std::array<std::uint8_t, 1200> scratch;
  Gateway gateway;
  std::vector<SubState> states;
  std::string told, service, message, invited;
  std::int32_t level = 0, last_reply = 0;
  int others = 0;
};
using States = std::vector<SubState>;

}  // namespace

TEST_CASE("a login says the names and their signature, and its answer makes the device one that may post") {
  Board board;
  SubDevice& sub = **board.gateway.add(sub_id("sub_01"), kSecret);
  CHECK(sub.state() == SubState::ready);
  CHECK(board.gateway.post_properties(sub, {kLevel(3)}).error() == Error::bad_state);
  board.connect();
  // Set C, V7 of the reference.
  CHECK(board.said(kLoginTopic) ==
        R"({"id":"1","params":{"deviceList":[{"productKey":"a1B2c3D4e5F","deviceName":"sub_01",)"
        R"("clientId":"a1B2c3D4e5F.sub_01","timestamp":"2524608000000","signMethod":"hmacSha256",)"
        R"("sign":"c64a74e12a4e0f3de92dfd1ce60016bb8fa0f22cf38ec9c3066d3aa8021e6049","cleanSession":"false"}]}})");
  board.hear(
      std::string(kLoginTopic) + "_reply",
      R"({"id":"1","code":200,"message":"success","data":[{"productKey":"a1B2c3D4e5F","deviceName":"sub_01"}]})");
  CHECK(sub.state() == SubState::online);
  const auto id = board.gateway.post_properties(sub, {kLevel(3)}, UnixMillis{1'700'000'000'000});
  REQUIRE(id);
  CHECK(
      board.said("/sys/a1B2c3D4e5F/sub_01/thing/event/property/post") ==
      R"({"id":"2","version":"1.0","sys":{"ack":1},"params":{"level":{"value":3,"time":1700000000000}},"method":"thing.event.property.post"})");
  CHECK(board.last_reply == 200);
  REQUIRE(board.gateway.post_event(sub, "full", {kLevel(99)}, UnixMillis{5}));
  CHECK(board.said("/sys/a1B2c3D4e5F/sub_01/thing/event/full/post").find(R"("value":{"level":99},"time":5)") !=
        std::string::npos);
  CHECK(board.gateway.post_event(sub, "a/b", {kLevel(1)}).error() == Error::bad_argument);
  REQUIRE(board.gateway.publish(sub, "user/update", as_bytes("hello")));
  CHECK(board.said("/a1B2c3D4e5F/sub_01/user/update") == "hello");
}

TEST_CASE("a device that is not in the topology is added with its signature, and then logged in") {
  Board board;
  SubDevice& sub = **board.gateway.add(sub_id("sub_01"), kSecret);
  board.connect();
  REQUIRE(board.answer(kLoginTopic, "6401", R"([{"productKey":"a1B2c3D4e5F","deviceName":"sub_01"}])"));
  CHECK(sub.state() == SubState::absent);
  const std::string added = board.said(kAddTopic);
  CHECK(added ==
        R"({"id":"2","version":"1.0","params":[{"productKey":"a1B2c3D4e5F","deviceName":"sub_01",)"
        R"("clientId":"a1B2c3D4e5F.sub_01","timestamp":"2524608000000","signmethod":"hmacSha256",)"
        R"("sign":"c64a74e12a4e0f3de92dfd1ce60016bb8fa0f22cf38ec9c3066d3aa8021e6049"}],"method":"thing.topo.add"})");
  board.hear(std::string(kAddTopic) + "_reply", R"({"id":"2","code":200,"data":[]})");
  CHECK(sub.state() == SubState::ready);
  REQUIRE(board.answer(kLoginTopic, "200", "[]"));
  CHECK(board.states == States{SubState::ready, SubState::absent, SubState::ready, SubState::online});
}

TEST_CASE("without a secret it is asked for, told, and used") {
  Board board;
  SubDevice& sub = **board.gateway.add(sub_id("sub_01"), "");
  CHECK(sub.state() == SubState::unnamed);
  board.connect();
  CHECK(
      board.said(kRegisterTopic) ==
      R"({"id":"1","version":"1.0","params":[{"deviceName":"sub_01","productKey":"a1B2c3D4e5F"}],"method":"thing.sub.register"})");
  board.hear(
      std::string(kRegisterTopic) + "_reply",
      R"({"id":"1","code":200,"data":[{"iotId":"i","productKey":"a1B2c3D4e5F","deviceName":"sub_01","deviceSecret":"0123456789abcdef0123456789abcdef"}]})");
  CHECK(board.told == kSecret);
  CHECK(sub.state() == SubState::ready);
  CHECK(board.said(kLoginTopic).find("c64a74e12a4e0f3de92dfd1ce60016bb8fa0f22cf38ec9c3066d3aa8021e6049") !=
        std::string::npos);
}

TEST_CASE("a registration that tells no secret, or is refused, is tried again later") {
  Board board;
  SubDevice& sub = **board.gateway.add(sub_id("sub_01"), "");
  board.connect();
  REQUIRE(
      board.answer(kRegisterTopic, "200", R"([{"productKey":"a1B2c3D4e5F","deviceName":"other","deviceSecret":"x"}])"));
  CHECK(sub.state() == SubState::unnamed);
  CHECK(board.said(kRegisterTopic).empty());
  board.wait(Millis{1'000});
  REQUIRE(board.answer(kRegisterTopic, "6288", "[]"));
  CHECK(sub.code() == 6288);
  board.wait(Millis{2'000});
  REQUIRE(board.answer(kRegisterTopic, "6100", "[]"));
  CHECK(sub.state() == SubState::deleted);
}

TEST_CASE("of a batch that is refused only those are put back that were named, and the others log in at once") {
  Board board;
  SubDevice& one = **board.gateway.add(sub_id("sub_01"), kSecret);
  SubDevice& two = **board.gateway.add(sub_id("sub_02"), "wrong");
  SubDevice& three = **board.gateway.add(sub_id("sub_03"), kSecret);
  CHECK(board.gateway.add(sub_id("sub_04"), kSecret).error() == Error::no_space);
  CHECK(board.gateway.add(sub_id("sub_02"), kSecret).error() == Error::already_exists);
  board.connect();
  REQUIRE(board.answer(kLoginTopic, "6287", R"([{"productKey":"a1B2c3D4e5F","deviceName":"sub_02"}])"));
  CHECK(two.code() == 6287);
  CHECK(two.state() == SubState::ready);
  const std::string second = board.said(kLoginTopic);
  CHECK(second.find("sub_01") != std::string::npos);
  CHECK(second.find("sub_02") == std::string::npos);
  board.hear(std::string(kLoginTopic) + "_reply", R"({"id":"2","code":200,"data":[]})");
  CHECK(one.state() == SubState::online);
  CHECK(three.state() == SubState::online);
  CHECK(board.said(kLoginTopic).empty());
  CHECK(board.gateway.next_deadline() > board.board.clock.now());
  board.wait(Millis{1'000});
  CHECK(board.said(kLoginTopic).find("sub_02") != std::string::npos);
}

TEST_CASE("when a batch is refused and nobody is named, each goes alone") {
  Board board;
  for (const char* name : {"sub_01", "sub_02"}) REQUIRE(board.gateway.add(sub_id(name), kSecret));
  board.connect();
  REQUIRE(board.answer(kLoginTopic, "429", "{}"));
  board.wait(Millis{1'000});
  const std::string next = board.said(kLoginTopic);
  CHECK((next.find("sub_01") != std::string::npos) != (next.find("sub_02") != std::string::npos));
}

TEST_CASE("logins go in messages that fit") {
  Board board(50, 80 + 2 * Gateway::kLoginBytes);
  for (const char* name : {"sub_01", "sub_02", "sub_03"}) REQUIRE(board.gateway.add(sub_id(name), kSecret));
  board.connect();
  const std::string first = board.said(kLoginTopic);
  CHECK(first.find("sub_02") != std::string::npos);
  CHECK(first.find("sub_03") == std::string::npos);
}

TEST_CASE("a request that nobody answers is asked again, and a late answer changes nothing") {
  Board board;
  SubDevice& sub = **board.gateway.add(sub_id("sub_01"), kSecret);
  board.connect();
  CHECK(!board.said(kLoginTopic).empty());
  board.wait(Millis{10'000});
  board.hear(std::string(kLoginTopic) + "_reply", R"({"id":"1","code":200,"data":[]})");
  CHECK(sub.state() == SubState::ready);
  board.wait(Millis{1'000});
  REQUIRE(board.answer(kLoginTopic, "200", "[]"));
  CHECK(sub.state() == SubState::online);
}

TEST_CASE("after a reconnect all log in again") {
  Board board;
  SubDevice& sub = board.online();
  board.board.platform.hang_up();
  board.run();
  CHECK(sub.state() == SubState::ready);
  CHECK(board.gateway.post_properties(sub, {kLevel(1)}).error() == Error::bad_state);
  board.connect();
  REQUIRE(board.answer(kLoginTopic, "200", "[]"));
  CHECK(board.states == States{SubState::ready, SubState::online});
}

TEST_CASE("a set is obeyed, answered, and what holds now is posted; a wrong one is answered 460") {
  Board board;
  board.online();
  const std::string_view set = "/sys/a1B2c3D4e5F/sub_01/thing/service/property/set";
  board.hear(set, R"({"id":"9","version":"1.0","params":{"level":42},"method":"thing.service.property.set"})");
  CHECK(board.level == 42);
  CHECK(board.board.platform.last_set_reply.str() == R"({"id":"9","code":200,"data":{}})");
  CHECK(board.board.platform.last_post.str().find(R"("level":)") != std::string_view::npos);
  board.hear(set, R"({"id":"10","version":"1.0","params":{"level":101}})");
  CHECK(board.board.platform.last_set_reply.str() == R"({"id":"10","code":460,"data":{}})");
  CHECK(board.level == 42);
}

TEST_CASE("services are answered, custom topics and other messages handed on") {
  Board board;
  board.online();
  board.hear("/sys/a1B2c3D4e5F/sub_01/thing/service/weigh", R"({"id":"4","params":{},"method":"thing.service.weigh"})");
  CHECK(board.service == "weigh");
  CHECK(board.said("/sys/a1B2c3D4e5F/sub_01/thing/service/weigh_reply") ==
        R"({"id":"4","code":200,"data":{"level":7}})");
  board.hear("/a1B2c3D4e5F/sub_01/user/get", "open");
  CHECK(board.message == "sub_01 user/get open");
  board.hear("/sys/a1B2c3D4e5F/sub_01/thing/config/push", "{}");
  CHECK(board.message == "sub_01 thing/config/push {}");
  board.hear("/sys/a1B2c3D4e5F/stranger/thing/config/push", "{}");
  CHECK(board.others == 1);
}

TEST_CASE("notices change the state and are answered") {
  Board board;
  SubDevice& sub = board.online();
  board.hear("/sys/a1B2c3D4e5F/sub_01/thing/disable", R"({"id":"5","params":{},"method":"thing.disable"})");
  CHECK(board.said("/sys/a1B2c3D4e5F/sub_01/thing/disable_reply") == R"({"id":"5","code":200,"data":{}})");
  CHECK(sub.state() == SubState::disabled);
  CHECK(board.said(kLoginTopic).empty());
  board.hear("/sys/a1B2c3D4e5F/sub_01/thing/enable", R"({"id":"6","params":{},"method":"thing.enable"})");
  REQUIRE(board.answer(kLoginTopic, "200", "[]"));
  CHECK(sub.state() == SubState::online);
  board.hear("/sys/a1B2c3D4e5F/sub_01/thing/delete", R"({"id":"7","params":{},"method":"thing.delete"})");
  CHECK(sub.state() == SubState::deleted);
  board.gateway.remove(sub);
  CHECK(sub.state() == SubState::unused);
  CHECK(sub.secret().empty());
}

TEST_CASE("changes of the topology by others are followed and answered") {
  Board board;
  SubDevice& sub = board.online();
  const std::string_view change = "/sys/a1Gateway01/gateway_01/thing/topo/change";
  const auto hear = [&](const char* status, const char* name) {
    board.hear(change, std::string(R"({"id":"8","version":"1.0","params":{"status":)") + status +
                           R"(,"subList":[{"productKey":"a1B2c3D4e5F","deviceName":")" + name +
                           R"("}]},"method":"thing.topo.change"})");
  };
  hear("1", "sub_01");
  CHECK(board.said(std::string(change) + "_reply") == R"({"id":"8","code":200,"data":{}})");
  CHECK(sub.state() == SubState::removed);
  CHECK(board.said(kLoginTopic).empty());
  REQUIRE(board.gateway.add(sub_id("sub_01"), kSecret));
  CHECK(sub.state() == SubState::ready);
  hear("8", "sub_01");
  CHECK(sub.state() == SubState::disabled);
  hear("2", "sub_01");
  CHECK(sub.state() == SubState::ready);
  hear("1", "sub_01");
  hear("0", "sub_01");
  CHECK(sub.state() == SubState::ready);
  hear("0", "sub_02");
  CHECK(board.invited == "sub_02");
  board.hear("/sys/a1Gateway01/gateway_01/thing/topo/add/notify",
             R"({"id":"3","params":[{"productKey":"a1B2c3D4e5F","deviceName":"sub_03"}]})");
  CHECK(board.invited == "sub_03");
  CHECK(board.said("/sys/a1Gateway01/gateway_01/thing/topo/add/notify_reply") == R"({"id":"3","code":200,"data":{}})");
}

TEST_CASE("the error topic ends a login: what follows depends on why") {
  for (const auto& row : std::vector<std::pair<std::string, SubState>>{{"427", SubState::ready},
                                                                       {"520", SubState::ready},
                                                                       {"521", SubState::deleted},
                                                                       {"522", SubState::disabled},
                                                                       {"6401", SubState::removed},
                                                                       {"500", SubState::online}}) {
    const std::string& code = row.first;
    const SubState state = row.second;
    CAPTURE(code);
    Board board;
    SubDevice& sub = board.online();
    board.hear(kErrorTopic,
               R"({"code":)" + code + R"(,"message":"m","data":{"productKey":"a1B2c3D4e5F","deviceName":"sub_01"}})");
    CHECK(sub.state() == state);
    CHECK(board.said(kLoginTopic).empty());  // not at once
    board.wait(Millis{1'000});
    CHECK(board.said(kLoginTopic).empty() == (state != SubState::ready));
  }
}

TEST_CASE("a device that is removed leaves the topology, and its slot is free when that is answered") {
  Board board;
  SubDevice& sub = board.online();
  board.gateway.remove(sub);
  CHECK(sub.state() == SubState::leaving);
  CHECK(
      board.said(kDeleteTopic) ==
      R"({"id":"2","version":"1.0","params":[{"deviceName":"sub_01","productKey":"a1B2c3D4e5F"}],"method":"thing.topo.delete"})");
  board.hear(kErrorTopic, R"({"code":6401,"data":{"productKey":"a1B2c3D4e5F","deviceName":"sub_01"}})");
  CHECK(sub.state() == SubState::leaving);
  board.hear(std::string(kDeleteTopic) + "_reply", R"({"id":"2","code":500,"data":{}})");
  CHECK(sub.state() == SubState::leaving);
  board.wait(Millis{1'000});
  REQUIRE(board.answer(kDeleteTopic, "200", "[]"));
  CHECK(sub.state() == SubState::unused);
  CHECK(board.gateway.find(sub_id("sub_01")) == nullptr);
}

TEST_CASE("what is found nearby is reported, online only") {
  Board board;
  const DeviceId found[] = {sub_id("sub_07")};
  CHECK(board.gateway.report_found(found).error() == Error::bad_state);
  board.connect();
  REQUIRE(board.gateway.report_found(found));
  CHECK(board.said("/sys/a1Gateway01/gateway_01/thing/list/found")
            .find(R"("params":[{"deviceName":"sub_07","productKey":"a1B2c3D4e5F"}],"method":"thing.list.found")") !=
        std::string::npos);
}

TEST_CASE("what is no JSON, of another shape or of nobody asks nothing of the gateway") {
  Board board;
  SubDevice& sub = board.online();
  const std::string own = "/sys/a1Gateway01/gateway_01/thing/", its = "/sys/a1B2c3D4e5F/sub_01/thing/";
  for (const std::string& topic :
       {std::string(kErrorTopic), std::string(kLoginTopic) + "_reply", own + "topo/change", own + "topo/add/notify",
        own + "topo/add_reply", own + "sub/register_reply", its + "disable", its + "service/property/set",
        its + "service/weigh", its + "event/property/post_reply"}) {
    if (topic != its + "disable")
      for (const char* payload : {"", "[", "[]", "{}", R"({"id":"1","code":200,"data":[1,{}]})",
                                  R"({"id":"1","params":{"status":1,"subList":[{"productKey":1}]}})"})
        board.hear(topic, payload);
  }
  CHECK(sub.state() == SubState::online);
  CHECK(board.device.is_online());
}
