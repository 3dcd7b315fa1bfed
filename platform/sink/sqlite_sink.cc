#include <sqlite3.h>

#include <filesystem>

#include "platform/sink/make.h"
#include "platform/sink/table.h"

namespace tercet::sink {
namespace {

namespace bj = boost::json;
using rule::Sent;

constexpr std::string_view type_name(ColumnType type) {
  constexpr std::string_view kNames[] = {"TEXT", "INTEGER", "REAL", "INTEGER", "TEXT", "TEXT"};
  return kNames[static_cast<std::size_t>(type)];
}

/// A file of SQLite's. Opened, and its table made, with the first batch; closed and opened anew after a failure.
class SqliteSink final : public TableSink {
 public:
  SqliteSink(TableMapping mapping, std::string rule_name, std::string path)
      : TableSink(std::move(mapping), std::move(rule_name)), path_(std::move(path)) {}
  ~SqliteSink() override { close(); }

 private:
  Written write(std::span<const Row> rows) override {
    if (database_ == nullptr)
      if (const Written opened = open(); opened.stop != Sent::Stop::none) return opened;
    if (Written begun = run("BEGIN IMMEDIATE"); begun.stop != Sent::Stop::none) return begun;
    for (const Row& row : rows) {
      for (std::size_t i = 0; i < row.size(); ++i) bind(static_cast<int>(i) + 1, row[i], mapping().columns[i].type);
      const int code = sqlite3_step(insert_);
      sqlite3_reset(insert_);
      if (code == SQLITE_DONE) continue;
      Written failed = problem(code);
      run("ROLLBACK");
      return failed;
    }
    Written done = run("COMMIT");
    if (done.stop != Sent::Stop::none) run("ROLLBACK");
    return done;
  }

  void bind(int at, const bj::value& value, ColumnType type) {
    if (type == ColumnType::time && value.is_number()) {
      boost::system::error_code bad;
      const std::string text = utc_text(value.to_number<std::int64_t>(bad));
      sqlite3_bind_text(insert_, at, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
      return;
    }
    switch (value.kind()) {
      case bj::kind::null:
        sqlite3_bind_null(insert_, at);
        return;
      case bj::kind::bool_:
        sqlite3_bind_int(insert_, at, value.get_bool() ? 1 : 0);
        return;
      case bj::kind::int64:
        sqlite3_bind_int64(insert_, at, value.get_int64());
        return;
      case bj::kind::uint64:
        sqlite3_bind_double(insert_, at, static_cast<double>(value.get_uint64()));
        return;
      case bj::kind::double_:
        sqlite3_bind_double(insert_, at, value.get_double());
        return;
      default: {
        const std::string text =
            value.is_string() && type != ColumnType::json ? std::string(value.get_string()) : json_text(value);
        sqlite3_bind_text(insert_, at, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
      }
    }
  }

  Written open() {
    sqlite3* opened = nullptr;
    const int code = sqlite3_open_v2(path_.c_str(), &opened,
                                     SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
    database_ = opened;
    if (code != SQLITE_OK) return problem(code);
    sqlite3_busy_timeout(database_, 5'000);
    if (Written set = run("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL"); set.stop != Sent::Stop::none)
      return set;
    const std::string table = sql_name(mapping().table, '"');
    std::string names, marks, key, updates;
    for (const Column& column : mapping().columns) {
      names.append(names.empty() ? "" : ", ").append(sql_name(column.name, '"'));
      marks.append(marks.empty() ? "?" : ",?");
    }
    for (const std::string& name : mapping().key) key.append(key.empty() ? "" : ", ").append(sql_name(name, '"'));
    if (mapping().creates) {
      std::string made = "CREATE TABLE IF NOT EXISTS " + table + "(";
      for (std::size_t i = 0; i < mapping().columns.size(); ++i) {
        const Column& column = mapping().columns[i];
        made.append(i == 0 ? "" : ", ").append(sql_name(column.name, '"')).append(" ").append(type_name(column.type));
      }
      if (!key.empty()) made.append(", UNIQUE(").append(key).append(")");
      if (Written created = run((made + ")").c_str()); created.stop != Sent::Stop::none) return created;
    }
    std::string sql = "INSERT INTO " + table + "(" + names + ") VALUES(" + marks + ")";
    if (!key.empty()) {
      for (const Column& column : mapping().columns) {
        const std::string name = sql_name(column.name, '"');
        updates.append(updates.empty() ? "" : ", ").append(name).append("=excluded.").append(name);
      }
      sql.append(" ON CONFLICT(").append(key).append(") DO UPDATE SET ").append(updates);
    }
    const int prepared = sqlite3_prepare_v3(database_, sql.c_str(), -1, SQLITE_PREPARE_PERSISTENT, &insert_, nullptr);
    if (prepared == SQLITE_OK) return {};
    return problem(prepared);
  }

  Written run(const char* sql) {
    const int code = sqlite3_exec(database_, sql, nullptr, nullptr, nullptr);
    if (code == SQLITE_OK) return {};
    return problem(code);
  }

  /// A row that the table's rules refuse is the row's fault; anything else may pass.
  Written problem(int code) {
    const int primary = code & 0xFF;
    Written failed{primary == SQLITE_CONSTRAINT || primary == SQLITE_MISMATCH || primary == SQLITE_TOOBIG
                       ? Sent::Stop::reject
                       : Sent::Stop::retry,
                   path_ + ": " + (database_ != nullptr ? sqlite3_errmsg(database_) : "cannot be opened")};
    const bool is_broken = failed.stop == Sent::Stop::retry && primary != SQLITE_BUSY && primary != SQLITE_LOCKED;
    if (is_broken && insert_ == nullptr) close();
    if (is_broken && insert_ != nullptr) is_stale_ = true;
    if (is_stale_ && sqlite3_get_autocommit(database_) != 0) close();
    return failed;
  }

  void close() {
    is_stale_ = false;
    sqlite3_finalize(insert_);
    insert_ = nullptr;
    sqlite3_close(database_);
    database_ = nullptr;
  }

  std::string path_;
  sqlite3* database_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
  bool is_stale_ = false;
};

}  // namespace

std::unique_ptr<rule::Sink> make_sqlite(const Making& making, Settings& settings) {
  std::string path = settings.text("path");
  TableMapping mapping = TableMapping::read(settings);
  const std::filesystem::path file = making.place(path);
  if (file.empty())
    settings.refuse("path",
                    "is a file's name within the platform's data folder, or an absolute path if the platform's "
                    "configuration allows such ([rules] absolute_paths)");
  if (making.only_checks || !settings.ok()) return nullptr;
  std::error_code bad;
  std::filesystem::create_directories(file.parent_path(), bad);
  return std::make_unique<SqliteSink>(std::move(mapping), making.rule_name, file.string());
}

}  // namespace tercet::sink
