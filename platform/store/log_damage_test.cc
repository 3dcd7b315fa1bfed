#include "platform/store/log_damage.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

#include "platform/store/dropping_env.h"
#include "platform/store/rocks_store.h"
#include "platform/store/test_loop.h"

using namespace tercet;
using namespace tercet::store;

namespace {

using Disk = DroppingFileSystem::Disk;
constexpr int kRecords = 40;
constexpr std::size_t kFragmentHeader = 7;

RocksOptions options_of(rocksdb::Env& env) { return {.folder = "/data", .env = &env}; }

Mutations record(int number, std::size_t bytes) {
  Mutations made;
  made.put(Family::state, std::to_string(1000 + number), std::string(bytes, static_cast<char>('a' + number % 26)));
  return made;
}

/// The disk after a power cut when that many records, each committed alone, had been acknowledged.
Disk disk_with(int first, int records, std::size_t bytes, Disk disk = {}) {
  const auto files = std::make_shared<DroppingFileSystem>(std::move(disk));
  const auto env = make_dropping_env(files);
  TestLoop loop;
  auto store = RocksStore::open(options_of(*env));
  if (!store) FAIL(store.problem().detail);
  for (int i = first; i < first + records; ++i) {
    bool durable = false;
    REQUIRE((*store)->submit(loop, record(i, bytes), [&] { durable = true; }));
    REQUIRE(loop.run_until([&] { return durable; }));
  }
  return files->after_power_cut();
}

std::string& log_of(Disk& disk) {
  for (auto it = disk.files.rbegin(); it != disk.files.rend(); ++it)
    if (it->first.ends_with(".log") && !it->second.empty()) return it->second;
  FAIL("no log");
  std::abort();
}

struct Opened {
  int records = -1;  ///< found; -1: refused
  runtime::Problem problem{Error::internal, {}};
  Disk after;
};
Opened open(const Disk& disk, bool accept_loss = false, Durability durability = Durability::synced) {
  const auto files = std::make_shared<DroppingFileSystem>(disk);
  const auto env = make_dropping_env(files);
  RocksOptions options = options_of(*env);
  options.accept_loss = accept_loss;
  options.durability = durability;
  Opened result;
  auto store = RocksStore::open(options);
  if (store) {
    result.records = 0;
    REQUIRE((*store)->scan(Family::state, "", "z", StreamStore::Order::ascending, [&](auto, auto) {
      ++result.records;
      return true;
    }));
  } else {
    result.problem = store.problem();
  }
  result.after = files->after_power_cut(std::size_t{1} << 30);
  return result;
}

void check_refused(const Disk& disk) {
  const Opened opened = open(disk);
  REQUIRE(opened.records == -1);
  CAPTURE(opened.problem.detail);
  CHECK(opened.problem.code == Error::malformed);
  CHECK(opened.problem.detail.find(".log") != std::string::npos);
  CHECK(opened.problem.detail.find("acknowledged data would be lost") != std::string::npos);
  CHECK(opened.problem.detail.find("restore a backup") != std::string::npos);
  CHECK(opened.problem.detail.find("--accept-data-loss") != std::string::npos);
  CHECK(opened.after.files == disk.files);
}

}  // namespace

TEST_CASE("a flipped bit anywhere in the log of acknowledged records is refused, and nothing is changed") {
  for (const std::size_t bytes : {60U, 3000U, 70'000U}) {
    const Disk whole = disk_with(0, kRecords, bytes);
    REQUIRE(open(whole).records == kRecords);
    Disk copy = whole;
    const std::size_t size = log_of(copy).size();
    // The length of the very last fragment is out of reach: it makes the record look cut off.
    const std::size_t step = size / 60 + 1;
    for (std::size_t at = 3; at + bytes + 64 < size; at += step) {
      CAPTURE(bytes);
      CAPTURE(at);
      Disk damaged = whole;
      log_of(damaged)[at] ^= 0x10;
      check_refused(damaged);
    }
  }
}

TEST_CASE("a damaged content of the last record, all of which is there, is refused") {
  Disk disk = disk_with(0, kRecords, 60);
  log_of(disk).back() ^= 0x10;
  check_refused(disk);
}

TEST_CASE("zeros over records in the middle of a log are refused") {
  Disk disk = disk_with(0, kRecords, 3000);
  log_of(disk).replace(8192, 4096, 4096, '\0');
  check_refused(disk);
}

TEST_CASE("a log that is cut off anywhere is opened up to its last whole record") {
  const Disk whole = disk_with(0, kRecords, 3000);
  Disk copy = whole;
  const std::size_t size = log_of(copy).size();
  int most = kRecords;
  for (std::size_t cut = 1; cut < 3 * 3060; cut += 611) {
    Disk torn = whole;
    log_of(torn).resize(size - cut);
    const Opened opened = open(torn);
    CAPTURE(cut);
    CAPTURE(opened.problem.detail);
    CHECK(opened.records >= kRecords - 1 - static_cast<int>(cut / 3000));
    CHECK(opened.records <= most);
    most = opened.records;
  }
  CHECK(most < kRecords);
}

TEST_CASE("a last record with sectors that were never written is a torn tail") {
  Disk disk = disk_with(0, kRecords, 3000);
  std::string& log = log_of(disk);
  const std::size_t sector = (log.size() - 1500) / 512 * 512;
  log.replace(sector, 512, 512, '\0');
  CHECK(open(disk).records == kRecords - 1);
}

TEST_CASE("without syncs a hole in the log is what a power cut leaves: the store goes on with what was before it") {
  Disk disk = disk_with(0, kRecords, 3000);
  log_of(disk).replace(log_of(disk).size() / 2 / 4096 * 4096, 4096, 4096, '\0');
  REQUIRE(open(disk).records == -1);
  const Opened opened = open(disk, false, Durability::memory);
  CHECK(opened.records > 0);
  CHECK(opened.records < kRecords);
  CHECK(open(opened.after).records == opened.records);
}

TEST_CASE("told to accept the loss, the store goes on with what was before the damage") {
  Disk disk = disk_with(0, kRecords, 3000);
  log_of(disk)[log_of(disk).size() / 2] ^= 1;
  REQUIRE(open(disk).records == -1);
  const Opened accepted = open(disk, true);
  CHECK(accepted.records >= kRecords / 2 - 2);
  CHECK(accepted.records <= kRecords / 2 + 2);
  CHECK(open(accepted.after).records == accepted.records);  // and later without being told
}

TEST_CASE("records written after a torn tail are found again") {
  Disk torn = disk_with(0, kRecords, 3000);
  log_of(torn).resize(log_of(torn).size() - 100);
  const Disk more = disk_with(kRecords, 5, 3000, torn);
  CHECK(open(more).records == kRecords - 1 + 5);
}

TEST_CASE("a log with nothing but a torn record, left out by an earlier start, does not stop the next one") {
  Disk disk = disk_with(0, kRecords, 3000);
  const std::string torn = std::string("\x01\x02\x03\x04\xb8\x0b\x01", 7) + "begun";  // of 3,000 bytes
  log_of(disk).resize(log_of(disk).size() - 100);
  disk = open(disk).after;                               // moves the records to tables and begins a log
  log_of(disk) += torn;                                  // where the first write is torn
  const Disk more = disk_with(kRecords, 5, 3000, disk);  // moves nothing, so that log is kept
  CHECK(open(more).records == kRecords - 1 + 5);
  // Without its first records (one without content, then one of 3,021 bytes) the later log does not go on any more.
  Disk lost = more;
  log_of(lost).erase(0, 19 + kFragmentHeader + 3021);
  REQUIRE(log_of(lost).size() % (kFragmentHeader + 3021) == 0);
  check_refused(lost);
}

namespace {

/// Holds the thread that wants to write a table, after which the log would not be needed, until released.
class HeldFlush {
 public:
  void create(const std::string& name) {
    std::unique_lock lock(mutex_);
    if (name.ends_with(".sst")) changed_.wait(lock, [this] { return released_; });
  }
  void release() {
    const std::lock_guard lock(mutex_);
    released_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool released_ = false;
};

}  // namespace

TEST_CASE("an earlier log that is missing, too short or torn is refused while a later one holds records") {
  constexpr int kWritten = 50;
  const auto files = std::make_shared<DroppingFileSystem>();
  const auto env = make_dropping_env(files);
  RocksOptions options = options_of(*env);
  options.memtable_bytes = std::size_t{1} << 20;  // about 34 of the records: the others are in the next log
  HeldFlush held;
  files->on_create([&](const std::string& name) { held.create(name); });
  Disk disk;
  {
    TestLoop loop;
    auto store = RocksStore::open(options);
    REQUIRE(store);
    for (int i = 0; i < kWritten; ++i) {
      bool durable = false;
      REQUIRE((*store)->submit(loop, record(i, 30'000), [&] { durable = true; }));
      REQUIRE(loop.run_until([&] { return durable; }));
    }
    disk = files->after_power_cut();
    held.release();
  }
  files->on_create({});
  std::vector<std::string> logs;
  for (const auto& [name, bytes] : disk.files)
    if (name.ends_with(".log") && bytes.size() > 60'000) logs.push_back(name);
  REQUIRE(logs.size() == 2);
  CHECK(open(disk).records == kWritten);
  Disk without = disk;
  without.files.erase(logs.front());
  CHECK(open(without).records == -1);
  for (const std::size_t cut : {10U, 30'100U}) {
    Disk shorter = disk;
    std::string& log = shorter.files[logs.front()];
    log.resize(log.size() - cut);
    const Opened opened = open(shorter);
    CAPTURE(opened.problem.detail);
    CHECK(opened.records == -1);
    CHECK(opened.problem.code == Error::malformed);
  }
}

TEST_CASE("a store without its CURRENT file is damaged, not new") {
  Disk disk = disk_with(0, kRecords, 60);
  disk.files.erase("/data/CURRENT");
  const Opened opened = open(disk);
  REQUIRE(opened.records == -1);
  CHECK(opened.problem.code == Error::malformed);
  CHECK(opened.problem.detail.find("CURRENT") != std::string::npos);
  CHECK(opened.after.files == disk.files);
}
