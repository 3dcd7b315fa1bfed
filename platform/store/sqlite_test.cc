#include "platform/store/sqlite.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "platform/store/test_folder.h"

using namespace tercet;
using namespace tercet::store;

namespace {

constexpr std::array<std::string_view, 1> kFirst{"CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT UNIQUE, x REAL)"};
constexpr std::array<std::string_view, 2> kSecond{kFirst[0], "ALTER TABLE t ADD COLUMN extra TEXT DEFAULT 'new'"};

Database open_or_die(const std::filesystem::path& file) {
  auto opened = Database::open(file);
  REQUIRE(opened);
  return std::move(*opened);
}

}  // namespace

TEST_CASE("values go in and come out by type") {
  Database database = open_or_die(":memory:");
  REQUIRE(database.run("CREATE TABLE v(a, b, c, d, e)"));
  const std::string blob("a\0b", 3);
  REQUIRE(database.must_prepare("INSERT INTO v VALUES(?,?,?,?,?)")
              .bind(std::int64_t{1} << 40, 2.5, blob, nullptr, std::optional<int>{})
              .run());
  auto read = database.must_prepare("SELECT * FROM v");
  REQUIRE(*read.step());
  CHECK(read.integer(0) == std::int64_t{1} << 40);
  CHECK(read.real(1) == 2.5);
  CHECK(read.text(2) == blob);
  CHECK(read.is_null(3));
  CHECK(read.is_null(4));
  CHECK(!*read.step());
}

TEST_CASE("the file is the owner's alone, in WAL mode, synced fully, with foreign keys") {
  TestFolder folder;
  Database database = open_or_die(folder.path() / "a.db");
  struct stat info {};
  REQUIRE(::stat((folder.path() / "a.db").c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
  const auto pragma = [&](std::string_view sql) {
    auto read = database.must_prepare(sql);
    REQUIRE(*read.step());
    return read.text(0);
  };
  CHECK(pragma("PRAGMA journal_mode") == "wal");
  CHECK(pragma("PRAGMA synchronous") == "2");
  CHECK(pragma("PRAGMA foreign_keys") == "1");
}

TEST_CASE("migrations run once, in order, and a newer file is refused with a remedy") {
  TestFolder folder;
  const auto file = folder.path() / "a.db";
  {
    Database database = open_or_die(file);
    REQUIRE(database.migrate(kFirst));
    REQUIRE(database.must_prepare("INSERT INTO t(name) VALUES(?)").bind("old").run());
  }
  {
    Database database = open_or_die(file);
    REQUIRE(database.migrate(kSecond));
    REQUIRE(database.migrate(kSecond));
    CHECK(*database.version() == 2);
    auto read = database.must_prepare("SELECT extra FROM t WHERE name='old'");
    REQUIRE(*read.step());
    CHECK(read.text(0) == "new");
  }
  Database database = open_or_die(file);
  const auto refused = database.migrate(kFirst);
  REQUIRE(!refused);
  CHECK(refused.problem().code == Error::unsupported);
  CHECK(refused.problem().detail.find("newer") != std::string::npos);
}

TEST_CASE("a failing migration leaves the version and the file as they were") {
  Database database = open_or_die(":memory:");
  constexpr std::array<std::string_view, 1> broken{"CREATE TABLE a(x); CREATE TABLE a(x)"};
  CHECK(!database.migrate(broken));
  CHECK(*database.version() == 0);
  CHECK(!database.prepare("SELECT * FROM a"));
}

TEST_CASE("a taken unique value is already_exists, another broken rule bad_argument") {
  Database database = open_or_die(":memory:");
  REQUIRE(database.migrate(kFirst));
  auto insert = database.must_prepare("INSERT INTO t(name) VALUES(?)");
  REQUIRE(insert.bind("a").run());
  CHECK(insert.bind("a").run().problem().code == Error::already_exists);
  REQUIRE(insert.bind("b").run());
  REQUIRE(database.run("CREATE TABLE c(x NOT NULL)"));
  CHECK(database.must_prepare("INSERT INTO c VALUES(?)").bind(nullptr).run().problem().code == Error::bad_argument);
}

TEST_CASE("a transaction that is not committed never was") {
  Database database = open_or_die(":memory:");
  REQUIRE(database.migrate(kFirst));
  {
    auto transaction = database.begin();
    REQUIRE(transaction);
    REQUIRE(database.run("INSERT INTO t(name) VALUES('a')"));
  }
  auto count = database.must_prepare("SELECT count(*) FROM t");
  REQUIRE(*count.step());
  CHECK(count.integer(0) == 0);
  count.reset();
  auto transaction = database.begin();
  REQUIRE(database.run("INSERT INTO t(name) VALUES('a')"));
  REQUIRE(transaction->commit());
  REQUIRE(*count.step());
  CHECK(count.integer(0) == 1);
}

TEST_CASE("a full disk is no_space, and the database works again with room") {
  TestFolder folder;
  Database database = open_or_die(folder.path() / "a.db");
  REQUIRE(database.migrate(kFirst));
  REQUIRE(database.limit_pages(4));
  auto insert = database.must_prepare("INSERT INTO t(name) VALUES(?)");
  Error seen = Error::internal;
  for (int i = 0; i < 100; ++i) {
    const auto done = insert.bind(std::string(500, static_cast<char>('a' + i % 26)) + std::to_string(i)).run();
    if (!done) {
      seen = done.problem().code;
      break;
    }
  }
  CHECK(seen == Error::no_space);
  REQUIRE(database.limit_pages(100'000));
  CHECK(insert.bind("fits").run());
}

TEST_CASE("a file that is no database, and one that cannot be opened, are named") {
  TestFolder folder;
  std::ofstream(folder.path() / "no.db") << std::string(4096, 'x');
  const auto no_database = Database::open(folder.path() / "no.db");
  REQUIRE(!no_database);
  CHECK(no_database.problem().code == Error::malformed);
  const auto missing = Database::open(folder.path() / "nowhere" / "a.db");
  REQUIRE(!missing);
  CHECK(missing.problem().code == Error::io_failed);
  CHECK(missing.problem().detail.find("nowhere") != std::string::npos);
  Database database = open_or_die(":memory:");
  CHECK(!database.prepare("SELECT nonsense FROM nowhere"));
}

TEST_CASE("a damaged file is called damaged, with its name and the remedy, wherever the damage is") {
  TestFolder folder;
  const auto file = folder.path() / "a.db";
  {
    Database database = open_or_die(file);
    REQUIRE(database.migrate(kFirst));
    auto insert = database.must_prepare("INSERT INTO t(name) VALUES(?)");
    for (int i = 0; i < 200; ++i) REQUIRE(insert.bind(std::string(100, 'x') + std::to_string(i)).run());
  }
  std::string whole;
  {
    std::ifstream in(file, std::ios::binary);
    whole.assign(std::istreambuf_iterator<char>(in), {});
  }
  REQUIRE(whole.size() > 4096 * 4);
  const auto problem_of = [&](std::string bytes) -> std::optional<Problem> {
    std::ofstream(file, std::ios::binary) << bytes;
    auto database = Database::open(file);
    if (!database) return database.problem();
    if (auto done = database->migrate(kFirst); !done) return done.problem();
    auto read = database->must_prepare("SELECT count(*), sum(x), max(name) FROM t WHERE id > ?");
    const auto row = read.bind(0).step();
    if (!row) return row.problem();
    return std::nullopt;
  };
  CHECK(!problem_of(whole));
  const auto overwritten = [&](std::size_t from, std::size_t bytes) {
    std::string damaged = whole;
    return damaged.replace(from, bytes, bytes, '\xEE');
  };
  for (const std::string& damaged : {overwritten(0, 100), overwritten(100, 8), overwritten(100, 3996),
                                     overwritten(4096, whole.size() - 4096), overwritten(60, 4)}) {
    const auto problem = problem_of(damaged);
    REQUIRE(problem);
    CAPTURE(problem->detail);
    CHECK(problem->code == Error::malformed);
    CHECK(problem->detail.find(file.string()) != std::string::npos);
    CHECK(problem->detail.find("restore a backup") != std::string::npos);
    CHECK(problem->detail.find("newer") == std::string::npos);
  }
}

TEST_CASE("another program's database is refused and ends nothing") {
  TestFolder folder;
  const auto file = folder.path() / "a.db";
  Database database = open_or_die(file);
  REQUIRE(database.run("CREATE TABLE other(x); PRAGMA user_version=1"));
  REQUIRE(database.migrate(kFirst));
  auto read = database.must_prepare("SELECT name FROM t WHERE id=?");
  const auto row = read.bind(1).step();
  REQUIRE(!row);
  CHECK(row.problem().code == Error::malformed);
  CHECK(row.problem().detail.find(file.string()) != std::string::npos);
}

TEST_CASE("a full disk and a read-only file say what to do") {
  TestFolder folder;
  const auto file = folder.path() / "a.db";
  Database database = open_or_die(file);
  REQUIRE(database.migrate(kFirst));
  REQUIRE(database.limit_pages(1));
  const auto full = database.run("CREATE TABLE more(x)");
  REQUIRE(!full);
  CHECK(full.problem().code == Error::no_space);
  CHECK(full.problem().detail.find(file.string()) != std::string::npos);
  CHECK(full.problem().detail.find("free some space") != std::string::npos);
  REQUIRE(database.run("PRAGMA query_only=ON"));
  const auto refused = database.must_prepare("INSERT INTO t(name) VALUES('a')").run();
  REQUIRE(!refused);
  CHECK(refused.problem().code == Error::io_failed);
  CHECK(refused.problem().detail.find("writable") != std::string::npos);
}

TEST_CASE("a crashed server's newer database is refused and its files are left as they were") {
  TestFolder folder;
  const auto file = folder.path() / "a.db", log = folder.path() / "a.db-wal";
  const auto copy = folder.path() / "copy.db";
  {
    Database database = open_or_die(file);
    REQUIRE(database.migrate(kSecond));
    std::filesystem::copy_file(file, copy);
    std::filesystem::copy_file(log, folder.path() / "copy.db-wal");
  }
  const auto bytes = [](const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  const std::string before = bytes(copy), log_before = bytes(folder.path() / "copy.db-wal");
  REQUIRE(!log_before.empty());
  CHECK(open_or_die(copy).migrate(kFirst).problem().code == Error::unsupported);
  CHECK(bytes(copy) == before);
  CHECK(bytes(folder.path() / "copy.db-wal") == log_before);
  CHECK(open_or_die(copy).migrate(kSecond));
}
