#include <doctest/doctest.h>

#include "platform/registry/registry.h"
#include "platform/registry/test_world.h"

using namespace tercet;
using namespace tercet::registry;

namespace {

std::string make_product(Registry& registry, const std::string& name = "climate") {
  NewProduct wanted;
  wanted.name = name;
  const auto made = registry.create_product(wanted);
  REQUIRE(made);
  return made->product.key;
}

template <typename T>
std::string code_of(const Answer<T>& answer) {
  return answer ? "ok" : std::string(answer.problem().code);
}

}  // namespace

TEST_CASE("a configuration is on disk and on every shard when its answer goes out") {
  TestWorld world;
  Registry& registry = world.open();
  const std::string key = make_product(registry);
  bool applied = false;
  const auto made = registry.set_configuration(key, R"({"a":1})", [&] { applied = true; });
  REQUIRE(made);
  CHECK(made->version == 1);
  CHECK(made->configuration.bytes == 7);
  CHECK(made->configuration.sha256 == "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862");
  CHECK(!applied);
  world.settle();
  CHECK(applied);
  CHECK(world.directories[1]->product(key)->configuration.id == made->configuration.id);

  const std::string id = made->configuration.id;
  Registry& again = world.open();
  const auto read = again.configuration(key);
  REQUIRE(read);
  CHECK(read->text == R"({"a":1})");
  CHECK(read->configuration.id == id);
  CHECK(world.directories[0]->product(key)->configuration.sha256 == read->configuration.sha256);
}

TEST_CASE("the last five versions are kept, and the newest set again is no new one") {
  TestWorld world;
  Registry& registry = world.open();
  const std::string key = make_product(registry);
  std::string first;
  for (int i = 1; i <= 7; ++i) {
    const auto made = registry.set_configuration(key, "{\"a\":" + std::to_string(i) + "}");
    REQUIRE(made);
    CHECK(made->version == static_cast<std::uint64_t>(i));
    if (i == 1) first = made->configuration.id;
  }
  auto all = registry.configurations(key);
  REQUIRE(all);
  REQUIRE(all->size() == 5);
  CHECK(all->front().version == 7);
  CHECK(all->back().version == 3);
  CHECK(all->front().text.empty());
  CHECK(code_of(registry.configuration(key, first)) == "tercet.config.NotExistedConfiguration");
  REQUIRE(registry.configuration(key, all->back().configuration.id));
  CHECK(registry.configuration(key, all->back().configuration.id)->text == "{\"a\":3}");

  const auto same = registry.set_configuration(key, "{\"a\":7}");
  REQUIRE(same);
  CHECK(same->version == 7);
  CHECK(same->configuration.id == all->front().configuration.id);
  CHECK(registry.configurations(key)->size() == 5);
  // An older one set again is new: devices are to have it.
  CHECK(registry.set_configuration(key, "{\"a\":3}")->version == 8);
}

TEST_CASE("what is no configuration is refused, and nothing changes") {
  TestWorld world;
  Registry& registry = world.open();
  const std::string key = make_product(registry);
  REQUIRE(registry.set_configuration(key, "{}"));
  CHECK(code_of(registry.set_configuration(key, "")) == "tercet.config.EmptyContent");
  CHECK(code_of(registry.set_configuration(key, "{\"a\":}")) == "tercet.config.ContentNotJson");
  CHECK(registry.set_configuration(key, "{\"a\":}").problem().detail.find("byte 5") != std::string::npos);
  CHECK(code_of(registry.set_configuration(key, "\"" + std::string(65'535, 'x') + "\"")) ==
        "tercet.config.ContentTooLong");
  CHECK(code_of(registry.set_configuration("a1none", "{}")) == "iot.prod.NotExistedProduct");
  CHECK(code_of(registry.set_configuration("", "{}")) == "iot.prod.NullProductKey");
  CHECK(registry.configurations(key)->size() == 1);
  REQUIRE(registry.set_configuration(key, "\"" + std::string(65'534, 'x') + "\""));
  CHECK(code_of(registry.configuration(make_product(registry, "other"))) == "tercet.config.NotExistedConfiguration");
}

TEST_CASE("the last answer of each device counts, and those of deleted devices do not") {
  TestWorld world;
  Registry& registry = world.open();
  const std::string key = make_product(registry);
  const std::string id = registry.set_configuration(key, "{}")->configuration.id;
  std::vector<std::uint64_t> numbers;
  for (int i = 0; i < 4; ++i) {
    NewDevice wanted;
    wanted.product = key, wanted.name = "board" + std::to_string(i);
    numbers.push_back(registry.register_device(wanted)->device.number);
  }
  registry.note_configuration_answer({numbers[0], id, 460, {1000}});
  registry.note_configuration_answer({numbers[0], id, 200, {2000}});
  registry.note_configuration_answer({numbers[1], id, 200, {2000}});
  registry.note_configuration_answer({numbers[2], id, 460, {3000}});
  registry.note_configuration_answer({numbers[3], id, 460, {4000}});
  registry.note_configuration_answer({99'999, id, 200, {4000}});
  auto tally = registry.configuration_answers(key, id, 10);
  REQUIRE(tally);
  CHECK(tally->taken == 2);
  CHECK(tally->refused == 2);
  REQUIRE(tally->last_refusals.size() == 2);
  CHECK(tally->last_refusals[0].device == "board3");
  CHECK(tally->last_refusals[0].code == 460);
  CHECK(registry.configuration_answers(key, id, 1)->last_refusals.size() == 1);
  CHECK(registry.configuration_answers(key, "another", 10)->taken == 0);
  REQUIRE(registry.delete_device({"", key, "board3"}));
  CHECK(registry.configuration_answers(key, id, 10)->refused == 1);
}

TEST_CASE("a product is deleted with its configurations") {
  TestWorld world;
  Registry& registry = world.open();
  const std::string key = make_product(registry);
  REQUIRE(registry.set_configuration(key, "{}"));
  REQUIRE(registry.delete_product(key));
  CHECK(code_of(registry.configurations(key)) == "iot.prod.NotExistedProduct");
}
