#include <benchmark/benchmark.h>

#include <array>
#include <string>
#include <vector>

#include "tercet/mqtt/decode.h"
#include "tercet/mqtt/encode.h"
#include "tercet/mqtt/topic.h"

/// Nanoseconds per packet of the MQTT codec, one packet at a time as a server meets it: frame, decode, look at the
/// topic; lay out, write. Run: build/release/tests/bench/codec_bench.

namespace {

using namespace tercet;
using namespace tercet::mqtt;

constexpr std::string_view kTopic = "/sys/a1B2c3D4e5F/sensor_01/thing/event/property/post";
constexpr std::size_t kMaxPacket = 262'144;

std::vector<std::uint8_t> encoded_publish(std::size_t payload_bytes, Qos qos, ProtocolVersion version) {
  const std::string payload(payload_bytes, 'x');
  const std::uint16_t id = qos == Qos::at_most_once ? 0 : 77;
  const Publish packet{.topic = kTopic, .payload = as_bytes(payload), .packet_id = id, .qos = qos};
  std::vector<std::uint8_t> out(payload_bytes + 128);
  out.resize(encode(packet, version, out).value_or(0));
  return out;
}

void decode_publish_bench(benchmark::State& state, Qos qos, ProtocolVersion version) {
  const auto in = encoded_publish(static_cast<std::size_t>(state.range(0)), qos, version);
  for (auto _ : state) {
    Bytes bytes = in;
    benchmark::DoNotOptimize(bytes);
    const auto frame = next_frame(bytes, kMaxPacket);
    auto packet = decode_publish(version, *frame, Sender::client);
    benchmark::DoNotOptimize(packet);
  }
}
BENCHMARK_CAPTURE(decode_publish_bench, q0_v311, Qos::at_most_once, ProtocolVersion::v311)->Arg(64)->Arg(256);
BENCHMARK_CAPTURE(decode_publish_bench, q1_v311, Qos::at_least_once, ProtocolVersion::v311)->Arg(256);
BENCHMARK_CAPTURE(decode_publish_bench, q1_v5, Qos::at_least_once, ProtocolVersion::v5)->Arg(256);

void encode_publish_bench(benchmark::State& state, Qos qos, ProtocolVersion version) {
  const std::string payload(static_cast<std::size_t>(state.range(0)), 'x');
  const std::uint16_t id = qos == Qos::at_most_once ? 0 : 77;
  Publish packet{.topic = kTopic, .payload = as_bytes(payload), .packet_id = id, .qos = qos};
  std::array<std::uint8_t, 4096> out;
  for (auto _ : state) {
    benchmark::DoNotOptimize(packet);
    const auto place = layout(packet, version);
    benchmark::DoNotOptimize(write_publish(out.data(), packet, version, place));
    benchmark::ClobberMemory();
  }
}
BENCHMARK_CAPTURE(encode_publish_bench, q0_v311, Qos::at_most_once, ProtocolVersion::v311)->Arg(64)->Arg(256);
BENCHMARK_CAPTURE(encode_publish_bench, q1_v311, Qos::at_least_once, ProtocolVersion::v311)->Arg(256);
BENCHMARK_CAPTURE(encode_publish_bench, q1_v5, Qos::at_least_once, ProtocolVersion::v5)->Arg(256);

void decode_puback_bench(benchmark::State& state) {
  const auto in = short_ack(PacketType::puback, 77);
  for (auto _ : state) {
    Bytes bytes = in;
    benchmark::DoNotOptimize(bytes);
    const auto frame = next_frame(bytes, kMaxPacket);
    auto packet = decode_ack(ProtocolVersion::v311, *frame);
    benchmark::DoNotOptimize(packet);
  }
}
BENCHMARK(decode_puback_bench);

void encode_puback_bench(benchmark::State& state) {
  std::uint16_t id = 77;
  for (auto _ : state) {
    benchmark::DoNotOptimize(id);
    auto out = short_ack(PacketType::puback, id);
    benchmark::DoNotOptimize(out);
  }
}
BENCHMARK(encode_puback_bench);

Connect device_connect(ProtocolVersion version) {
  static constexpr std::string_view kPassword = "4e4f2b1b7a5f0b3ea2c7e5f3f1d5d7c1ab3de2f4c5b6a79885746352413fa0b1";
  return {.version = version,
          .keep_alive = Seconds{60},
          .client_id =
              "a1B2c3D4e5F.sensor_01|timestamp=2524608000000,_ss=1,_v=sdk-c-4.2.0,securemode=2,"
              "signmethod=hmacsha256,ext=3,_conn=tls_1f4|",
          .user_name = "sensor_01&a1B2c3D4e5F",
          .password = as_bytes(kPassword)};
}

void decode_connect_bench(benchmark::State& state, ProtocolVersion version) {
  std::vector<std::uint8_t> in(512);
  in.resize(encode(device_connect(version), in).value_or(0));
  for (auto _ : state) {
    Bytes bytes = in;
    benchmark::DoNotOptimize(bytes);
    auto packet = decode_connect(*next_frame(bytes, kMaxPacket));
    benchmark::DoNotOptimize(packet);
  }
}
BENCHMARK_CAPTURE(decode_connect_bench, v311, ProtocolVersion::v311);
BENCHMARK_CAPTURE(decode_connect_bench, v5, ProtocolVersion::v5);

void encode_connect_bench(benchmark::State& state) {
  Connect packet = device_connect(ProtocolVersion::v311);
  std::array<std::uint8_t, 512> out;
  for (auto _ : state) {
    benchmark::DoNotOptimize(packet);
    benchmark::DoNotOptimize(encode(packet, out));
    benchmark::ClobberMemory();
  }
}
BENCHMARK(encode_connect_bench);

void match_bench(benchmark::State& state) {
  std::string_view filter = "/sys/+/+/thing/event/+/post", topic = kTopic;
  for (auto _ : state) {
    benchmark::DoNotOptimize(filter);
    benchmark::DoNotOptimize(topic);
    benchmark::DoNotOptimize(matches(filter, topic));
  }
}
BENCHMARK(match_bench);

void valid_topic_bench(benchmark::State& state) {
  std::string_view topic = kTopic;
  for (auto _ : state) {
    benchmark::DoNotOptimize(topic);
    benchmark::DoNotOptimize(is_valid_topic(topic));
  }
}
BENCHMARK(valid_topic_bench);

}  // namespace

BENCHMARK_MAIN();
