#include <doctest/doctest.h>

#include "platform/registry/test_world.h"
#include "platform/topology/topology.h"

using namespace tercet;
using namespace tercet::topology;
using thing::GatewayMessage;

namespace {

struct Notes final : broker::Journal {
  std::vector<std::string> causes;
  void record(broker::Refusal refusal) override { causes.emplace_back(refusal.cause); }
};

/// Two gateways, and a product of sub-devices that may register.
struct Yard : registry::TestWorld {
  Yard() {
    open();
    gateways = make("gateways", 1), things = make("things", 0);
    near = add(gateways, "gateway_1"), far = add(gateways, "gateway_2"), child = add(things, "child_1");
    allow(true);
    topology.emplace(
        Topology::Parts{management, *registry, notes, [this](Letter letter, const std::function<void(bool)>& told) {
                          letters.push_back(std::move(letter)), told(true);
                        }});
  }
  std::string make(const std::string& name, int node_type) {
    registry::NewProduct wanted;
    wanted.name = name, wanted.node_type = node_type;
    const auto made = registry->create_product(wanted);
    REQUIRE(made);
    return made->product.key;
  }
  registry::Device add(const std::string& product, const std::string& name) {
    registry::NewDevice wanted;
    wanted.product = product, wanted.name = name;
    const auto made = registry->register_device(wanted);
    REQUIRE(made);
    return made->device;
  }
  void allow(bool on) {
    registry::ProductChange change;
    change.dynamic_register = on;
    REQUIRE(registry->update_product(things, change));
  }
  std::string entry(const registry::Device& device) {
    return "{\"productKey\":\"" + device.product + "\",\"deviceName\":\"" + device.name + "\"}";
  }
  /// What the gateway is answered.
  std::string ask(GatewayMessage::Kind kind, const std::string& params) {
    GatewayMessage message;
    message.kind = kind, message.device = near.number, message.product = near.product, message.name = near.name;
    message.id = "1", message.topic = "/reply", message.params = params;
    letters.clear();
    topology->on_message(message);
    settle();
    REQUIRE(letters.size() == 1);
    return letters.front().payload;
  }
  bool is_told(const std::string& answer) { return answer.find(child.secret) != std::string::npos; }
  std::string gateways, things;
  registry::Device near, far, child;
  Notes notes;
  std::vector<Letter> letters;
  std::optional<Topology> topology;
};
bool has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a gateway is told the secret of a sub-device that waits for its first login") {
  Yard yard;
  const auto answer = yard.ask(GatewayMessage::Kind::sub_register, "[" + yard.entry(yard.child) + "]");
  CHECK(has(answer, "\"code\":200"));
  CHECK(yard.is_told(answer));
  CHECK(yard.notes.causes.empty());
}

TEST_CASE("no secret is told while the switch is off, of a device in use, of another gateway's, or of a gateway") {
  Yard yard;
  const auto ask = [&](const registry::Device& device) {
    return yard.ask(GatewayMessage::Kind::sub_register, "[" + yard.entry(device) + "]");
  };
  const auto refused = [&](const registry::Device& device, const char* code) {
    const auto answer = ask(device);
    CHECK(has(answer, code));
    CHECK(!yard.is_told(answer));
  };
  yard.allow(false);
  refused(yard.child, "\"code\":6288");
  yard.allow(true);
  refused(yard.near, "\"code\":6402");
  refused(yard.far, "\"code\":6402");
  yard.registry->note_activated(yard.child.number, UnixMillis{1'800'000'000'000});
  refused(yard.child, "\"code\":6289");
  REQUIRE(yard.registry->add_sub_devices(yard.far, {yard.child}));
  refused(yard.child, "\"code\":6619");
  CHECK(yard.notes.causes.size() == 5);
  REQUIRE(yard.registry->add_sub_devices(yard.near, {yard.child}));
  CHECK(yard.is_told(ask(yard.child)));  // its own, which may have lost it
}

TEST_CASE("of a registration with one bad entry nothing is told, nor of one of more than thirty") {
  Yard yard;
  const std::string good = yard.entry(yard.child);
  const auto bad = yard.ask(GatewayMessage::Kind::sub_register,
                            "[" + good + ",{\"productKey\":\"" + yard.things + "\",\"deviceName\":\"nobody\"}]");
  CHECK(has(bad, "\"code\":6100"));
  CHECK(!yard.is_told(bad));
  std::string many = "[" + good;
  for (int i = 0; i < 30; ++i) many += "," + good;
  CHECK(has(yard.ask(GatewayMessage::Kind::sub_register, many + "]"), "\"code\":460"));
  CHECK(has(yard.ask(GatewayMessage::Kind::sub_register, "{}"), "\"code\":460"));
}

TEST_CASE("a proxied registration wants the ProductSecret's signature, each entry for itself") {
  Yard yard;
  const auto answer =
      yard.ask(GatewayMessage::Kind::product_register,
               "{\"proxieds\":[{\"productKey\":\"" + yard.things +
                   "\",\"deviceName\":\"child_1\",\"random\":\"r\",\"signMethod\":\"hmacSha256\",\"sign\":\"00\"}]}");
  CHECK(has(answer, "\"successes\":[]"));
  CHECK(has(answer, "\"code\":6600"));
  CHECK(!yard.is_told(answer));
  CHECK(yard.notes.causes.size() == 1);
}

TEST_CASE("a sub-device that is unregistered leaves the topology and may register once more") {
  Yard yard;
  const std::string list = "[" + yard.entry(yard.child) + "]";
  CHECK(has(yard.ask(GatewayMessage::Kind::sub_unregister, list), "\"code\":6401"));
  yard.registry->note_activated(yard.child.number, UnixMillis{1'800'000'000'000});
  REQUIRE(yard.registry->add_sub_devices(yard.near, {yard.child}));
  CHECK(has(yard.ask(GatewayMessage::Kind::sub_unregister, list), "\"code\":200"));
  CHECK(yard.registry->device(yard.child.number)->device.gateway == 0);
  CHECK(yard.is_told(yard.ask(GatewayMessage::Kind::sub_register, list)));
}
