#include <benchmark/benchmark.h>

#include <string>
#include <string_view>
#include <vector>

#include "platform/registry/directory.h"
#include "platform/store/test_loop.h"
#include "platform/thing/ingress.h"

/// Nanoseconds per property post in the thing module: topic, JSON, checks against the model, record, last values,
/// reply, acknowledgement. Passes of 64 posts of 1,000 devices; the store takes the mutations and forgets them, the
/// broker only looks at what it is handed. Run: build/release/tests/bench/thing_bench.

namespace {

using namespace tercet;

/// Completes every submission with the next pass.
class ForgettingStore final : public store::StreamStore {
 public:
  Result<void> submit(runtime::Loop& origin, store::Mutations mutations, runtime::Task on_durable) override {
    bytes += mutations.bytes();
    if (!origin.post(std::move(on_durable))) return fail(Error::no_space);
    return {};
  }
  Result<std::string> get(store::Family, std::string_view) override { return fail(Error::not_found); }
  Result<void> scan(store::Family, std::string_view, std::string_view, Order, const Visit&) override { return {}; }
  void close() override {}
  Counters counters() const override { return {}; }
  std::uint64_t bytes = 0;
};

class CountingEgress final : public broker::Egress {
 public:
  void acknowledge(const broker::AckToken&) override { ++acknowledged; }
  void disconnect(const broker::AckToken&, Error) override {}
  bool send(broker::SessionRef, std::string_view topic, Bytes payload, std::uint8_t) override {
    bytes += topic.size() + payload.size();
    return true;
  }
  bool send_to(std::string_view, std::string_view, Bytes, std::uint8_t) override { return true; }
  bool send_for_receipt(std::string_view, std::string_view, Bytes, std::uint64_t) override { return true; }
  bool awaits_receipt(std::string_view, std::uint64_t) const override { return false; }
  void disconnect(std::string_view, bool) override {}
  bool is_online(std::string_view) const override { return true; }
  std::uint64_t acknowledged = 0, bytes = 0;
};

class SilentJournal final : public broker::Journal {
 public:
  void record(broker::Refusal) override {}
};

std::string model(int properties) {
  std::string out = R"({"properties":[)";
  for (int i = 0; i < properties; ++i)
    out += (i ? "," : "") + (R"({"identifier":"reading_)" + std::to_string(i)) +
           R"(","name":"R","accessMode":"r","dataType":{"type":"float","specs":{"min":"-40","max":"120"}}})";
  return out + "]}";
}

std::string payload(int properties, int round) {
  std::string out = R"({"id":"1000000000","version":"1.0","sys":{"ack":1},"params":{)";
  for (int i = 0; i < properties; ++i)
    out += (i ? ",\"reading_" : "\"reading_") + std::to_string(i) + "\":2" + std::to_string((round + i) % 10) + ".5";
  return out + R"(},"method":"thing.event.property.post"})";
}

/// A shard's thing module and devices 1, 2, … of one product.
struct World {
  World(int properties, registry::Validation validation, int devices) {
    auto product = std::make_shared<registry::Product>();
    product->key = "a1aaaaaaaaa";
    product->tsl = model(properties);
    product->version = 1;
    product->validation = validation;
    directory.put(product);
    for (int i = 1; i <= devices; ++i) {
      registry::Device device;
      device.number = static_cast<std::uint64_t>(i);
      device.product = product->key;
      device.name = "device_" + std::to_string(i);
      identities.push_back({broker::Identity::Kind::device, device.product + "/" + device.name});
      directory.put(std::move(device));
    }
    ingress.attach(egress);
  }
  broker::Ingress::Taken publish(std::size_t device, std::string_view topic, std::string_view payload) {
    return ingress.on_message({{}, identities[device], device + 1, 0, topic, as_bytes(payload), 1, {}});
  }

  store::TestLoop loop;
  ForgettingStore forgetting;
  registry::Directory directory;
  CountingEgress egress;
  SilentJournal journal;
  std::vector<broker::Identity> identities;
  thing::ThingIngress ingress{{loop, forgetting, directory, journal}, {}};
};

void property_post(benchmark::State& state) {
  constexpr int kDevices = 1000;
  const int properties = static_cast<int>(state.range(0));
  World world(properties, state.range(1) != 0 ? registry::Validation::strong : registry::Validation::weak, kDevices);
  std::vector<std::string> topics, payloads;
  for (const auto& identity : world.identities)
    topics.push_back("/sys/" + identity.name + "/thing/event/property/post");
  for (int round = 0; round < 10; ++round) payloads.push_back(payload(properties, round));

  std::size_t at = 0;
  for (auto _ : state) {
    for (int i = 0; i < 64; ++i, ++at) {
      const std::size_t device = at * 7919 % kDevices;
      benchmark::DoNotOptimize(world.publish(device, topics[device], payloads[at % 10]));
    }
    world.loop.run();
  }
  world.loop.settle();
  if (world.egress.acknowledged != at) state.SkipWithError("posts without acknowledgement");
  const auto posts = static_cast<double>(at);
  state.SetItemsProcessed(static_cast<std::int64_t>(at));
  state.counters["per_post"] = benchmark::Counter(posts, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["stored_bytes_per_post"] = static_cast<double>(world.forgetting.bytes) / posts;
}
BENCHMARK(property_post)->ArgNames({"properties", "strong"})->Args({2, 0})->Args({2, 1})->Args({10, 0})->Args({50, 0});

/// A history post of so many samples, each at a time of its own; `known` false: of a property that is not in the model.
std::string history(std::int64_t samples, bool known) {
  std::string out =
      R"({"id":"1","params":[{"identity":{"productKey":"a1aaaaaaaaa","deviceName":"device_1"},"properties":[)";
  for (std::int64_t i = 0; i < samples; ++i) {
    out += i ? ",{" : "{";
    out += known ? R"("reading_0":{"value":21.5,"time":)" : R"("r":{"value":2,"time":)";
    out += std::to_string(1'600'000'000'000 + i) + "}}";
  }
  return out + "]}]}";
}

void history_post(benchmark::State& state) {
  World world(2, registry::Validation::weak, 1);
  const std::string topic = "/sys/a1aaaaaaaaa/device_1/thing/event/property/history/post";
  const std::string payload = history(state.range(0), state.range(1) != 0);
  for (auto _ : state) {
    benchmark::DoNotOptimize(world.publish(0, topic, payload));
    world.loop.run();
  }
  world.loop.settle();
  state.counters["packet_bytes"] = static_cast<double>(payload.size());
  state.counters["sent_bytes"] =
      benchmark::Counter(static_cast<double>(world.egress.bytes), benchmark::Counter::kAvgIterations);
}
BENCHMARK(history_post)
    ->ArgNames({"samples", "known"})
    ->Unit(benchmark::kMicrosecond)
    ->Args({200, 1})
    ->Args({2000, 1})
    ->Args({5000, 1})
    ->Args({2000, 0})
    ->Args({7000, 0});

}  // namespace

BENCHMARK_MAIN();
