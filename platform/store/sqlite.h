#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "platform/runtime/problem.h"

struct sqlite3;
struct sqlite3_stmt;

namespace tercet::store {

using runtime::Outcome;
using runtime::Problem;

/// The same problem, its text beginning with the file unless it names it already.
Problem with_file(const Problem& problem, const std::filesystem::path& file);

/// A prepared statement. Bound texts are copied. Parameters and columns count from 0.
class Statement {
 public:
  Statement() = default;
  Statement(Statement&& other) noexcept : raw_(std::exchange(other.raw_, nullptr)), broken_(std::move(other.broken_)) {}
  Statement& operator=(Statement&& other) noexcept {
    std::swap(raw_, other.raw_);
    std::swap(broken_, other.broken_);
    return *this;
  }
  ~Statement();

  /// Binds all parameters in order: whole numbers, bool, double, texts, nullptr, std::optional of those. Starts over.
  template <typename... Values>
  Statement& bind(const Values&... values) {
    reset();
    int at = 0;
    (bind_one(++at, values), ...);
    return *this;
  }
  /// The same for texts whose number is known at run time only.
  Statement& bind_all(std::span<const std::string> values) {
    reset();
    int at = 0;
    for (const std::string& value : values) bind_text(++at, value);
    return *this;
  }
  /// One more row? Problems: already_exists (a unique or primary key is taken), no_space (disk full), malformed (the
  /// file is damaged), io_failed; the last three with the file's name and the remedy.
  Outcome<bool> step();
  /// For statements without rows: steps to the end and resets.
  Outcome<void> run();
  void reset();

  std::int64_t integer(int column) const;
  double real(int column) const;
  std::string text(int column) const;  ///< also blobs
  bool is_null(int column) const;

 private:
  friend class Database;
  explicit Statement(sqlite3_stmt* raw) : raw_(raw) {}
  void bind_integer(int at, std::int64_t value);
  void bind_real(int at, double value);
  void bind_text(int at, std::string_view value);
  void bind_null(int at);
  template <typename V>
  void bind_one(int at, const V& value) {
    if constexpr (std::is_same_v<V, std::nullptr_t>)
      bind_null(at);
    else if constexpr (std::is_convertible_v<V, std::string_view>)
      bind_text(at, value);
    else if constexpr (std::is_floating_point_v<V>)
      bind_real(at, value);
    else if constexpr (std::is_integral_v<V> || std::is_enum_v<V>)
      bind_integer(at, static_cast<std::int64_t>(value));
    else if constexpr (requires { value.has_value(); })
      value ? bind_one(at, *value) : bind_null(at);
    else
      static_assert(sizeof(V) == 0, "no SQLite type for this");
  }
  sqlite3_stmt* raw_ = nullptr;
  std::unique_ptr<const Problem> broken_;  ///< why there is no statement, for whoever steps
};

/// A SQLite database: WAL, synchronous=FULL (or NORMAL), foreign keys on, busy timeout 5 s. One thread.
class Database {
 public:
  enum class Sync : std::uint8_t { full, normal };
  /// Creates the file (0600) when it is not there. ":memory:" for tests. Problems: malformed (damaged, or no database),
  /// no_space, io_failed; each with the file and the remedy.
  static Outcome<Database> open(const std::filesystem::path& file, Sync sync = Sync::full);
  Database(Database&&) noexcept = default;
  Database& operator=(Database&&) noexcept = default;

  /// Applies those steps that the file has not seen yet, each in a transaction of its own; user_version counts them.
  /// Problems: unsupported (the file was written by a newer version), else as open().
  Outcome<void> migrate(std::span<const std::string_view> steps);
  Outcome<int> version();

  Outcome<Statement> prepare(std::string_view sql);
  /// For our own fixed texts, which must compile: a statement that does not is our mistake and ends the process. On
  /// a damaged file the problem comes from the statement's step().
  Statement must_prepare(std::string_view sql);
  Outcome<void> run(std::string_view sql);
  std::int64_t last_row() const;
  std::int64_t changes() const;
  /// The pages a file may have, for tests of a full disk.
  Outcome<void> limit_pages(std::int64_t pages);

  /// Rolled back unless committed.
  class Transaction {
   public:
    Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
    ~Transaction();
    Outcome<void> commit();

   private:
    friend class Database;
    explicit Transaction(Database& database) : database_(&database) {}
    Database* database_;
  };
  Outcome<Transaction> begin();

 private:
  struct Close {
    void operator()(sqlite3* raw) const;
  };
  explicit Database(sqlite3* raw) : raw_(raw) {}
  std::unique_ptr<sqlite3, Close> raw_;
};

}  // namespace tercet::store
