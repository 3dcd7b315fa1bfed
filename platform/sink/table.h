#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "platform/rule/sink.h"
#include "platform/sink/message.h"
#include "platform/sink/settings.h"

namespace tercet::sink {

/// What a column holds, in words that every database has an own type for.
enum class ColumnType : std::uint8_t { text, integer, real, boolean, json, time };

struct Column {
  std::string name;
  ColumnType type = ColumnType::text;
  Template value;
};

/// How records become rows of a table.
struct TableMapping {
  std::string table;             ///< may have a schema in front: "public.readings"
  std::vector<Column> columns;   ///< in the order of the configuration
  std::vector<std::string> key;  ///< a row with the same values of these is written over; empty: none is
  bool creates = false;          ///< makes the table, and the key, when it is not there

  /// Reads table, columns, upsert and create. Without columns: time, product_key, device_name, topic, message_id,
  /// result. Names are letters, digits and _, for they become part of SQL.
  static TableMapping read(Settings& settings);
};

/// Rows of one batch: the values of the columns, in their order.
using Row = std::vector<boost::json::value>;

/// What writing rows has come to.
struct Written {
  rule::Sent::Stop stop = rule::Sent::Stop::none;
  std::string cause;
};

/// A sink that writes rows: a whole batch in one transaction, or none of it. When the batch is refused for what is in
/// it, rows go one by one, until the one that is refused is known.
class TableSink : public rule::Sink {
 public:
  TableSink(TableMapping mapping, std::string rule_name)
      : mapping_(std::move(mapping)), rule_name_(std::move(rule_name)) {}
  rule::Sent send(std::span<const rule::Queued> records, UnixMillis now) final;
  std::size_t max_batch() const override { return 2000; }

 protected:
  const TableMapping& mapping() const { return mapping_; }
  /// Writes these rows, all or none. reject: because of what one of them holds; retry: anything else.
  virtual Written write(std::span<const Row> rows) = 0;

 private:
  TableMapping mapping_;
  std::string rule_name_;
};

/// A name in SQL, with its schema; `quote` is the database's for names.
std::string sql_name(std::string_view name, char quote);

}  // namespace tercet::sink
