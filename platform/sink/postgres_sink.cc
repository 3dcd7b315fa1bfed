#include <libpq-fe.h>

#include <atomic>

#include "platform/sink/make.h"
#include "platform/sink/table.h"

namespace tercet::sink {
namespace {

namespace bj = boost::json;
using rule::Sent;

constexpr std::string_view type_name(ColumnType type) {
  constexpr std::string_view kNames[] = {"text", "bigint", "double precision", "boolean", "jsonb", "timestamptz"};
  return kNames[static_cast<std::size_t>(type)];
}

/// Text of an array's element, in PostgreSQL's form: `{"a","b",NULL}`.
void append_element(std::string& array, const bj::value& value, ColumnType type) {
  if (array.size() > 1) array += ',';
  if (value.is_null()) {
    array += "NULL";
    return;
  }
  std::string text;
  boost::system::error_code bad;
  if (type == ColumnType::time && value.is_number())
    text = utc_text(value.to_number<std::int64_t>(bad));
  else if (value.is_string() && type != ColumnType::json)
    text = value.get_string();
  else
    text = json_text(value);
  array += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') array += '\\';
    array += c;
  }
  array += '"';
}

/// A table of PostgreSQL's. A batch is one INSERT from arrays, one per column, whatever its size.
class PostgresSink final : public TableSink {
 public:
  PostgresSink(TableMapping mapping, std::string rule_name, std::string connection)
      : TableSink(std::move(mapping), std::move(rule_name)), connection_text_(std::move(connection)) {}
  ~PostgresSink() override { close(); }
  void interrupt() override { is_interrupted_.store(true); }

 private:
  Written write(std::span<const Row> rows) override {
    if (is_interrupted_.load()) return {Sent::Stop::retry, "the platform is stopping"};
    if (connection_ == nullptr)
      if (Written opened = open(); opened.stop != Sent::Stop::none) return opened;
    const std::size_t columns = mapping().columns.size();
    std::vector<std::string> arrays(columns, "{");
    for (const Row& row : rows)
      for (std::size_t i = 0; i < columns; ++i) append_element(arrays[i], row[i], mapping().columns[i].type);
    std::vector<const char*> values;
    for (std::string& array : arrays) {
      array += '}';
      if (array.find('\0') != std::string::npos) return {Sent::Stop::reject, "PostgreSQL keeps no NUL characters"};
      values.push_back(array.c_str());
    }
    return judge(PQexecParams(connection_, insert_.c_str(), static_cast<int>(columns), nullptr, values.data(), nullptr,
                              nullptr, 0));
  }

  Written open() {
    connection_ = PQconnectdb(connection_text_.c_str());
    if (PQstatus(connection_) != CONNECTION_OK) {
      Written failed{Sent::Stop::retry, first_line(PQerrorMessage(connection_))};
      close();
      return failed;
    }
    PQsetNoticeProcessor(
        connection_, [](void*, const char*) {}, nullptr);
    const std::string table = sql_name(mapping().table, '"');
    std::string names, arrays, key, updates;
    for (std::size_t i = 0; i < mapping().columns.size(); ++i) {
      const Column& column = mapping().columns[i];
      const std::string name = sql_name(column.name, '"');
      names.append(i == 0 ? "" : ", ").append(name);
      // Through text, so that the column's own type decides what it takes.
      arrays.append(i == 0 ? "$" : ", $").append(std::to_string(i + 1)).append("::text[]");
      updates.append(i == 0 ? "" : ", ").append(name).append("=excluded.").append(name);
    }
    for (const std::string& name : mapping().key) key.append(key.empty() ? "" : ", ").append(sql_name(name, '"'));
    if (mapping().creates) {
      std::string made = "CREATE TABLE IF NOT EXISTS " + table + "(";
      for (std::size_t i = 0; i < mapping().columns.size(); ++i)
        made.append(i == 0 ? "" : ", ")
            .append(sql_name(mapping().columns[i].name, '"'))
            .append(" ")
            .append(type_name(mapping().columns[i].type));
      if (!key.empty()) made.append(", UNIQUE(").append(key).append(")");
      Written created = judge(PQexec(connection_, (made + ")").c_str()));
      if (created.stop != Sent::Stop::none) return give_up(std::move(created));
    }
    // The types of the columns, asked of the server: an array of texts is cast to what each is.
    std::string casts;
    PGresult* asked = PQexec(connection_, ("SELECT " + names + " FROM " + table + " LIMIT 0").c_str());
    if (PQresultStatus(asked) != PGRES_TUPLES_OK) return give_up(judge(asked));
    std::vector<std::string> types;
    for (int i = 0; i < PQnfields(asked); ++i) types.push_back(std::to_string(PQftype(asked, i)));
    PQclear(asked);
    std::string unnested;
    for (std::size_t i = 0; i < types.size(); ++i) {
      PGresult* named = PQexec(connection_, ("SELECT format_type(" + types[i] + ", NULL)").c_str());
      const bool is_known = PQresultStatus(named) == PGRES_TUPLES_OK && PQntuples(named) == 1;
      const std::string type = is_known ? PQgetvalue(named, 0, 0) : "text";
      PQclear(named);
      casts.append(i == 0 ? "" : ", ").append("c").append(std::to_string(i)).append("::").append(type);
      unnested.append(i == 0 ? "c" : ", c").append(std::to_string(i));
    }
    insert_ = "INSERT INTO " + table + "(" + names + ") SELECT " + casts + " FROM unnest(" + arrays + ") AS rows(" +
              unnested + ")";
    if (!key.empty()) {
      // Of rows with one key in the same batch the last one counts: an upsert may not touch a row twice.
      std::string keys;
      for (const std::string& name : mapping().key)
        for (std::size_t i = 0; i < mapping().columns.size(); ++i)
          if (mapping().columns[i].name == name) keys.append(keys.empty() ? "c" : ", c").append(std::to_string(i));
      insert_ = "INSERT INTO " + table + "(" + names + ") SELECT DISTINCT ON (" + keys + ") " + casts +
                " FROM unnest(" + arrays + ") WITH ORDINALITY AS rows(" + unnested + ", n) ORDER BY " + keys +
                ", n DESC ON CONFLICT(" + key + ") DO UPDATE SET " + updates;
    }
    return {};
  }

  Written give_up(Written failed) {
    close();
    failed.stop = Sent::Stop::retry;  // the table, not a row
    return failed;
  }

  /// Data that does not fit, and rules of the table (SQLSTATE classes 22 and 23): the row's fault.
  Written judge(PGresult* result) {
    const ExecStatusType status = PQresultStatus(result);
    Written made;
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
      const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
      const std::string_view code = state == nullptr ? "" : state;
      made = {code.starts_with("22") || code.starts_with("23") ? Sent::Stop::reject : Sent::Stop::retry,
              first_line(PQresultErrorMessage(result))};
      if (made.cause.empty()) made.cause = first_line(PQerrorMessage(connection_));
    }
    PQclear(result);
    if (PQstatus(connection_) != CONNECTION_OK || made.stop == Sent::Stop::retry) close();
    return made;
  }

  static std::string first_line(const char* text) {
    const std::string_view all = text == nullptr ? "" : text;
    return std::string(all.substr(0, std::min(all.find('\n'), std::size_t{300})));
  }

  void close() {
    if (connection_ != nullptr) PQfinish(connection_);
    connection_ = nullptr;
  }

  std::string connection_text_, insert_;
  PGconn* connection_ = nullptr;
  std::atomic<bool> is_interrupted_{false};
};

/// A value in a connection string of libpq's.
std::string escaped(std::string_view value) {
  std::string out = "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

}  // namespace

std::unique_ptr<rule::Sink> make_postgres(const Making& making, Settings& settings) {
  std::string connection;
  const auto add = [&connection](std::string_view name, const std::string& value) {
    if (!value.empty()) connection.append(name).append("=").append(escaped(value)).append(" ");
  };
  add("host", settings.text("host"));
  add("port", std::to_string(settings.number_or("port", 5432, 1, 65535)));
  add("dbname", settings.text("database"));
  add("user", settings.text("user"));
  add("password", settings.text_or("password", ""));
  add("sslmode", settings.choice("tls", {"disable", "prefer", "require", "verify-ca", "verify-full"}, "prefer"));
  add("sslrootcert", settings.text_or("ca_file", ""));
  // A server that does not answer is not waited for longer than this.
  connection +=
      "connect_timeout=10 application_name=tercet tcp_user_timeout=20000 options='-c statement_timeout=20000'";
  TableMapping mapping = TableMapping::read(settings);
  if (making.only_checks || !settings.ok()) return nullptr;
  return std::make_unique<PostgresSink>(std::move(mapping), making.rule_name, std::move(connection));
}

}  // namespace tercet::sink
