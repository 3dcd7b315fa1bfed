#pragma once
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "tercet/edge/engine.h"

/// A model and an actor for the tests of this folder.
namespace tercet::edge::test {

inline constexpr device::Property<float> kTemperature{"temperature", device::Access::read, -40, 125};
inline constexpr device::Property<float> kHumidity{"humidity", device::Access::read, 0, 100};
inline constexpr device::Property<std::int32_t> kInterval{"interval", device::Access::read_write, 1, 86'400};
inline constexpr device::Property<float> kLimit{"limit", device::Access::read_write, -40, 125};
inline constexpr device::Property<bool> kDoor{"door", device::Access::read_write};
inline constexpr device::Property<std::string_view> kTitle{"title", device::Access::read_write};

inline constexpr PropertySpec kProperties[] = {describe(kTemperature), describe(kHumidity), describe(kInterval),
                                               describe(kLimit),       describe(kDoor),     describe(kTitle)};
inline constexpr PropertySpec kAlarmOutputs[] = {{"temperature", ValueType::real, false, -40, 125},
                                                 {"count", ValueType::integer, false, 0, 100}};
inline constexpr EventSpec kEvents[] = {{"alarm", kAlarmOutputs}};
inline constexpr std::string_view kHandlers[] = {"buzzer", "lamp"};
inline constexpr Model kModel{kProperties, kEvents, kHandlers};

inline std::string text_of(const device::PropertyValue& value) {
  std::array<std::uint8_t, 64> buffer{};
  Writer out{buffer};
  json::Writer json{out};
  value.write(json);
  return std::string(value.identifier) + "=" + std::string(out.text());
}

/// Writes down what is wanted of it, one word each: "set interval=10", "call buzzer", "event alarm temperature=36.0".
struct Recorder final : Actor {
  std::vector<std::string> done;
  std::vector<std::string> steps;
  bool sets_fail = false, calls_fail = false, events_fail = false;
  bool record_steps = true;
  void (*on_set)(Recorder&, const device::PropertyValue&) = nullptr;
  Engine* engine = nullptr;
  Instant now{};

  Result<void> set(const device::PropertyValue& value) override {
    if (sets_fail) return fail(Error::denied);
    done.push_back("set " + text_of(value));
    if (on_set != nullptr) on_set(*this, value);
    return {};
  }
  Result<void> call(std::string_view handler, const Cause& cause) override {
    if (calls_fail) return fail(Error::io_failed);
    done.push_back("call " + std::string(handler) + (cause.entered ? "" : " off"));
    return {};
  }
  Result<void> post_event(std::string_view event, std::span<const device::PropertyValue> output) override {
    if (events_fail) return fail(Error::no_space);
    std::string line = "event " + std::string(event);
    for (const auto& value : output) line += " " + text_of(value);
    done.push_back(line);
    return {};
  }
  void on_step(const Step& step) override {
    if (!record_steps) return;
    constexpr const char* kWhat[] = {"entered", "left", "blind", "sighted", "deferred", "did", "failed", "gave_up"};
    std::string line = std::string(step.rule) + " " + kWhat[static_cast<std::size_t>(step.what)];
    if (!step.target.empty()) line += " " + std::string(step.target);
    steps.push_back(line);
  }
  /// What was done since the last call, with commas.
  std::string take() {
    std::string all;
    for (const auto& one : done) all += (all.empty() ? "" : ", ") + one;
    done.clear();
    return all;
  }
};

/// An engine at a moment that the test moves.
struct Bench {
  explicit Bench(std::string_view text = {}, Instant begin = Instant{Millis{1'000'000}}) : now(begin) {
    actor.engine = &engine;
    if (!text.empty()) loaded = load(text);
  }
  bool load(std::string_view text) { return engine.load(text, now, problem).has_value(); }
  void at(int seconds) { now = Instant{begin().since_start + Seconds{seconds}}; }
  void pass(double seconds) { now = now + Millis{static_cast<std::int64_t>(seconds * 1000)}; }
  Instant begin() const { return start; }
  void see(const device::PropertyValue& value) { engine.observe(value, now); }
  std::string run() {
    actor.now = now;
    engine.run(now);
    return actor.take();
  }
  std::string see_and_run(const device::PropertyValue& value) {
    see(value);
    return run();
  }
  EngineBuffers<> buffers;
  Recorder actor;
  Engine engine{buffers.storage(), kModel, actor};
  Instant now;
  Instant start = now;
  Problem problem;
  bool loaded = false;
};

/// A rule set of one rule that calls the buzzer, with this condition.
inline std::string one_rule(std::string_view when, std::string_view more = {}) {
  return std::string(R"({"format":1,"version":1,"rules":[{"name":"r","when":)") + std::string(when) +
         std::string(more) + R"(,"enter":[{"call":"buzzer"}],"leave":[{"call":"buzzer"}]}]})";
}

}  // namespace tercet::edge::test
