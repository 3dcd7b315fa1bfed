#include "platform/registry/journal_store.h"

#include <doctest/doctest.h>

#include <thread>

#include "platform/store/test_folder.h"
#include "platform/store/test_loop.h"

using namespace tercet;
using namespace tercet::registry;
using Stage = broker::Refusal::Stage;

namespace {

struct World {
  store::TestFolder folder;
  store::TestLoop loop;
  JournalLimits limits;
  std::unique_ptr<JournalStore> journal;

  JournalStore& open() {
    journal.reset();
    auto opened = JournalStore::open(
        folder.path() / "journal.db", loop, [](std::string_view name) { return name.starts_with("pk/"); }, limits);
    if (!opened) throw std::runtime_error(opened.problem().detail);
    journal = std::move(*opened);
    return *journal;
  }
};

broker::Refusal refusal(std::string name, std::string evidence = "e", std::int64_t at = 1000) {
  broker::Refusal made;
  made.at = {at};
  made.name = std::move(name);
  made.address = "192.0.2.1:50123";
  made.client_id = "id|securemode=2|";
  made.code = 4;
  made.cause = "sign.ampersand_between_fields";
  made.evidence = std::move(evidence);
  return made;
}

std::string evidence(const std::vector<JournalEntry>& entries) {
  std::string all;
  for (const JournalEntry& entry : entries) all += entry.refusal.evidence;
  return all;
}

JournalFilter of(std::string name) {
  JournalFilter filter;
  filter.name = std::move(name);
  filter.limit = 1000;
  return filter;
}

}  // namespace

TEST_CASE("an entry comes back as it was recorded, also after a restart") {
  World world;
  JournalStore& journal = world.open();
  broker::Refusal made = refusal("pk/board", "seen");
  made.stage = Stage::publish;
  made.warning = true;
  journal.record(made);
  CHECK(journal.recorded() == 0);
  world.loop.advance(Millis{50});
  CHECK(journal.recorded() == 1);
  for (int start = 0; start < 2; ++start) {
    const auto found = world.open().query(of("pk/board"));
    REQUIRE(found.size() == 1);
    CHECK(found[0].known);
    const broker::Refusal& read = found[0].refusal;
    CHECK(read.at.ms == 1000);
    CHECK(read.stage == Stage::publish);
    CHECK(read.name == "pk/board");
    CHECK(read.address == made.address);
    CHECK(read.client_id == made.client_id);
    CHECK(read.code == 4);
    CHECK(read.cause == made.cause);
    CHECK(read.evidence == "seen");
    CHECK(read.warning);
  }
}

TEST_CASE("a question sees what was handed over a moment ago, newest first") {
  World world;
  JournalStore& journal = world.open();
  for (const char* e : {"a", "b", "c"}) journal.record(refusal("pk/board", e));
  world.loop.settle();
  CHECK(evidence(journal.query({})) == "cba");
}

TEST_CASE("questions choose by name, product, stage, kind and time, in pages") {
  World world;
  JournalStore& journal = world.open();
  journal.record(refusal("pk/one", "1", 100));
  journal.record(refusal("pk/two", "2", 200));
  broker::Refusal subscribe = refusal("pk2/x", "3", 300);
  subscribe.stage = Stage::subscribe;
  journal.record(subscribe);
  broker::Refusal warning = refusal("pk/one", "4", 400);
  warning.warning = true;
  journal.record(warning);
  journal.record(refusal("", "5", 500));
  world.loop.settle();
  JournalFilter filter;
  CHECK(evidence(journal.query(filter)) == "54321");
  CHECK(evidence(journal.query(of("pk/one"))) == "41");
  filter.product = "pk";
  CHECK(evidence(journal.query(filter)) == "421");
  filter.name = "pk/two";
  CHECK(evidence(journal.query(filter)) == "2");
  filter = {};
  filter.stage = Stage::subscribe;
  CHECK(evidence(journal.query(filter)) == "3");
  filter = {};
  filter.warning = true;
  CHECK(evidence(journal.query(filter)) == "4");
  filter = {};
  filter.from = UnixMillis{200};
  filter.until = UnixMillis{400};
  CHECK(evidence(journal.query(filter)) == "32");
  filter = {};
  filter.limit = 2;
  const auto first = journal.query(filter);
  CHECK(evidence(first) == "54");
  filter.before_id = first.back().id;
  CHECK(evidence(journal.query(filter)) == "32");
}

TEST_CASE("the last hundred of a name are kept, of a device and of an unknown name alike") {
  World world;
  JournalStore& journal = world.open();
  for (int i = 0; i < 250; ++i) {
    journal.record(refusal("pk/board", std::to_string(i) + " "));
    journal.record(refusal("nobody", std::to_string(i) + " "));
    if (i % 30 == 0) world.loop.advance(Millis{50});
  }
  world.loop.advance(Millis{50});
  for (const char* name : {"pk/board", "nobody"}) {
    const auto kept = journal.query(of(name));
    REQUIRE(kept.size() == 100);
    CHECK(kept.front().refusal.evidence == "249 ");
    CHECK(kept.back().refusal.evidence == "150 ");
  }
  CHECK(journal.size() == 200);
  JournalStore& again = world.open();
  CHECK(again.size() == 200);
  again.record(refusal("pk/board", "new"));
  world.loop.settle();
  CHECK(again.query(of("pk/board")).size() == 100);
}

TEST_CASE("refusals that carry no name have room of their own, so that a hundred of one address push nobody out") {
  World world;
  world.limits.nameless = 500;
  JournalStore& journal = world.open();
  for (int i = 0; i < 700; ++i) journal.record(refusal("", std::to_string(i)));
  world.loop.advance(Millis{50});
  CHECK(journal.size() == 500);
}

TEST_CASE("a flood of unknown names evicts the oldest unknown ones, never a device's entries") {
  World world;
  world.limits.unknown = 50;
  world.limits.known = 10;
  JournalStore& journal = world.open();
  for (int i = 0; i < 5; ++i) journal.record(refusal("pk/board", "k"));
  for (int i = 0; i < 1000; ++i) {
    journal.record(refusal("attack" + std::to_string(i), "u"));
    if (i % 100 == 0) world.loop.advance(Millis{50});
  }
  world.loop.advance(Millis{50});
  CHECK(journal.size() == 55);
  CHECK(journal.query(of("pk/board")).size() == 5);
  CHECK(journal.query(of("attack0")).empty());
  CHECK(journal.query(of("attack999")).size() == 1);
  for (int i = 0; i < 20; ++i) journal.record(refusal("pk/" + std::to_string(i), "k"));
  world.loop.advance(Millis{50});
  CHECK(journal.size() == 60);
  CHECK(world.open().size() == 60);
}

TEST_CASE("when too many wait, or the loop takes nothing, entries are counted as lost and nobody waits") {
  World world;
  world.limits.waiting = 10;
  JournalStore& journal = world.open();
  for (int i = 0; i < 25; ++i) journal.record(refusal("pk/board"));
  CHECK(journal.lost() == 15);
  world.loop.advance(Millis{50});
  CHECK(journal.recorded() == 10);
  journal.record(refusal("pk/board"));
  world.loop.advance(Millis{50});
  CHECK(journal.recorded() == 11);
  world.loop.set_capacity(0);
  journal.record(refusal("pk/board"));
  CHECK(journal.lost() == 16);
}

TEST_CASE("entries of other threads arrive") {
  World world;
  JournalStore& journal = world.open();
  std::thread a([&] {
    for (int i = 0; i < 500; ++i) journal.record(refusal("pk/a"));
  });
  std::thread b([&] {
    for (int i = 0; i < 500; ++i) journal.record(refusal("pk/b"));
  });
  a.join(), b.join();
  world.loop.advance(Millis{50});
  CHECK(journal.recorded() + journal.lost() == 1000);
  CHECK(journal.lost() == 0);
}

TEST_CASE("overlong fields are cut, not inside a character") {
  World world;
  JournalStore& journal = world.open();
  broker::Refusal made = refusal(std::string(500, 'n'));
  made.evidence = std::string(1023, 'e') + "温";
  made.client_id = std::string(1000, 'c');
  journal.record(made);
  world.loop.settle();
  const auto found = journal.query({});
  REQUIRE(found.size() == 1);
  CHECK(found[0].refusal.name.size() == 128);
  CHECK(found[0].refusal.evidence == std::string(1023, 'e'));
  CHECK(found[0].refusal.client_id.size() == 256);
}

TEST_CASE("listeners hear of entries when they are written") {
  World world;
  JournalStore& journal = world.open();
  std::string heard;
  journal.listen([&](const JournalEntry& entry) { heard += entry.refusal.evidence + (entry.id > 0 ? "+" : "-"); });
  journal.record(refusal("pk/board", "a"));
  journal.record(refusal("pk/board", "b"));
  CHECK(heard.empty());
  world.loop.advance(Millis{50});
  CHECK(heard == "a+b+");
}

TEST_CASE("what was posted when the journal ends does no harm") {
  World world;
  world.open().record(refusal("pk/board"));
  world.journal.reset();
  world.loop.settle();
  CHECK(world.open().size() == 0);
}

TEST_CASE("a full disk loses entries and says so; with room it goes on") {
  World world;
  JournalStore& journal = world.open();
  journal.limit_pages_for_test(1);
  for (int i = 0; i < 300; ++i) journal.record(refusal("pk/" + std::to_string(i), std::string(1000, 'x')));
  world.loop.advance(Millis{50});
  CHECK(journal.lost() == 300);
  CHECK(journal.size() == 0);
  journal.limit_pages_for_test(100'000);
  journal.record(refusal("pk/board"));
  world.loop.advance(Millis{50});
  CHECK(journal.recorded() == 1);
}

TEST_CASE("a journal of a newer version is refused") {
  World world;
  world.open();
  world.journal.reset();
  {
    auto database = store::Database::open(world.folder.path() / "journal.db");
    REQUIRE(database->run("PRAGMA user_version=9"));
  }
  const auto refused = JournalStore::open(world.folder.path() / "journal.db", world.loop, {}, {});
  REQUIRE(!refused);
  CHECK(refused.problem().code == Error::unsupported);
  CHECK(!JournalStore::open(world.folder.path() / "no" / "journal.db", world.loop, {}, {}));
}

TEST_CASE("causes are told in both languages; stages have names") {
  const CauseInWords en = in_words("sign.ampersand_between_fields", Language::en);
  const CauseInWords zh = in_words("sign.ampersand_between_fields", Language::zh);
  CHECK(!en.cause.empty());
  CHECK(!en.remedy.empty());
  CHECK(!zh.cause.empty());
  CHECK(zh.cause != en.cause);
  CHECK(in_words("no.such", Language::en).cause.empty());
  for (const Stage stage :
       {Stage::transport, Stage::connect, Stage::subscribe, Stage::publish, Stage::message, Stage::api})
    CHECK(find_stage(name(stage)) == stage);
  CHECK(!find_stage("nowhere"));
}
