// Any text is refused with a place, or is a rule set that runs within its bounds, whatever the values do.
#include <cstdlib>

#include "tercet/edge/compile.h"
#include "tercet/edge/engine.h"

using namespace tercet;
using namespace tercet::edge;

namespace {

constexpr device::Property<float> kTemperature{"temperature", device::Access::read, -40, 125};
constexpr device::Property<std::int32_t> kInterval{"interval", device::Access::read_write, 1, 86'400};
constexpr device::Property<bool> kDoor{"door", device::Access::read_write};
constexpr PropertySpec kProperties[] = {describe(kTemperature), describe(kInterval), describe(kDoor)};
constexpr PropertySpec kOutputs[] = {describe(kTemperature), describe(kInterval)};
constexpr EventSpec kEvents[] = {{"alarm", kOutputs}};
constexpr std::string_view kHandlers[] = {"buzzer"};
constexpr Model kModel{kProperties, kEvents, kHandlers};

/// Obeys, and looks whether what is wanted of it was allowed.
struct Judge final : Actor {
  Engine* engine = nullptr;
  Instant now{};
  std::uint32_t done = 0;
  bool fails = false;
  Result<void> answer() {
    ++done;
    if (fails) return fail(Error::denied);
    return {};
  }
  Result<void> set(const device::PropertyValue& value) override {
    const bool is_interval = value.identifier == "interval" && value.integer >= 1 && value.integer <= 86'400;
    const bool is_door = value.identifier == "door" && (value.integer == 0 || value.integer == 1);
    if (!is_interval && !is_door) std::abort();
    engine->observe(value, now);
    return answer();
  }
  Result<void> call(std::string_view handler, const Cause& cause) override {
    if (handler != "buzzer" || cause.rule.empty()) std::abort();
    return answer();
  }
  Result<void> post_event(std::string_view event, std::span<const device::PropertyValue> output) override {
    if (event != "alarm" || output.size() > 2) std::abort();
    return answer();
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text({data, size});
  static EngineBuffers<> buffers;
  Judge judge;
  Engine engine(buffers.storage(), kModel, judge);
  judge.engine = &engine;
  Problem problem;
  Instant now{Millis{4'294'960'000}};
  if (!engine.load(text, now, problem)) {
    if (problem.fault == Fault::none || problem.line == 0 || problem.column == 0) std::abort();
    return 0;
  }
  if (problem.fault != Fault::none || engine.set().version == 0) std::abort();
  // Values out of the text itself; the second half with an actor that fails.
  for (std::size_t i = 0; i < 64; ++i) {
    const std::uint8_t byte = data[(i * 7) % size];
    now = now + Millis{byte * 50};
    judge.now = now;
    judge.fails = i >= 32;
    engine.observe(kTemperature(static_cast<float>(byte) / 2 - 20), now);
    if (byte % 3 == 0) engine.observe(kInterval(byte + 1), now);
    const auto before = judge.done;
    engine.run(now);
    // A pass does each action of the set once at most.
    if (judge.done - before > engine.set().actions) std::abort();
    if (engine.next_deadline() < now && !engine.is_acting()) std::abort();
  }
  engine.clear(now);
  return 0;
}
