#include <doctest/doctest.h>

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "platform/store/dropping_env.h"
#include "platform/store/rocks_store.h"
#include "platform/store/test_loop.h"

using namespace tercet;
using namespace tercet::store;

namespace {

// The workload: step i puts a pair of records together, moves a counter, and now and then erases an old pair. Small
// memtables, so that flushes, new logs and compactions happen on the way and their syncs are boundaries too.
constexpr int kSteps = 400;

std::string name_of(int step) { return "device" + std::to_string(step % 7) + "/" + std::to_string(1000 + step); }

Mutations mutations_of(int step) {
  Mutations made;
  const std::string value = std::to_string(step) + std::string(9000, static_cast<char>('a' + step % 26));
  made.put(Family::history, name_of(step), value);
  made.put(Family::state, name_of(step), value);
  made.put(Family::session, "counter", std::to_string(step));
  if (step >= 50 && step % 5 == 0) {
    made.erase(Family::history, name_of(step - 50));
    made.erase(Family::state, name_of(step - 50));
  }
  return made;
}

/// What the store holds after steps 0..last.
std::map<std::string, std::string> expected(int last, Family family) {
  std::map<std::string, std::string> table;
  for (int step = 0; step <= last; ++step)
    mutations_of(step).each([&](const Mutations::Op& op) {
      if (op.family != family) return;
      if (op.kind == Mutations::Op::Kind::put)
        table[std::string(op.key)] = op.value;
      else
        table.erase(std::string(op.key));
    });
  return table;
}

struct Boundary {
  std::uint64_t number;
  int acknowledged;  // steps before this one had been acknowledged when the power went
  DroppingFileSystem::Disk disk;
};

RocksOptions options(rocksdb::Env& env) {
  return {.folder = "/data", .max_group_bytes = 60'000, .memtable_bytes = std::size_t{1} << 20, .env = &env};
}

/// Runs the workload once and keeps the disk of a power cut at every sync boundary.
std::vector<Boundary> run_workload() {
  const auto files = std::make_shared<DroppingFileSystem>();
  const auto env = make_dropping_env(files);
  std::vector<Boundary> boundaries;
  std::mutex mutex;  // syncs come from the writer and from background threads
  std::atomic<int> acknowledged{0};
  files->on_sync([&](std::uint64_t n) {
    const int before = acknowledged.load();
    // Every third with some unsynced bytes on the disk all the same: a torn write.
    auto disk = files->after_power_cut(n % 3 == 0 ? 4097 : 0);
    const std::lock_guard lock(mutex);
    boundaries.push_back({n, before, std::move(disk)});
  });
  TestLoop loop;
  auto opened = RocksStore::open(options(*env));
  REQUIRE(opened);
  int submitted = 0;
  while (acknowledged.load() < kSteps) {
    for (; submitted < kSteps && submitted < acknowledged.load() + 6; ++submitted)
      REQUIRE((*opened)->submit(loop, mutations_of(submitted), [&] { acknowledged.fetch_add(1); }));
    const int seen = acknowledged.load();
    REQUIRE(loop.run_until([&] { return acknowledged.load() > seen; }));
  }
  opened->reset();
  files->on_sync({});
  return boundaries;
}

std::map<std::string, std::string> contents(RocksStore& store, Family family) {
  std::map<std::string, std::string> table;
  REQUIRE(store.scan(family, "", "\xff", StreamStore::Order::ascending, [&](std::string_view key, std::string_view v) {
    table.emplace(key, v);
    return true;
  }));
  return table;
}

}  // namespace

TEST_CASE("a power cut at any sync boundary loses nothing acknowledged and halves nothing") {
  const auto boundaries = run_workload();
  CHECK(boundaries.size() > 100);
  for (const Boundary& boundary : boundaries) {
    CAPTURE(boundary.number);
    CAPTURE(boundary.acknowledged);
    const auto files = std::make_shared<DroppingFileSystem>(boundary.disk);
    const auto env = make_dropping_env(files);
    auto opened = RocksStore::open(options(*env));
    if (!opened) FAIL(opened.problem().detail);
    const auto counter = (*opened)->get(Family::session, "counter");
    const int last = counter ? std::stoi(*counter) : -1;
    REQUIRE(last >= boundary.acknowledged - 1);
    // Exactly the steps up to `last`, whole, in all families.
    REQUIRE(contents(**opened, Family::state) == expected(last, Family::state));
    REQUIRE(contents(**opened, Family::history) == expected(last, Family::history));
  }
}

TEST_CASE("the dropping file system forgets what was not synced, and names whose folder was not synced") {
  DroppingFileSystem files;
  REQUIRE(files.CreateDir("/d", {}, nullptr).ok());
  std::unique_ptr<rocksdb::FSWritableFile> file;
  REQUIRE(files.NewWritableFile("/d/a", {}, &file, nullptr).ok());
  REQUIRE(file->Append("synced", {}, nullptr).ok());
  REQUIRE(file->Sync({}, nullptr).ok());
  CHECK(!files.after_power_cut().files.contains("/d/a"));
  std::unique_ptr<rocksdb::FSDirectory> folder;
  REQUIRE(files.NewDirectory("/d", {}, &folder, nullptr).ok());
  REQUIRE(folder->Fsync({}, nullptr).ok());
  REQUIRE(file->Append(" lost", {}, nullptr).ok());
  CHECK(files.after_power_cut().files.at("/d/a") == "synced");
  CHECK(files.after_power_cut(2).files.at("/d/a") == "synced l");
  REQUIRE(files.RenameFile("/d/a", "/d/b", {}, nullptr).ok());
  CHECK(files.after_power_cut().files.contains("/d/a"));
  REQUIRE(folder->Fsync({}, nullptr).ok());
  CHECK(!files.after_power_cut().files.contains("/d/a"));
  CHECK(files.after_power_cut().files.at("/d/b") == "synced");
  files.fail_writes(rocksdb::IOStatus::IOError("broken"));
  CHECK(!file->Append("x", {}, nullptr).ok());
  CHECK(!file->Sync({}, nullptr).ok());
}
