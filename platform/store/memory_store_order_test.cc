#include <doctest/doctest.h>

#include "platform/runtime/sim.h"
#include "platform/store/memory_store.h"

using namespace tercet;

TEST_CASE("completions come in order where two loops submit in the same millisecond") {
  runtime::SimWorld world{1};
  runtime::SimHost& host = world.add_host("10.0.0.1");
  runtime::SimLoop& one = host.add_loop();
  runtime::SimLoop& other = host.add_loop();
  store::MemoryStore store;
  std::vector<int> done;
  const auto submit = [&](runtime::SimLoop& loop, int number) {
    store::Mutations change;
    change.put(store::Family::meta, "key", "value");
    REQUIRE(store.submit(loop, std::move(change), [&done, number] { done.push_back(number); }));
  };
  for (int round = 0; round < 2'000; ++round) {
    done.clear();
    REQUIRE(one.post([&] {
      submit(one, 1);
      REQUIRE(other.post([&] { submit(other, 2); }));
      REQUIRE(one.post([&] { submit(one, 3); }));
    }));
    world.run_for(Millis{20});
    std::erase(done, 2);
    if (done != std::vector<int>{1, 3}) FAIL("round ", round);
  }
}
