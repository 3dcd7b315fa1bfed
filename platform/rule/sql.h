#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/rule/function.h"

namespace tercet::rule {

/// What is wrong with a rule's SQL, for the person who wrote it.
struct SqlProblem {
  std::size_t line = 1, column = 1;  ///< of the first character that does not fit; columns count bytes
  std::string what;                  ///< "unknown function concatt"
  std::string expected;              ///< "a comparison such as ="; "" when that says nothing more
  std::string remedy;                ///< "did you mean concat?"; "" when what is expected says it
  std::string text() const;          ///< all of it in one line
};

/// What a node of a compiled expression is.
enum class Op : std::uint8_t {
  null_value,
  boolean,
  number,
  text,
  path,    ///< a value of the payload
  star,    ///< the whole payload
  call,    ///< of a function; children are its arguments
  negate,  ///< -x
  invert,  ///< NOT x
  add,
  subtract,
  multiply,
  divide,
  modulo,
  equal,
  not_equal,
  less,
  less_equal,
  greater,
  greater_equal,
  all_of,     ///< AND
  any_of,     ///< OR
  in,         ///< children: the value, then the list
  like,       ///< children: the value, the pattern
  between,    ///< children: the value, the lower, the upper bound
  is_null,    ///< child: the value
  when,       ///< searched CASE; children: condition, result, ..., the result of ELSE if there is one
  when_equal  ///< CASE x; children: x, then as above
};

/// One step of a path: a member's name, or an element's position.
struct Step {
  std::string name;
  std::int64_t index = -1;  ///< -1: a name
};

/// A node of an expression. Children and steps are ranges of the Query's own tables.
struct Node {
  Op op = Op::null_value;
  Function function{};       ///< of a call
  bool is_negated = false;   ///< NOT IN, NOT LIKE, NOT BETWEEN, IS NOT NULL; of a boolean: false
  bool in_array = false;     ///< a path with a leading dot: the result in an array
  std::uint32_t first = 0;   ///< of children, of steps (path), of texts (text)
  std::uint32_t count = 0;   ///< of children or steps
  std::uint32_t memory = 0;  ///< which of the device's memories a function with one uses
  double number = 0;
};

/// One expression of SELECT and the name of its value in the result.
struct Item {
  std::uint32_t node = 0;
  std::string name;        ///< alias, else the text of the expression
  bool is_merged = false;  ///< `*`, thingPropertyFlatMap(): its members become members of the result
};

/// A rule's SQL, checked and compiled. Immutable, therefore shared between shards.
class Query {
 public:
  static constexpr std::size_t kMaxText = 16 * 1024;  ///< bytes of SQL
  static constexpr std::size_t kMaxItems = 50;        ///< documented
  static constexpr std::size_t kMaxNodes = 1000;
  static constexpr int kMaxDepth = 40;

  const std::vector<Item>& items() const { return items_; }
  /// Topic filters of FROM, with `/sys` taken away where it stood.
  const std::vector<std::string>& topics() const { return topics_; }
  bool has_condition() const { return condition_ != kNone; }
  bool selects_all() const { return items_.size() == 1 && nodes_[items_[0].node].op == Op::star; }
  /// How many memories (DURATION, HYSTERESIS, windows) each device needs.
  std::uint32_t memories() const { return memories_; }
  /// Whether a message with this topic is one the rule is about.
  bool is_about(std::string_view topic) const;

  const Node& node(std::uint32_t index) const { return nodes_[index]; }
  std::uint32_t condition() const { return condition_; }
  std::uint32_t child(const Node& of, std::uint32_t index) const { return children_[of.first + index]; }
  const Step& step(const Node& of, std::uint32_t index) const { return steps_[of.first + index]; }
  std::string_view text(const Node& of) const { return texts_[of.first]; }

 private:
  friend class SqlParser;
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;
  std::vector<Node> nodes_;
  std::vector<std::uint32_t> children_;
  std::vector<Step> steps_;
  std::vector<std::string> texts_;
  std::vector<Item> items_;
  std::vector<std::string> topics_;
  std::uint32_t condition_ = kNone;
  std::uint32_t memories_ = 0;
};

/// Exactly one of the two is there.
struct Compiled {
  std::shared_ptr<const Query> query;
  std::optional<SqlProblem> problem;
};

/// `SELECT ... FROM "topic" [, "topic"] [WHERE ...]`, as the console shows it. Any thread.
Compiled compile(std::string_view sql);
/// The three parts as the OpenAPI has them; `where` "": every message. Positions of a problem count from the beginning
/// of the part that `part_of` names then ("Select", "Topic", "Where").
Compiled compile_parts(std::string_view select, std::string_view topic, std::string_view where, std::string& part_of);
/// The console's text of the three parts.
std::string sql_of(std::string_view select, std::string_view topic, std::string_view where);

/// A device's topic as applications see it: `/sys/{pk}/...` without its `/sys`, `/shadow/update/{pk}/{dn}` as
/// `/{pk}/{dn}/shadow/update`; others as they are.
std::string application_topic(std::string_view topic);

}  // namespace tercet::rule
