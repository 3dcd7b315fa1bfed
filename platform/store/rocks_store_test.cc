#include "platform/store/rocks_store.h"

#include <doctest/doctest.h>

#include <atomic>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "platform/store/dropping_env.h"
#include "platform/store/test_folder.h"
#include "platform/store/test_loop.h"
#include "rocksdb/db.h"

using namespace tercet;
using namespace tercet::store;

namespace {

Mutations one(std::string_view key, std::string_view value, Family family = Family::state) {
  Mutations made;
  made.put(family, key, value);
  return made;
}

std::unique_ptr<RocksStore> open_or_die(const RocksOptions& options) {
  auto opened = RocksStore::open(options);
  if (!opened) FAIL(opened.problem().detail);
  return std::move(*opened);
}

/// A store over a file system that the test can break.
struct Breakable {
  std::shared_ptr<DroppingFileSystem> files = std::make_shared<DroppingFileSystem>();
  std::unique_ptr<rocksdb::Env> env = make_dropping_env(files);
  RocksOptions options{.folder = "/data", .env = env.get()};
};

}  // namespace

TEST_CASE("what was acknowledged is there after a restart, in every family") {
  TestFolder folder;
  TestLoop loop;
  const RocksOptions options{.folder = folder.path() / "stream"};
  {
    const auto store = open_or_die(options);
    int durable = 0;
    for (std::size_t f = 0; f < kFamilies; ++f)
      REQUIRE(store->submit(loop, one("key", "v" + std::to_string(f), static_cast<Family>(f)), [&] { ++durable; }));
    REQUIRE(loop.run_until([&] { return durable == static_cast<int>(kFamilies); }));
    CHECK(store->counters().mutations == kFamilies);
    CHECK(store->counters().commits >= 1);
    CHECK(store->failure().empty());
  }
  const auto store = open_or_die(options);
  for (std::size_t f = 0; f < kFamilies; ++f)
    CHECK(*store->get(static_cast<Family>(f), "key") == "v" + std::to_string(f));
  CHECK(store->get(Family::state, "other").error() == Error::not_found);
}

TEST_CASE("completions come in the order of submission, each on its own loop") {
  TestFolder folder;
  TestLoop loops[2];
  const auto store = open_or_die({.folder = folder.path()});
  std::vector<int> seen[2];
  for (int i = 0; i < 2000; ++i)
    REQUIRE(store->submit(loops[i % 2], one("k" + std::to_string(i), "v"), [&seen, i] { seen[i % 2].push_back(i); }));
  for (int l = 0; l < 2; ++l) {
    REQUIRE(loops[l].run_until([&] { return seen[l].size() == 1000; }));
    for (int i = 0; i < 1000; ++i) CHECK(seen[l][static_cast<std::size_t>(i)] == 2 * i + l);
  }
}

TEST_CASE("submissions of one group see each other in order: the last put wins, an erase after it too") {
  TestFolder folder;
  TestLoop loop;
  const auto store = open_or_die({.folder = folder.path()});
  Mutations mutations;
  mutations.put(Family::queue, "a", "1");
  mutations.put(Family::queue, "a", "2");
  mutations.put(Family::queue, "b", "1");
  mutations.erase(Family::queue, "b");
  for (const char* key : {"r1", "r2", "r3"}) mutations.put(Family::queue, key, "x");
  mutations.erase_range(Family::queue, "r1", "r3");
  bool durable = false;
  REQUIRE(store->submit(loop, std::move(mutations), [&] { durable = true; }));
  REQUIRE(loop.run_until([&] { return durable; }));
  CHECK(*store->get(Family::queue, "a") == "2");
  CHECK(store->get(Family::queue, "b").error() == Error::not_found);
  CHECK(store->get(Family::queue, "r2").error() == Error::not_found);
  CHECK(*store->get(Family::queue, "r3") == "x");
}

TEST_CASE("ranges erased between puts of the same device leave what was put before and after in order") {
  TestFolder folder;
  TestLoop loop;
  const auto store = open_or_die({.folder = folder.path() / "stream"});
  int durable = 0, wanted = 0;
  const auto submit = [&](Mutations made) {
    ++wanted;
    REQUIRE(store->submit(loop, std::move(made), [&] { ++durable; }));
  };
  for (int round = 0; round < 200; ++round) {
    Mutations puts;
    for (int i = 0; i < 20; ++i)
      puts.put(Family::history, "device_1" + std::to_string(1000 + i * 7 % 20) + "x", std::to_string(round));
    submit(std::move(puts));
    Mutations erased;  // the whole device, from a whole key, and the same twice
    erased.erase_range(Family::history, "device_1", "device_2");
    erased.erase_range(Family::history, "device_11003x", "device_11009x");
    erased.erase_range(Family::history, "device_11003x", "device_11009x");
    erased.erase_range(Family::history, "device_2", "device_1");
    submit(std::move(erased));
    submit(one("device_11003x", std::to_string(round), Family::history));
  }
  REQUIRE(loop.run_until([&] { return durable == wanted; }));
  int found = 0;
  CHECK(store->scan(Family::history, "device_1", "device_2", StreamStore::Order::ascending,
                    [&](std::string_view key, std::string_view value) {
                      CHECK(key == "device_11003x");
                      CHECK(value == "199");
                      return ++found > 0;
                    }));
  CHECK(found == 1);
}

TEST_CASE("scans of the disk go both ways through a half-open range") {
  TestFolder folder;
  TestLoop loop;
  const auto store = open_or_die({.folder = folder.path()});
  Mutations mutations;
  for (const char* key : {"a", "b", "c", "d"}) mutations.put(Family::history, key, key);
  REQUIRE(store->submit(loop, std::move(mutations), {}));
  store->close();
  const auto keys = [&](std::string_view from, std::string_view to, StreamStore::Order order, std::size_t most) {
    std::string seen;
    REQUIRE(store->scan(Family::history, from, to, order, [&](std::string_view key, std::string_view) {
      seen += key;
      return seen.size() < most;
    }));
    return seen;
  };
  CHECK(keys("a", "d", StreamStore::Order::ascending, 9) == "abc");
  CHECK(keys("a", "d", StreamStore::Order::descending, 9) == "cba");
  CHECK(keys("b", "z", StreamStore::Order::descending, 2) == "dc");
  CHECK(keys("d", "a", StreamStore::Order::ascending, 9).empty());
}

TEST_CASE("a scan from nothing at all begins at the first key") {
  TestFolder folder;
  TestLoop loop;
  const auto store = open_or_die({.folder = folder.path()});
  bool durable = false;
  REQUIRE(store->submit(loop, one("a", "1"), [&] { durable = true; }));
  REQUIRE(loop.run_until([&] { return durable; }));
  int seen = 0;
  const auto count = [&seen](std::string_view, std::string_view) { return ++seen != 0; };
  REQUIRE(store->scan(Family::state, std::string_view{}, "b", StreamStore::Order::ascending, count));
  CHECK(seen == 1);
}

TEST_CASE("closing makes everything submitted durable; later submissions are refused") {
  TestFolder folder;
  TestLoop loop;
  const auto store = open_or_die({.folder = folder.path()});
  int durable = 0;
  for (int i = 0; i < 100; ++i) REQUIRE(store->submit(loop, one(std::to_string(i), "v"), [&] { ++durable; }));
  store->close();
  loop.settle();
  CHECK(durable == 100);
  CHECK(store->submit(loop, one("late", "v"), {}).error() == Error::closed);
  CHECK(*store->get(Family::state, "99") == "v");
}

TEST_CASE("more than the bound waiting for the disk is refused, and accepted again when it has drained") {
  Breakable disk;
  disk.options.max_waiting_bytes = 4096;
  std::atomic<bool> stuck{false};
  TestLoop loop;
  const auto store = open_or_die(disk.options);
  std::mutex gate;
  disk.files->on_sync([&](std::uint64_t) {
    stuck = true;
    const std::lock_guard wait(gate);
  });
  int durable = 0;
  gate.lock();
  REQUIRE(store->submit(loop, one("a", std::string(3000, 'x')), [&] { ++durable; }));
  CHECK(store->submit(loop, one("b", std::string(3000, 'x')), [&] { ++durable; }).error() == Error::no_space);
  gate.unlock();
  REQUIRE(loop.run_until([&] { return durable == 1; }));
  CHECK(stuck);
  CHECK(store->submit(loop, one("b", std::string(3000, 'x')), [&] { ++durable; }));
  REQUIRE(loop.run_until([&] { return durable == 2; }));
  CHECK(store->submit(loop, one("c", std::string(5000, 'x')), [&] { ++durable; }));  // alone, larger than the bound
  REQUIRE(loop.run_until([&] { return durable == 3; }));
}

TEST_CASE("what gathers during a sync is committed together") {
  Breakable disk;
  TestLoop loop;
  const auto store = open_or_die(disk.options);
  std::mutex gate;
  std::atomic<int> waiting{0};
  disk.files->on_sync([&](std::uint64_t) {
    ++waiting;
    const std::lock_guard wait(gate);
  });
  int durable = 0;
  gate.lock();
  REQUIRE(store->submit(loop, one("first", "v"), [&] { ++durable; }));
  while (waiting.load() == 0) std::this_thread::yield();
  for (int i = 0; i < 500; ++i) REQUIRE(store->submit(loop, one(std::to_string(i), "v"), [&] { ++durable; }));
  gate.unlock();
  REQUIRE(loop.run_until([&] { return durable == 501; }));
  CHECK(store->counters().commits == 2);
}

TEST_CASE("a loop whose queue is full gets its completions later, in order") {
  TestFolder folder;
  TestLoop loop(0);
  const auto store = open_or_die({.folder = folder.path()});
  std::vector<int> seen;
  for (int i = 0; i < 50; ++i)
    REQUIRE(store->submit(loop, one(std::to_string(i), "v"), [&seen, i] { seen.push_back(i); }));
  while (store->counters().mutations < 50) std::this_thread::yield();
  CHECK(seen.empty());
  loop.set_capacity(1);
  REQUIRE(loop.run_until([&] { return seen.size() == 50; }));
  for (int i = 0; i < 50; ++i) CHECK(seen[static_cast<std::size_t>(i)] == i);
}

TEST_CASE("after a failed write nothing is acknowledged any more, and the reason is told") {
  // Outlives the broken engine, which is never closed.
  static auto& kept = *new std::vector<std::unique_ptr<Breakable>>;
  Breakable& disk = *kept.emplace_back(std::make_unique<Breakable>());
  TestLoop loop;
  const auto store = open_or_die(disk.options);
  bool first = false;
  REQUIRE(store->submit(loop, one("a", "1"), [&] { first = true; }));
  REQUIRE(loop.run_until([&] { return first; }));
  disk.files->fail_writes(rocksdb::IOStatus::NoSpace("no space left on device"));
  struct Watch {
    explicit Watch(bool& flag) : destroyed(flag) {}
    bool& destroyed;
    ~Watch() { destroyed = true; }
  };
  bool second = false, destroyed = false;
  REQUIRE(store->submit(loop, one("b", "1"), [&second, watch = std::make_shared<Watch>(destroyed)] { second = true; }));
  // The completion is not run, but comes back to its own loop to be destroyed there.
  REQUIRE(loop.run_until([&] { return destroyed; }));
  CHECK(!second);
  CHECK(store->failure().find("no space left") != std::string::npos);
  CHECK(store->submit(loop, one("c", "1"), {}).error() == Error::io_failed);
  store->close();
  loop.settle();
  CHECK(!second);
}

TEST_CASE("a folder written by a newer version is refused with what to do") {
  TestFolder folder;
  TestLoop loop;
  { open_or_die({.folder = folder.path()}); }
  {
    const auto store = open_or_die({.folder = folder.path()});
    CHECK(*store->get(Family::meta, "format") == "1");  // golden: this is what version 1 writes
    REQUIRE(store->submit(loop, one("format", "2", Family::meta), {}));
  }
  const auto files = [&] {
    std::map<std::string, std::filesystem::file_time_type> seen;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
      seen[entry.path().string()] = entry.last_write_time();
    return seen;
  };
  const auto before = files();
  const auto refused = RocksStore::open({.folder = folder.path()});
  REQUIRE(!refused);
  CHECK(refused.problem().code == Error::unsupported);
  CHECK(refused.problem().detail.find("newer") != std::string::npos);
  CHECK(files() == before);
}

TEST_CASE("a newer folder is refused also when it has families that this version does not know") {
  TestFolder folder;
  TestLoop loop;
  {
    const auto store = open_or_die({.folder = folder.path()});
    REQUIRE(store->submit(loop, one("format", "7", Family::meta), {}));
  }
  {
    std::vector<std::string> names;
    REQUIRE(rocksdb::DB::ListColumnFamilies({}, folder.path(), &names).ok());
    std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
    for (const auto& name : names) descriptors.emplace_back(name, rocksdb::ColumnFamilyOptions{});
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* raw = nullptr;
    REQUIRE(rocksdb::DB::Open({}, folder.path(), descriptors, &handles, &raw).ok());
    const std::unique_ptr<rocksdb::DB> db(raw);
    rocksdb::ColumnFamilyHandle* made = nullptr;
    REQUIRE(db->CreateColumnFamily({}, "shadow", &made).ok());
    handles.push_back(made);
    for (auto* handle : handles) REQUIRE(db->DestroyColumnFamilyHandle(handle).ok());
  }
  const auto refused = RocksStore::open({.folder = folder.path()});
  REQUIRE(!refused);
  CHECK(refused.problem().code == Error::unsupported);
}

TEST_CASE("a folder in use, and one that cannot be made, are named with a remedy") {
  TestFolder folder;
  const auto store = open_or_die({.folder = folder.path()});
  const auto second = RocksStore::open({.folder = folder.path()});
  REQUIRE(!second);
  CHECK(second.problem().detail.find("another tercet") != std::string::npos);
  const auto nowhere = RocksStore::open({.folder = folder.path() / "no" / "where"});
  REQUIRE(!nowhere);
  CHECK(nowhere.problem().code == Error::io_failed);
}

TEST_CASE("durability `memory` acknowledges without a sync") {
  Breakable disk;
  disk.options.durability = Durability::memory;
  TestLoop loop;
  const auto store = open_or_die(disk.options);
  const auto before = disk.files->syncs();
  int durable = 0;
  for (int i = 0; i < 10; ++i) REQUIRE(store->submit(loop, one(std::to_string(i), "v"), [&] { ++durable; }));
  REQUIRE(loop.run_until([&] { return durable == 10; }));
  CHECK(disk.files->syncs() == before);
}

TEST_CASE("closing waits for a full loop to take its completions, but not for ever") {
  TestFolder folder;
  TestLoop loop(0);
  const auto store = open_or_die({.folder = folder.path()});
  bool durable = false;
  REQUIRE(store->submit(loop, one("a", "1"), [&] { durable = true; }));
  store->close();
  loop.set_capacity(10);
  loop.settle();
  CHECK(!durable);
  CHECK(*store->get(Family::state, "a") == "1");
}

TEST_CASE("a lock file without permission is not taken for another server") {
  Breakable disk;
  disk.files->fail_writes(rocksdb::IOStatus::IOError("While open a file for lock: /data/LOCK", "Permission denied"));
  const auto refused = RocksStore::open(disk.options);
  REQUIRE(!refused);
  CAPTURE(refused.problem().detail);
  CHECK(refused.problem().detail.find("another tercet") == std::string::npos);
  CHECK(refused.problem().detail.find("writable") != std::string::npos);
}
