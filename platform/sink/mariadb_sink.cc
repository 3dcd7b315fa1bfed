#include <mysql.h>

#include <atomic>
#include <mutex>

#include "platform/sink/make.h"
#include "platform/sink/table.h"

namespace tercet::sink {
namespace {

namespace bj = boost::json;
using rule::Sent;

struct Server {
  std::string host, database, user, password, ca_file;
  unsigned port = 3306;
  bool needs_tls = false;
};

constexpr std::string_view type_name(ColumnType type, bool is_key) {
  constexpr std::string_view kNames[] = {"TEXT", "BIGINT", "DOUBLE", "BOOLEAN", "JSON", "DATETIME(3)"};
  // An index wants texts of a bounded length.
  return is_key && type == ColumnType::text ? "VARCHAR(255)" : kNames[static_cast<std::size_t>(type)];
}

/// A table of MariaDB's, or of MySQL's. A batch is one transaction of INSERTs of many rows each.
class MariadbSink final : public TableSink {
 public:
  MariadbSink(TableMapping mapping, std::string rule_name, Server server)
      : TableSink(std::move(mapping), std::move(rule_name)), server_(std::move(server)) {
    static std::once_flag once;
    std::call_once(once, [] { mysql_library_init(0, nullptr, nullptr); });
  }
  ~MariadbSink() override { close(); }
  void interrupt() override { is_interrupted_.store(true); }

 private:
  static constexpr std::size_t kMostText = std::size_t{1} << 20;  ///< of one INSERT; a server takes 16 MB and more

  Written write(std::span<const Row> rows) override {
    if (is_interrupted_.load()) return {Sent::Stop::retry, "the platform is stopping"};
    if (connection_ == nullptr)
      if (Written opened = open(); opened.stop != Sent::Stop::none) return opened;
    if (Written begun = run("START TRANSACTION"); begun.stop != Sent::Stop::none) return begun;
    std::string text;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      text.append(text.empty() ? insert_ : ",").append("(");
      for (std::size_t column = 0; column < rows[i].size(); ++column) {
        if (column != 0) text += ',';
        append(text, rows[i][column], mapping().columns[column].type);
      }
      text += ')';
      if (text.size() < kMostText && i + 1 < rows.size()) continue;
      Written written = run(text + update_);
      text.clear();
      if (written.stop == Sent::Stop::none) continue;
      if (connection_ != nullptr) run("ROLLBACK");
      return written;
    }
    return run("COMMIT");
  }

  void append(std::string& text, const bj::value& value, ColumnType type) {
    if (value.is_null()) {
      text += "NULL";
      return;
    }
    boost::system::error_code bad;
    if (value.is_bool() && type != ColumnType::json) {
      text += value.get_bool() ? "1" : "0";
      return;
    }
    std::string plain;
    if (type == ColumnType::time && value.is_number()) {
      plain = utc_text(value.to_number<std::int64_t>(bad));
      plain[10] = ' ';
      plain.pop_back();  // the Z: the session's time zone is UTC
    } else if (value.is_string() && type != ColumnType::json) {
      plain = value.get_string();
    } else {
      plain = json_text(value);
    }
    std::string escaped(plain.size() * 2 + 1, '\0');
    escaped.resize(mysql_real_escape_string(connection_, escaped.data(), plain.data(), plain.size()));
    text.append("'").append(escaped).append("'");
  }

  Written open() {
    connection_ = mysql_init(nullptr);
    const unsigned connect_seconds = 10, answer_seconds = 20;
    mysql_options(connection_, MYSQL_OPT_CONNECT_TIMEOUT, &connect_seconds);
    mysql_options(connection_, MYSQL_OPT_READ_TIMEOUT, &answer_seconds);
    mysql_options(connection_, MYSQL_OPT_WRITE_TIMEOUT, &answer_seconds);
    mysql_options(connection_, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    mysql_options(connection_, MYSQL_INIT_COMMAND, "SET time_zone='+00:00', sql_mode='STRICT_ALL_TABLES'");
    if (server_.needs_tls) {
      const my_bool yes = 1;
      mysql_options(connection_, MYSQL_OPT_SSL_ENFORCE, &yes);
      mysql_options(connection_, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &yes);
      if (!server_.ca_file.empty())
        mysql_ssl_set(connection_, nullptr, nullptr, server_.ca_file.c_str(), nullptr, nullptr);
    }
    if (mysql_real_connect(connection_, server_.host.c_str(), server_.user.c_str(), server_.password.c_str(),
                           server_.database.c_str(), server_.port, nullptr, 0) == nullptr) {
      Written failed{Sent::Stop::retry, mysql_error(connection_)};
      close();
      return failed;
    }
    const std::string table = sql_name(mapping().table, '`');
    std::string names, key;
    update_.clear();
    for (const std::string& name : mapping().key) key.append(key.empty() ? "" : ", ").append(sql_name(name, '`'));
    std::string made = "CREATE TABLE IF NOT EXISTS " + table + "(";
    for (std::size_t i = 0; i < mapping().columns.size(); ++i) {
      const Column& column = mapping().columns[i];
      const std::string name = sql_name(column.name, '`');
      bool is_key = false;
      for (const std::string& one : mapping().key) is_key |= one == column.name;
      names.append(i == 0 ? "" : ", ").append(name);
      made.append(i == 0 ? "" : ", ").append(name).append(" ").append(type_name(column.type, is_key));
      if (!key.empty())
        update_.append(i == 0 ? " ON DUPLICATE KEY UPDATE " : ", ")
            .append(name)
            .append("=VALUES(")
            .append(name)
            .append(")");
    }
    if (!key.empty()) made.append(", UNIQUE(").append(key).append(")");
    insert_ = "INSERT INTO " + table + "(" + names + ") VALUES ";
    if (!mapping().creates) return {};
    Written created = run(made + ") CHARACTER SET utf8mb4");
    if (created.stop == Sent::Stop::none) return created;
    close();
    created.stop = Sent::Stop::retry;
    return created;
  }

  Written run(const std::string& sql) {
    if (mysql_real_query(connection_, sql.data(), sql.size()) == 0) return {};
    const std::string_view state = mysql_sqlstate(connection_);
    const unsigned code = mysql_errno(connection_);
    // A value that does not fit, and rules of the table: the row's fault. (1366 comes with a state of HY000 at times;
    // 4025 is a CHECK.)
    const bool is_row = state.starts_with("22") || state.starts_with("23") || code == 1366 || code == 4025;
    Written failed{is_row ? Sent::Stop::reject : Sent::Stop::retry, mysql_error(connection_)};
    if (!is_row) close();
    return failed;
  }

  void close() {
    if (connection_ != nullptr) mysql_close(connection_);
    connection_ = nullptr;
  }

  Server server_;
  std::string insert_, update_;
  MYSQL* connection_ = nullptr;
  std::atomic<bool> is_interrupted_{false};
};

}  // namespace

std::unique_ptr<rule::Sink> make_mariadb(const Making& making, Settings& settings) {
  Server server;
  server.host = settings.text("host");
  server.port = static_cast<unsigned>(settings.number_or("port", 3306, 1, 65535));
  server.database = settings.text("database");
  server.user = settings.text("user");
  server.password = settings.text_or("password", "");
  server.needs_tls = settings.flag_or("tls", false);
  server.ca_file = settings.text_or("ca_file", "");
  TableMapping mapping = TableMapping::read(settings);
  if (making.only_checks || !settings.ok()) return nullptr;
  return std::make_unique<MariadbSink>(std::move(mapping), making.rule_name, std::move(server));
}

}  // namespace tercet::sink
