#include <doctest/doctest.h>

#include <cstdlib>
#include <new>

#include "ports/fake/board.h"
#include "tercet/edge/keeper.h"
#include "tercet/edge/test_bench.h"

// Counts every allocation of this program; the test looks at the difference.
namespace {
std::size_t allocations = 0;

void* counted(std::size_t size) {
  ++allocations;
  if (void* made = std::malloc(size)) return made;
  std::abort();
}
}  // namespace

void* operator new(std::size_t size) { return counted(size); }
void* operator new[](std::size_t size) { return counted(size); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }

using namespace tercet;
using namespace tercet::edge;
using namespace tercet::edge::test;

namespace {

struct Counter final : Actor, KeeperEvents {
  std::uint32_t done = 0, reports = 0;
  Result<void> set(const device::PropertyValue&) override { return ++done, Result<void>{}; }
  Result<void> call(std::string_view, const Cause&) override { return ++done, Result<void>{}; }
  Result<void> post_event(std::string_view, std::span<const device::PropertyValue>) override {
    return ++done, Result<void>{};
  }
  bool on_report(const Report&) override { return ++reports, true; }
};

/// A value per key in fixed memory.
struct Cells final : device::KeyValueStore {
  struct Cell {
    FixedString<16> key;
    FixedString<1024> value;
  };
  std::array<Cell, 4> cells;
  Result<std::size_t> get(std::string_view key, MutableBytes into) override {
    for (const Cell& cell : cells) {
      if (!(cell.key == key)) continue;
      if (cell.value.size() > into.size()) return fail(Error::no_space);
      std::memcpy(into.data(), cell.value.str().data(), cell.value.size());
      return cell.value.size();
    }
    return fail(Error::not_found);
  }
  Result<void> set(std::string_view key, Bytes value) override {
    for (Cell& cell : cells) {
      if (!cell.key.empty() && !(cell.key == key)) continue;
      static_cast<void>(cell.key.assign(key));
      return cell.value.assign(as_text(value));
    }
    return fail(Error::no_space);
  }
  Result<void> remove(std::string_view) override { return {}; }
};

}  // namespace

TEST_CASE("offering, running, refusing and rolling back allocate nothing") {
  constexpr std::string_view kFirst =
      R"({"format":1,"version":2,"rules":[{"name":"r","when":{"all":[
        {"property":"temperature","op":">","value":10,"hysteresis":1},
        {"property":"temperature","op":">","value":-1000,"rate":"minute","over":60}]},
        "enter":[{"event":"alarm","output":{"temperature":"temperature"}},{"set":"interval","value":5},{"call":"lamp"}],
        "leave":[{"call":"lamp"}]}]})";
  constexpr std::string_view kSecond =
      R"({"format":1,"version":3,"budget":1,"rules":[{"name":"r","when":{"property":"temperature","op":">","value":10},
        "enter":[{"call":"lamp"}]}]})";
  Counter counter;
  Cells store;
  EngineBuffers<> buffers;
  Engine engine(buffers.storage(), kModel, counter);
  std::array<std::uint8_t, 1024> text{};
  const std::size_t before = allocations;
  Keeper keeper(engine, &store, text, counter);
  Instant now{Millis{5'000}};
  Problem problem;
  keeper.start(Boot::ordinary, now);
  const bool taken = keeper.offer(kFirst, 0, now, problem).has_value();
  const auto warm_and_cold = [&](int times) {
    for (int i = 0; i < times; ++i) {
      engine.observe(kTemperature(i % 8 < 4 ? 20.0f : 5.0f), now);
      keeper.run(now);
      now = now + Seconds{10};
    }
  };
  warm_and_cold(200);
  const bool refused = !keeper.offer("{\"format\":1,}", 0, now, problem);
  const bool taken_too = keeper.offer(kSecond, 0, now, problem).has_value();
  for (int i = 0; i < 4; ++i) {
    engine.observe(kTemperature(i % 2 == 0 ? 20.0f : 5.0f), now);
    keeper.run(now);
  }
  const std::size_t made = allocations - before;
  CHECK(made == 0);
  CHECK((taken && refused && taken_too));
  CHECK(keeper.running() == 2);  // rolled back
  CHECK(counter.done > 20);
  CHECK(counter.reports == 4);
}
