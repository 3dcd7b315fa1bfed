#include "platform/store/stream_store.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace tercet::store;

TEST_CASE("mutations are read back in order, with any bytes in keys and values") {
  Mutations mutations;
  const std::string zeros(3, '\0');
  const std::string big(100'000, 'x');
  mutations.put(Family::history, zeros, big);
  mutations.erase(Family::queue, "k");
  mutations.erase_range(Family::session, "a", "b");
  mutations.put(Family::meta, "", "");
  std::vector<std::string> seen;
  mutations.each([&](const Mutations::Op& op) {
    seen.push_back(std::to_string(static_cast<int>(op.kind)) + std::to_string(static_cast<int>(op.family)) +
                   std::string(op.key) + "=" + std::string(op.value));
  });
  REQUIRE(seen.size() == 4);
  CHECK(seen[0] == "01" + zeros + "=" + big);
  CHECK(seen[1] == "13k=");
  CHECK(seen[2] == "24a=b");
  CHECK(seen[3] == "00=");
  CHECK(mutations.count() == 4);
}

TEST_CASE("an empty range erases nothing and is not even recorded") {
  Mutations mutations;
  mutations.erase_range(Family::history, "b", "b");
  mutations.erase_range(Family::history, "c", "b");
  CHECK(mutations.empty());
}

TEST_CASE("appending keeps both, clearing keeps none") {
  Mutations a, b;
  a.put(Family::state, "1", "x");
  b.put(Family::state, "2", "y");
  a.append(b);
  CHECK(a.count() == 2);
  std::string keys;
  a.each([&](const Mutations::Op& op) { keys += op.key; });
  CHECK(keys == "12");
  a.clear();
  CHECK(a.empty());
  CHECK(a.bytes() == 0);
}
