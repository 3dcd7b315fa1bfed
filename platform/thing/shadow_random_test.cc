#include <doctest/doctest.h>

#include <cstdlib>
#include <map>
#include <set>

#include "platform/thing/shadow.h"
#include "platform/thing/test_shard.h"

// A device, an application, restarts and losses in random order, against a model that fits on a page.
// TERCET_SHADOW_STEPS sets the number of steps (docs/reliability.md).
namespace tercet::thing {
namespace {

std::uint64_t steps_wanted() {
  const char* const asked = std::getenv("TERCET_SHADOW_STEPS");
  return asked != nullptr ? std::strtoull(asked, nullptr, 10) : 100'000;
}

struct Random {
  std::uint64_t state;
  std::uint64_t below(std::uint64_t bound) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (state >> 33) % bound;
  }
};

/// What a shadow is, for somebody who knows nothing of JSON, records or sessions.
struct Model {
  std::map<std::string, std::string> reported, desired;
  std::int64_t version = 0;
  bool exists = false;
  bool takes(std::int64_t wanted) const { return wanted == -1 || !exists || wanted > version; }
  void stamp(std::int64_t wanted) {
    version = wanted == -1 ? 0 : wanted;
    exists = true;
  }
  friend bool operator==(const Model&, const Model&) = default;
};

std::map<std::string, std::string> members(const std::optional<json::Value>& object) {
  std::map<std::string, std::string> found;
  if (object)
    for (const auto& member : object->members())
      found[std::string(member.name.raw())] = std::string(member.value.raw());
  return found;
}

Model read(const std::string& text) {
  Model model;
  const auto parsed = json::parse(text);
  REQUIRE(parsed);
  const auto state = parsed->find("state");
  if (!state) return model;
  model.exists = true;
  model.reported = members(state->find("reported"));
  model.desired = members(state->find("desired"));
  model.version = parsed->find("version")->integer().value();
  return model;
}

std::string json_of(const std::map<std::string, std::string>& values) {
  std::string text = "{";
  for (const auto& [name, value] : values)
    text.append(text.size() > 1 ? ",\"" : "\"").append(name).append("\":").append(value);
  return text + "}";
}

/// A device that obeys control messages, each once, as the SDK does: by version and content.
struct Device {
  bool online = false, subscribed = false;
  std::set<std::pair<std::int64_t, std::string>> seen;
  std::map<std::string, std::string> obeys;
  int obeyed = 0;
};

class World {
 public:
  explicit World(std::uint64_t seed) : random_{seed} { start(); }

  void step() {
    const auto die = random_.below(40);
    if (die < 10) return report();
    if (die < 13) return forget_member();
    if (die < 24) return wish();
    if (die < 29) return device_.online ? go() : come();
    if (die < 34) return listen();
    if (die == 34) return restart();
    if (die == 35) return crash();
    check();
  }
  /// The device stays: it has obeyed the last wish then.
  void finish() {
    is_lossy_ = false;
    if (!device_.online) come();
    listen();
    hear(false);
    check();
    if (wishes_ > 0 && model_.exists) CHECK(device_.obeys == last_wish_);
    CHECK(static_cast<std::uint64_t>(device_.obeyed) <= wishes_);
  }
  std::uint64_t wishes() const { return wishes_; }
  int obeyed() const { return device_.obeyed; }
  std::uint64_t losses = 0, crashes = 0;

 private:
  static constexpr std::string_view kUp = "/shadow/update/a1aaaaaaaaa/board1";

  void start() {
    shard_ = std::make_unique<TestShard>(store_);
    REQUIRE(shard_->ingress->load());
    device_.online = device_.subscribed = false;
    shard_->egress.reachable = false;
    heard_ = 0;
  }
  void come() {
    device_.online = true;
    shard_->egress.reachable = device_.subscribed = false;
    shard_->ingress->on_online({}, identity_, 1, {}, "client");
    if (random_.below(2) == 0) listen();
    hear(true);
  }
  void go() {
    if (!device_.online) return;
    device_.online = device_.subscribed = shard_->egress.reachable = false;
    shard_->ingress->on_offline(identity_, 1);
    heard_ = shard_->egress.sent.size();  // what was on its way is lost
  }
  void listen() {
    if (!device_.online || device_.subscribed) return;
    device_.subscribed = shard_->egress.reachable = true;
    shard_->ingress->on_subscribed(1);
    hear(true);
  }
  /// Takes what has come. A loss is the end of the connection, as with TCP.
  void hear(bool may_lose) {
    may_lose = may_lose && is_lossy_;
    shard_->settle();
    const auto& sent = shard_->egress.sent;
    for (; heard_ < sent.size(); ++heard_) {
      const auto message = json::parse(sent[heard_].payload);
      REQUIRE(message);
      if (message->find("method")->raw() != "\"control\"") continue;
      if (may_lose && random_.below(6) == 0) {
        ++losses;
        return go();
      }
      const std::int64_t version = message->find("version")->integer().value();
      const auto desired = message->find("payload")->find("state")->find("desired");
      const std::string content = desired ? std::string(desired->raw()) : "null";
      if (device_.seen.emplace(version, content + stamp_of(*message)).second) {
        ++device_.obeyed;
        device_.obeys = members(desired);
      }
      if (may_lose && random_.below(6) == 0) {  // heard, but the acknowledgement is lost
        ++losses;
        return go();
      }
      const auto receipt = shard_->egress.receipts.at(shard_->egress.receipts.size() - 1);
      shard_->ingress->on_receipt(1, receipt);
      shard_->settle();
    }
  }
  static std::string stamp_of(const json::Value& message) {
    const auto metadata = message.find("payload")->find("metadata")->find("desired");
    return metadata ? std::string(metadata->raw()) : std::string();
  }
  std::string key() { return std::string(1, static_cast<char>('a' + random_.below(4))); }

  /// Sends as the device; the model follows if the message arrives. Gives whether it was to succeed.
  void send(const std::string& text, const std::function<void(Model&)>& change, std::int64_t version) {
    if (!device_.online) return;
    if (random_.below(8) == 0) {
      ++losses;
      return go();
    }
    // Requests beyond twenty a second are refused: the device is not that fast.
    shard_->loop.advance(Millis{100});
    shard_->publish(kUp, text, 1);
    before_ = model_;
    if (model_.takes(version)) {
      change(model_);
      model_.stamp(version);
    }
    is_settled_ = false;
    if (random_.below(4) != 0) settle();
  }
  void report() {
    const std::string name = key(), value = std::to_string(random_.below(100));
    const std::int64_t version = pick_version();
    send(
        "{\"method\":\"update\",\"state\":{\"reported\":{\"" + name + "\":" + value +
            "}},\"version\":" + std::to_string(version) + "}",
        [&](Model& model) { model.reported[name] = value; }, version);
  }
  void forget_member() {
    const std::string name = key();
    const std::int64_t version = pick_version();
    send(
        "{\"method\":\"delete\",\"state\":{\"reported\":{\"" + name +
            "\":\"null\"}},\"version\":" + std::to_string(version) + "}",
        [&](Model& model) { model.reported.erase(name); }, version);
  }
  std::int64_t pick_version() {
    const auto way = random_.below(10);
    if (way == 0) return -1;
    if (way == 1) return model_.version;  // stale
    return model_.version + 1 + static_cast<std::int64_t>(random_.below(3));
  }
  void wish() {
    settle();
    const bool merges = random_.below(2) == 0;
    std::map<std::string, std::string> wanted;
    for (std::uint64_t i = 0; i <= random_.below(3); ++i) wanted[key()] = std::to_string(random_.below(100));
    const std::int64_t version = pick_version();
    shard_->loop.advance(Millis{1000});  // a wish a second: metadata tells them apart
    ShadowResult result;
    shard_->ingress->things().update_shadow(1,
                                            "{\"method\":\"update\",\"state\":{\"desired\":" + json_of(wanted) +
                                                "},\"version\":" + std::to_string(version) + "}",
                                            merges, [&](const ShadowResult& one) { result = one; });
    shard_->settle();
    const bool takes = model_.takes(version);
    CHECK(result.kept == takes);
    if (takes) {
      if (!merges) model_.desired.clear();
      for (const auto& [name, value] : wanted) model_.desired[name] = value;
      model_.stamp(version);
      ++wishes_;
      last_wish_ = model_.desired;
    }
    if (device_.subscribed) hear(true);
  }
  void settle() {
    shard_->settle();
    is_settled_ = true;
  }
  void restart() {
    go();
    settle();
    shard_.reset();
    start();
    check();
  }
  /// The power goes. What was not acknowledged may have happened or not.
  void crash() {
    ++crashes;
    const bool was_settled = is_settled_;
    if (!was_settled && random_.below(2) == 0) shard_->end_pass();
    store_.crash();
    shard_.reset();
    start();
    const Model found = shown();
    if (was_settled)
      CHECK(found == model_);
    else
      CHECK((found == model_ || found == before_));
    model_ = found;
    is_settled_ = true;
  }
  Model shown() {
    std::string text;
    shard_->ingress->things().shadow(1, [&](std::optional<std::string> one) { text = one.value_or("{}"); });
    shard_->settle();
    return read(text);
  }
  void check() {
    settle();
    CHECK(shown() == model_);
  }

  Random random_;
  store::MemoryStore store_;
  std::unique_ptr<TestShard> shard_;
  const broker::Identity identity_{broker::Identity::Kind::device, "a1aaaaaaaaa/board1"};
  Model model_, before_;
  bool is_settled_ = true, is_lossy_ = true;
  Device device_;
  std::size_t heard_ = 0;
  std::uint64_t wishes_ = 0;
  std::map<std::string, std::string> last_wish_;
};

TEST_CASE("a hundred thousand random steps of device, application, restart and loss leave what the model says") {
  constexpr std::uint64_t kStepsPerWorld = 200;
  const std::uint64_t worlds = (steps_wanted() + kStepsPerWorld - 1) / kStepsPerWorld;
  std::uint64_t wishes = 0, obeyed = 0, losses = 0, crashes = 0;
  for (std::uint64_t seed = 1; seed <= worlds; ++seed) {
    CAPTURE(seed);
    World world(seed);
    for (std::uint64_t step = 0; step < kStepsPerWorld; ++step) world.step();
    world.finish();
    wishes += world.wishes(), obeyed += static_cast<std::uint64_t>(world.obeyed());
    losses += world.losses, crashes += world.crashes;
  }
  MESSAGE((worlds * kStepsPerWorld), " steps in ", worlds, " worlds: ", wishes, " wishes kept, ", obeyed,
          " obeyed (the others were overtaken), ", losses, " losses, ", crashes, " power cuts");
  CHECK(obeyed > worlds);
}

}  // namespace
}  // namespace tercet::thing
