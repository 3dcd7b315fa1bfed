#include <doctest/doctest.h>

#include "platform/thing/test_shard.h"

using namespace tercet;
using namespace tercet::thing;

TEST_CASE("a broadcast goes once to each device of the product that is online, with its own topic") {
  store::MemoryStore store;
  constexpr int kDevices = 600;  // several slices
  TestShard shard(store, registry::Validation::weak, kBoardTsl, {}, kDevices);
  for (int i = 1; i <= kDevices; ++i)
    if (i % 2 == 0)
      shard.ingress->on_online({}, {broker::Identity::Kind::device, "x"}, static_cast<std::uint64_t>(i), {}, "c");
  std::size_t sent = 0;
  const auto done = [&](std::size_t count) { sent = count; };
  shard.ingress->things().broadcast(std::string(kProduct), "77", "news", done);
  shard.settle();
  CHECK(sent == 300);
  REQUIRE(shard.egress.sent.size() == 300);
  CHECK(shard.egress.sent[0].topic == "/sys/" + std::string(kProduct) + "/board2/broadcast/request/77");
  CHECK(shard.egress.sent[0].payload == "news");
  CHECK(shard.egress.sent[0].qos == 0);
  sent = 9;
  shard.ingress->things().broadcast("another", "78", "news", done);
  shard.settle();
  CHECK(sent == 0);
}
