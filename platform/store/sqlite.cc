#include "platform/store/sqlite.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "tercet/base/check.h"

namespace tercet::store {
namespace {

std::string file_of(sqlite3* raw) {
  const char* name = raw != nullptr ? sqlite3_db_filename(raw, "main") : nullptr;
  return name != nullptr && *name != 0 ? name : "in memory";
}

constexpr std::string_view kMakeRoom = "; free some space on the disk";
constexpr std::string_view kMakeWritable = "; make the file and its folder writable for this user";

Problem file_problem(int system_error, std::string detail) {
  if (system_error == ENOSPC || system_error == EDQUOT) return {Error::no_space, detail.append(kMakeRoom)};
  if (system_error == EACCES || system_error == EPERM || system_error == EROFS) detail.append(kMakeWritable);
  return {Error::io_failed, std::move(detail)};
}

Problem damaged(std::string detail) { return {Error::malformed, detail + "; the file is damaged: restore a backup"}; }

/// What SQLite could not do with a file, and what a person can.
Problem problem(sqlite3* raw, int code, std::string_view doing) {
  std::string detail(doing);
  detail.append(" ")
      .append(file_of(raw))
      .append(": ")
      .append(raw != nullptr ? sqlite3_errmsg(raw) : sqlite3_errstr(code));
  switch (code & 0xff) {
    case SQLITE_CONSTRAINT: {
      const int extended = raw != nullptr ? sqlite3_extended_errcode(raw) : code;
      const bool taken = extended == SQLITE_CONSTRAINT_UNIQUE || extended == SQLITE_CONSTRAINT_PRIMARYKEY;
      return {taken ? Error::already_exists : Error::bad_argument, std::move(detail)};
    }
    case SQLITE_FULL:
      return {Error::no_space, detail.append(kMakeRoom)};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return damaged(std::move(detail));
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return {Error::io_failed, detail.append(kMakeWritable)};
    default:
      return file_problem(raw != nullptr ? sqlite3_system_errno(raw) : 0, std::move(detail));
  }
}

/// Our own fixed texts compile on our own schema: another one is another program's file, or half of one.
bool is_foreign_schema(sqlite3* raw, int code) {
  const std::string_view said = sqlite3_errmsg(raw);
  return code == SQLITE_ERROR && (said.starts_with("no such table") || said.starts_with("no such column") ||
                                  said.find(" has no column named ") != std::string_view::npos);
}

}  // namespace

Problem with_file(const Problem& problem, const std::filesystem::path& file) {
  if (problem.detail.find(file.string()) != std::string::npos) return problem;
  return {problem.code, file.string() + ": " + problem.detail};
}

Statement::~Statement() { sqlite3_finalize(raw_); }

void Statement::reset() {
  if (raw_ == nullptr) return;
  sqlite3_reset(raw_);
  sqlite3_clear_bindings(raw_);
}

Outcome<bool> Statement::step() {
  if (broken_) return *broken_;
  const int code = sqlite3_step(raw_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  Problem found = problem(sqlite3_db_handle(raw_), code, "database");
  sqlite3_reset(raw_);
  return found;
}

Outcome<void> Statement::run() {
  for (;;) {
    const auto row = step();
    if (!row) return row.problem();
    if (!*row) break;
  }
  reset();
  return {};
}

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(raw_, column); }
double Statement::real(int column) const { return sqlite3_column_double(raw_, column); }
bool Statement::is_null(int column) const { return sqlite3_column_type(raw_, column) == SQLITE_NULL; }

std::string Statement::text(int column) const {
  const void* bytes = sqlite3_column_blob(raw_, column);
  if (bytes == nullptr) return {};
  return {static_cast<const char*>(bytes), static_cast<std::size_t>(sqlite3_column_bytes(raw_, column))};
}

void Statement::bind_integer(int at, std::int64_t value) {
  TERCET_CHECK(broken_ || sqlite3_bind_int64(raw_, at, value) == SQLITE_OK);
}
void Statement::bind_real(int at, double value) {
  TERCET_CHECK(broken_ || sqlite3_bind_double(raw_, at, value) == SQLITE_OK);
}
void Statement::bind_null(int at) { TERCET_CHECK(broken_ || sqlite3_bind_null(raw_, at) == SQLITE_OK); }
void Statement::bind_text(int at, std::string_view value) {
  const char* bytes = value.data() != nullptr ? value.data() : "";
  TERCET_CHECK(broken_ ||
               sqlite3_bind_text64(raw_, at, bytes, value.size(), SQLITE_TRANSIENT, SQLITE_UTF8) == SQLITE_OK);
}

void Database::Close::operator()(sqlite3* raw) const { sqlite3_close_v2(raw); }

Outcome<Database> Database::open(const std::filesystem::path& file, Sync sync) {
  const std::string name = file.string();
  if (name != ":memory:") {  // SQLite would make it readable for everyone
    const int made = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (made < 0) return file_problem(errno, "cannot open " + name + ": " + std::strerror(errno));
    ::close(made);
  }
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(name.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  Database database(raw);
  if (code != SQLITE_OK) return problem(raw, code, "cannot open");
  sqlite3_extended_result_codes(raw, 1);
  // A data directory that is refused is left as it was: until something is written here, closing must not write a
  // crashed server's log into the file.
  std::error_code none;
  if (std::filesystem::exists(name + "-wal", none))
    sqlite3_db_config(raw, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, static_cast<int*>(nullptr));
  sqlite3_busy_timeout(raw, 5000);
  const std::string_view settings = sync == Sync::full
                                        ? "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON"
                                        : "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON";
  if (auto set = database.run(settings); !set) return set.problem();
  return database;
}

Outcome<int> Database::version() {
  auto read = must_prepare("PRAGMA user_version");
  const auto row = read.step();
  if (!row) return row.problem();
  return *row ? static_cast<int>(read.integer(0)) : 0;
}

Outcome<void> Database::migrate(std::span<const std::string_view> steps) {
  const auto known = static_cast<int>(steps.size());
  const auto found = version();
  if (!found) return found.problem();
  int at = *found;
  if (at > known)
    return Problem{Error::unsupported, "the database " + file_of(raw_.get()) + " has version " + std::to_string(at) +
                                           ", this program knows " + std::to_string(known) +
                                           ": it was written by a newer tercet; use that one, or restore a backup"};
  if (at < 0) return damaged("the database " + file_of(raw_.get()) + " has version " + std::to_string(at));
  for (; at < known; ++at) {
    auto transaction = begin();
    if (!transaction) return transaction.problem();
    if (auto done = run(steps[static_cast<std::size_t>(at)]); !done) return done.problem();
    if (auto done = run("PRAGMA user_version=" + std::to_string(at + 1)); !done) return done.problem();
    if (auto done = transaction->commit(); !done) return done.problem();
  }
  return {};
}

Outcome<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* raw = nullptr;
  const int code = sqlite3_prepare_v3(raw_.get(), sql.data(), static_cast<int>(sql.size()), 0, &raw, nullptr);
  if (code != SQLITE_OK) return problem(raw_.get(), code, "cannot read");
  return Statement(raw);
}

Statement Database::must_prepare(std::string_view sql) {
  auto made = prepare(sql);
  if (made) return std::move(*made);
  const int code = sqlite3_errcode(raw_.get()) & 0xff;
  const bool foreign = is_foreign_schema(raw_.get(), code);
  TERCET_CHECK(foreign || (code != SQLITE_ERROR && code != SQLITE_MISUSE));
  Statement broken;
  broken.broken_ = std::make_unique<const Problem>(foreign ? damaged(made.problem().detail) : made.problem());
  return broken;
}

Outcome<void> Database::run(std::string_view sql) {
  const std::string text(sql);
  const int code = sqlite3_exec(raw_.get(), text.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return problem(raw_.get(), code, "database");
  return {};
}

std::int64_t Database::last_row() const { return sqlite3_last_insert_rowid(raw_.get()); }
std::int64_t Database::changes() const { return sqlite3_changes64(raw_.get()); }

Outcome<void> Database::limit_pages(std::int64_t pages) {
  return run("PRAGMA max_page_count=" + std::to_string(pages));
}

Outcome<Database::Transaction> Database::begin() {
  if (auto begun = run("BEGIN IMMEDIATE"); !begun) return begun.problem();
  sqlite3_db_config(raw_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, static_cast<int*>(nullptr));
  return Transaction(*this);
}

Outcome<void> Database::Transaction::commit() {
  Database& database = *std::exchange(database_, nullptr);
  auto done = database.run("COMMIT");
  if (!done) static_cast<void>(database.run("ROLLBACK"));
  return done;
}

Database::Transaction::~Transaction() {
  if (database_ != nullptr) static_cast<void>(database_->run("ROLLBACK"));
}

}  // namespace tercet::store
