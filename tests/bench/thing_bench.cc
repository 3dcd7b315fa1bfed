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

void property_post(benchmark::State& state) {
  constexpr int kDevices = 1000;
  const int properties = static_cast<int>(state.range(0));
  store::TestLoop loop;
  ForgettingStore forgetting;
  registry::Directory directory;
  CountingEgress egress;
  SilentJournal journal;
  auto product = std::make_shared<registry::Product>();
  product->key = "a1aaaaaaaaa";
  product->tsl = model(properties);
  product->version = 1;
  product->validation = state.range(1) != 0 ? registry::Validation::strong : registry::Validation::weak;
  directory.put(product);
  std::vector<broker::Identity> identities;
  std::vector<std::string> topics, payloads;
  for (int i = 1; i <= kDevices; ++i) {
    registry::Device device;
    device.number = static_cast<std::uint64_t>(i);
    device.product = product->key;
    device.name = "device_" + std::to_string(i);
    identities.push_back({broker::Identity::Kind::device, device.product + "/" + device.name});
    topics.push_back("/sys/" + device.product + "/" + device.name + "/thing/event/property/post");
    directory.put(std::move(device));
  }
  for (int round = 0; round < 10; ++round) payloads.push_back(payload(properties, round));
  thing::ThingIngress ingress({loop, forgetting, directory, journal}, {});
  ingress.attach(egress);

  std::size_t at = 0;
  for (auto _ : state) {
    for (int i = 0; i < 64; ++i, ++at) {
      const std::size_t device = at * 7919 % kDevices;
      const broker::Inbound message{
          {}, identities[device], device + 1, 0, topics[device], as_bytes(payloads[at % 10]), 1, {}};
      benchmark::DoNotOptimize(ingress.on_message(message));
    }
    loop.run();
  }
  loop.settle();
  if (egress.acknowledged != at) state.SkipWithError("posts without acknowledgement");
  const auto posts = static_cast<double>(at);
  state.SetItemsProcessed(static_cast<std::int64_t>(at));
  state.counters["per_post"] = benchmark::Counter(posts, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["stored_bytes_per_post"] = static_cast<double>(forgetting.bytes) / posts;
}
BENCHMARK(property_post)->ArgNames({"properties", "strong"})->Args({2, 0})->Args({2, 1})->Args({10, 0})->Args({50, 0});

}  // namespace

BENCHMARK_MAIN();
