#pragma once
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tercet::durability {

inline constexpr std::string_view kProduct = "a1powercuts";

std::string board_name(int board);
/// The thing model of the boards: a climate, a long note, more counters than one chunk of last values holds, an alarm.
std::string board_model();

/// One QoS 1 message of a board's script, and what the platform owes for it.
struct Post {
  std::string topic;
  std::string payload;               ///< its `id` is the post's place in the script
  std::vector<std::string> records;  ///< what it puts into history, one line each, see record_line()
  /// Last values it brings: identifier, time, value.
  struct Value {
    std::string identifier;
    std::int64_t time;
    std::string value;
  };
  std::vector<Value> values;
};

/// The script of a board, always the same: property posts (of one time, of several, late ones), events, batches and
/// history posts. Every value carries its own time, so that a post sent again is the same post.
std::vector<Post> script_of(int board, std::size_t posts);

/// A record of history as a line: kind, time, l(ive) or p(ast), then the fields.
std::string record_line(char kind, std::int64_t time, bool past, const std::vector<std::string_view>& fields);

/// What the platform holds of one board.
struct Held {
  std::multiset<std::string> records;
  std::map<std::string, std::pair<std::int64_t, std::string>> last;  ///< identifier: time and value
  friend bool operator==(const Held&, const Held&) = default;
};

/// What it must hold after the first `count` posts of the script.
Held held_after(const std::vector<Post>& script, std::size_t count);

/// A record or last value that one holds and the other does not, for a person; "" when there is none.
std::string first_difference(const Held& held, const Held& wanted);

}  // namespace tercet::durability
