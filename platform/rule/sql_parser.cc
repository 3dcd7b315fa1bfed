#include "platform/rule/sql_parser.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "tercet/mqtt/topic.h"

namespace tercet::rule {
namespace {

using Kind = Token::Kind;

constexpr std::array<std::string_view, 21> kWords{"SELECT",  "FROM", "WHERE", "AS",   "AND",   "OR",    "NOT",
                                                  "IN",      "LIKE", "CASE",  "WHEN", "THEN",  "ELSE",  "END",
                                                  "BETWEEN", "IS",   "NULL",  "TRUE", "FALSE", "GROUP", "ORDER"};

bool is_reserved(const Token& token) {
  return std::any_of(kWords.begin(), kWords.end(), [&](std::string_view word) { return token.is_word(word); });
}

struct Comparison {
  std::string_view symbol;
  Op op;
};
constexpr std::array<Comparison, 7> kComparisons{{{"=", Op::equal},
                                                  {"<>", Op::not_equal},
                                                  {"!=", Op::not_equal},
                                                  {"<", Op::less},
                                                  {"<=", Op::less_equal},
                                                  {">", Op::greater},
                                                  {">=", Op::greater_equal}}};

/// "a.b[2].c" as steps; nothing when it is no path.
std::optional<std::vector<Step>> steps_of(std::string_view path) {
  std::vector<Step> steps;
  if (path.starts_with("$.")) path.remove_prefix(2);
  bool wants_name = true;
  while (!path.empty()) {
    if (path.front() == '[') {
      const std::size_t close = path.find(']');
      std::int64_t index = -1;
      if (close == std::string_view::npos || close < 2) return std::nullopt;
      const auto [end, bad] = std::from_chars(path.data() + 1, path.data() + close, index);
      if (bad != std::errc{} || end != path.data() + close || index < 0) return std::nullopt;
      steps.push_back({{}, index});
      path.remove_prefix(close + 1);
      wants_name = false;
      continue;
    }
    if (!wants_name) {
      if (path.front() != '.') return std::nullopt;
      path.remove_prefix(1);
    }
    const std::size_t size = std::min(path.find_first_of(".["), path.size());
    if (size == 0) return std::nullopt;
    steps.push_back({std::string(path.substr(0, size)), -1});
    path.remove_prefix(size);
    wants_name = false;
  }
  if (steps.empty() || steps.size() > 32) return std::nullopt;
  return steps;
}

}  // namespace

std::string SqlProblem::text() const {
  std::string text = "line " + std::to_string(line) + ", column " + std::to_string(column) + ": " + what;
  if (!expected.empty()) text += "; expected " + expected;
  if (!remedy.empty()) text += "; " + remedy;
  return text;
}

std::string application_topic(std::string_view topic) {
  constexpr std::string_view kShadow = "/shadow/update";
  if (topic.starts_with("/sys/")) return std::string(topic.substr(4));
  if (!topic.starts_with(kShadow) || topic.size() == kShadow.size() || topic[kShadow.size()] != '/')
    return std::string(topic);
  return std::string(topic.substr(kShadow.size())).append(kShadow);
}

// --- small things ---

bool SqlParser::fail_at(std::size_t at, std::string what, std::string expected, std::string remedy) {
  if (!problem_.what.empty()) return false;  // the first one counts
  const Position position = position_of(lexer_.sql(), at);
  problem_ = {position.line, position.column, std::move(what), std::move(expected), std::move(remedy)};
  return false;
}
bool SqlParser::fail(std::string what, std::string expected, std::string remedy) {
  return fail_at(token_.at, std::move(what), std::move(expected), std::move(remedy));
}

std::string SqlParser::shown() const {
  if (token_.kind == Kind::end) return "the end";
  return std::string(token_.text.substr(0, 40));
}

bool SqlParser::unexpected(std::string expected, std::string remedy) {
  if (token_.kind == Kind::bad && (token_.text == "'" || token_.text == "\""))
    return fail("the quote " + std::string(token_.text) + " is not closed", {}, "close it with another one");
  if (token_.kind == Kind::bad && token_.text == ";")
    return fail("found ;", {}, "leave it out: a rule is one statement");
  return fail("found " + shown(), std::move(expected), std::move(remedy));
}

bool SqlParser::take(std::string_view symbol) {
  if (!token_.is(symbol)) return false;
  advance();
  return true;
}
bool SqlParser::take_word(std::string_view word) {
  if (!token_.is_word(word)) return false;
  advance();
  return true;
}

SqlParser::Index SqlParser::add(Node node) {
  if (query_.nodes_.size() >= Query::kMaxNodes) return failed(fail("the statement is too long", {}, "split the rule"));
  query_.nodes_.push_back(node);
  return static_cast<Index>(query_.nodes_.size() - 1);
}

SqlParser::Index SqlParser::finish_list(Node node, const std::vector<Index>& children) {
  for (const Index child : children)
    if (child == kFailed) return kFailed;
  node.first = static_cast<std::uint32_t>(query_.children_.size());
  node.count = static_cast<std::uint32_t>(children.size());
  query_.children_.insert(query_.children_.end(), children.begin(), children.end());
  return add(node);
}

SqlParser::Index SqlParser::add(Op op, std::initializer_list<Index> children) {
  Node node;
  node.op = op;
  return finish_list(node, children);
}

// --- statement ---

bool SqlParser::parse_all() {
  if (lexer_.sql().size() > Query::kMaxText) return fail_at(0, "more than 16 KB of SQL", {}, "split the rule");
  if (!take_word("SELECT")) return unexpected("SELECT");
  if (!items()) return false;
  if (!take_word("FROM")) return unexpected("FROM or a comma");
  if (!topics()) return false;
  if (take_word("WHERE")) {
    query_.condition_ = expression();
    if (query_.condition_ == kFailed) return false;
  }
  if (token_.is_word("GROUP") || token_.is_word("ORDER"))
    return fail(shown() + " is not offered", {}, "rules look at one message at a time; see WINDOW_AVG and its like");
  if (token_.kind != Kind::end)
    return unexpected(query_.has_condition() ? "AND, OR or the end" : "WHERE, a comma or the end");
  return true;
}

bool SqlParser::parse_items() {
  if (lexer_.sql().size() > Query::kMaxText) return fail_at(0, "more than 16 KB of SQL", {}, "split the rule");
  if (!items()) return false;
  return token_.kind == Kind::end || unexpected("a comma, AS or the end");
}

bool SqlParser::parse_where() {
  if (lexer_.sql().size() > Query::kMaxText) return fail_at(0, "more than 16 KB of SQL", {}, "split the rule");
  query_.condition_ = expression();
  if (query_.condition_ == kFailed) return false;
  return token_.kind == Kind::end || unexpected("AND, OR or the end");
}

bool SqlParser::items() {
  do {
    if (query_.items_.size() >= Query::kMaxItems) return fail("more than 50 items", {}, "use * or split the rule");
    const std::size_t from = token_.at;
    Item item;
    if (token_.is("*")) {
      advance();
      Node node;
      node.op = Op::star;
      item.node = add(node);
      item.is_merged = true;
    } else {
      item.node = expression();
    }
    if (item.node == kFailed) return false;
    const Node& node = query_.nodes_[item.node];
    if (node.op == Op::call && node.function == Function::flat_map) item.is_merged = true;
    std::string_view text = lexer_.sql().substr(from, token_.at - from);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\n' || text.back() == '\t' || text.back() == '\r'))
      text.remove_suffix(1);
    if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
    if (node.op == Op::path && text.starts_with("$.")) text.remove_prefix(2);
    item.name = text;
    if (take_word("AS")) {
      if (token_.kind != Kind::name && token_.kind != Kind::quoted && token_.kind != Kind::text)
        return unexpected("a name");
      item.name = token_.kind == Kind::name ? std::string(token_.text) : token_.value;
      if (item.name.empty()) return fail("an empty name", "a name");
      advance();
    }
    query_.items_.push_back(std::move(item));
  } while (take(","));
  return true;
}

bool SqlParser::topic(std::string_view topic) {
  if (topic.empty() || topic.front() != '/')
    return fail("no topic: " + std::string(topic), {}, "a topic begins with a slash: /{productKey}/+/user/update");
  if (!mqtt::is_valid_filter(topic))
    return fail("no topic: " + std::string(topic), {},
                "+ stands for a whole level, # only at the end: /{productKey}/+/user/#");
  query_.topics_.push_back(application_topic(topic));
  return true;
}

bool SqlParser::topics() {
  do {
    if (token_.kind != Kind::quoted)
      return unexpected("a topic in double quotes", token_.kind == Kind::text ? "write it in double quotes" : "");
    if (!topic(token_.value)) return false;
    advance();
  } while (take(","));
  return true;
}

// --- expressions ---

SqlParser::Index SqlParser::expression() {
  if (++depth_ > Query::kMaxDepth) return failed(fail("nested too deep", {}, "split the rule"));
  Index left = conjunction();
  while (left != kFailed && take_word("OR")) left = add(Op::any_of, {left, conjunction()});
  --depth_;
  return left;
}

SqlParser::Index SqlParser::conjunction() {
  Index left = inversion();
  while (left != kFailed && take_word("AND")) left = add(Op::all_of, {left, inversion()});
  return left;
}

SqlParser::Index SqlParser::inversion() {
  if (!take_word("NOT")) return comparison();
  if (++depth_ > Query::kMaxDepth) return failed(fail("nested too deep", {}, "split the rule"));
  const Index inner = inversion();
  --depth_;
  return add(Op::invert, {inner});
}

SqlParser::Index SqlParser::in_list(Index value, bool is_negated) {
  if (!take("(")) return failed(unexpected("( and a list of constants"));
  std::vector<Index> children{value};
  do {
    if (token_.is_word("SELECT")) return failed(fail("subqueries are not offered", "constants"));
    const std::size_t at = token_.at;
    const Index one = factor();
    if (one == kFailed) return kFailed;
    const Op op = query_.nodes_[one].op;
    const bool is_constant = op == Op::number || op == Op::text || op == Op::boolean || op == Op::null_value ||
                             (op == Op::negate && query_.nodes_[query_.child(query_.nodes_[one], 0)].op == Op::number);
    if (!is_constant)
      return failed(fail_at(at, "the list of IN holds something that is no constant", "numbers and 'texts'"));
    children.push_back(one);
  } while (take(","));
  if (!take(")")) return failed(unexpected("a comma or )"));
  Node node;
  node.op = Op::in;
  node.is_negated = is_negated;
  return finish_list(node, children);
}

SqlParser::Index SqlParser::comparison() {
  Index left = sum();
  while (left != kFailed) {
    if (token_.kind == Kind::symbol) {
      const auto found = std::find_if(kComparisons.begin(), kComparisons.end(),
                                      [&](const Comparison& each) { return token_.text == each.symbol; });
      if (found == kComparisons.end()) return left;
      advance();
      if (token_.is("=")) return failed(unexpected("a value", "equality is one ="));
      left = add(found->op, {left, sum()});
      continue;
    }
    if (token_.is_word("IS")) {
      advance();
      Node node;
      node.op = Op::is_null;
      node.is_negated = take_word("NOT");
      if (!take_word("NULL")) return failed(unexpected("NULL"));
      left = finish_list(node, {left});
      continue;
    }
    const std::size_t at = token_.at;
    const bool is_negated = take_word("NOT");
    if (take_word("IN")) {
      left = in_list(left, is_negated);
    } else if (take_word("LIKE")) {
      Node node;
      node.op = Op::like;
      node.is_negated = is_negated;
      left = finish_list(node, {left, sum()});
    } else if (take_word("BETWEEN")) {
      Node node;
      node.op = Op::between;
      node.is_negated = is_negated;
      const Index low = sum();
      if (low == kFailed) return kFailed;
      if (!take_word("AND")) return failed(unexpected("AND and the upper bound"));
      left = finish_list(node, {left, low, sum()});
    } else {
      if (is_negated) return failed(fail_at(at, "found NOT behind a value", "IN, LIKE or BETWEEN after NOT"));
      return left;
    }
  }
  return left;
}

SqlParser::Index SqlParser::sum() {
  Index left = product();
  while (left != kFailed && (token_.is("+") || token_.is("-"))) {
    const Op op = token_.is("+") ? Op::add : Op::subtract;
    advance();
    left = add(op, {left, product()});
  }
  return left;
}

SqlParser::Index SqlParser::product() {
  Index left = factor();
  while (left != kFailed && (token_.is("*") || token_.is("/") || token_.is("%"))) {
    const Op op = token_.is("*") ? Op::multiply : token_.is("/") ? Op::divide : Op::modulo;
    advance();
    left = add(op, {left, factor()});
  }
  return left;
}

SqlParser::Index SqlParser::factor() {
  if (token_.is("-") || token_.is("+")) {
    if (++depth_ > Query::kMaxDepth) return failed(fail("nested too deep", {}, "split the rule"));
    const bool is_minus = token_.is("-");
    advance();
    const Index inner = factor();
    --depth_;
    return is_minus ? add(Op::negate, {inner}) : inner;
  }
  return primary();
}

SqlParser::Index SqlParser::primary() {
  Node node;
  switch (token_.kind) {
    case Kind::number:
      node.op = Op::number;
      node.number = token_.number;
      advance();
      return add(node);
    case Kind::text:
      node.op = Op::text;
      node.first = static_cast<std::uint32_t>(query_.texts_.size());
      query_.texts_.push_back(token_.value);
      advance();
      return add(node);
    case Kind::quoted:
      return quoted_path();
    case Kind::symbol: {
      if (!take("(")) return failed(unexpected("a value", token_.is(".") ? "write such a path in double quotes" : ""));
      if (token_.is_word("SELECT")) return failed(fail("subqueries are not offered", "a value"));
      const Index inner = expression();
      if (inner == kFailed) return kFailed;
      if (!take(")")) return failed(unexpected(")"));
      return inner;
    }
    case Kind::name:
      break;
    default:
      return failed(unexpected("a value"));
  }
  if (take_word("CASE")) return case_of();
  if (token_.is_word("TRUE") || token_.is_word("FALSE")) {
    node.op = Op::boolean;
    node.is_negated = token_.is_word("FALSE");
    advance();
    return add(node);
  }
  if (take_word("NULL")) return add(node);
  if (is_reserved(token_)) return failed(unexpected("a value", "a member of that name goes into double quotes"));
  return bare_path();
}

/// A bare word: a function when ( follows, else a path.
SqlParser::Index SqlParser::bare_path() {
  const std::string_view name = token_.text;
  const std::size_t at = token_.at;
  std::size_t end = at + name.size();
  advance();
  if (token_.is("(")) return call(name, at);
  while ((token_.is(".") || token_.is("[")) && token_.at == end) {
    const bool is_member = token_.is(".");
    advance();
    if (token_.at != end + 1) return failed(unexpected(is_member ? "a name" : "a position"));
    if (is_member ? token_.kind != Kind::name && token_.kind != Kind::number : token_.kind != Kind::number)
      return failed(unexpected(is_member ? "a name" : "a position"));
    end = token_.at + token_.text.size();
    advance();
    if (is_member) continue;
    if (!token_.is("]")) return failed(unexpected("]"));
    end = token_.at + 1;
    advance();
  }
  auto steps = steps_of(lexer_.sql().substr(at, end - at));
  if (!steps) return failed(fail_at(at, "no path", "names and positions such as a.b or \"a[0].b\""));
  Node node;
  node.op = Op::path;
  node.first = static_cast<std::uint32_t>(query_.steps_.size());
  node.count = static_cast<std::uint32_t>(steps->size());
  std::move(steps->begin(), steps->end(), std::back_inserter(query_.steps_));
  return add(node);
}

SqlParser::Index SqlParser::quoted_path() {
  std::string_view path = token_.value;
  Node node;
  node.op = Op::path;
  node.in_array = path.starts_with('.');
  if (node.in_array) path.remove_prefix(1);
  auto steps = steps_of(path);
  if (!steps)
    return failed(fail("no path in the quotes: " + token_.value, "names and positions such as a.b or a[0].b",
                       "constant text goes into single quotes"));
  node.first = static_cast<std::uint32_t>(query_.steps_.size());
  node.count = static_cast<std::uint32_t>(steps->size());
  std::move(steps->begin(), steps->end(), std::back_inserter(query_.steps_));
  advance();
  return add(node);
}

SqlParser::Index SqlParser::call(std::string_view name, std::size_t at) {
  const auto spec = find_function(name);
  if (!spec) {
    const std::string_view near = nearest_function(name);
    return failed(fail_at(at, "there is no function " + std::string(name.substr(0, 40)), {},
                          near.empty()
                              ? "the list is in docs/rules.md"
                              : "did you mean " + std::string(near) + "? " + std::string(near) + " is called as " +
                                    std::string(spec_of(find_function(near)->function).usage)));
  }
  advance();  // (
  std::vector<Index> arguments;
  if (!token_.is(")")) {
    do {
      if (token_.is("*")) {
        if (!spec->takes_star)
          return failed(fail("* is no argument of " + std::string(spec->name), std::string(spec->usage)));
        Node star;
        star.op = Op::star;
        arguments.push_back(add(star));
        advance();
      } else {
        arguments.push_back(expression());
      }
      if (arguments.back() == kFailed) return kFailed;
    } while (take(","));
  }
  if (!token_.is(")")) return failed(unexpected("a comma or )"));
  if (arguments.size() < spec->least || arguments.size() > spec->most)
    return failed(fail_at(at,
                          std::string(spec->name) + " does not take " + std::to_string(arguments.size()) + " arguments",
                          std::string(spec->usage)));
  advance();
  Node node;
  node.op = Op::call;
  node.function = spec->function;
  if (spec->has_memory) {
    const Node& seconds = query_.nodes_[arguments.back()];
    if (spec->function != Function::hysteresis &&
        (seconds.op != Op::number || seconds.number < 1 || seconds.number > 86400))
      return failed(fail_at(at, "the time of " + std::string(spec->name) + " is no constant from 1 to 86400 seconds",
                            std::string(spec->usage)));
    node.memory = query_.memories_++;
  }
  if (spec->function == Function::crypto) {
    const Node& algorithm = query_.nodes_[arguments[1]];
    static constexpr std::array<std::string_view, 6> kKnown{"MD5", "SHA1", "SHA-1", "SHA-256", "SHA-384", "SHA-512"};
    const bool is_known =
        algorithm.op == Op::text && std::find(kKnown.begin(), kKnown.end(), query_.text(algorithm)) != kKnown.end();
    if (!is_known)
      return failed(fail_at(at, "crypto does not offer this algorithm",
                            "'MD5', 'SHA1', 'SHA-256', 'SHA-384' or 'SHA-512'",
                            "MD2, which the real cloud lists, is not offered here"));
  }
  return finish_list(node, arguments);
}

SqlParser::Index SqlParser::case_of() {
  if (++depth_ > Query::kMaxDepth) return failed(fail("nested too deep", {}, "split the rule"));
  Node node;
  node.op = Op::when;
  std::vector<Index> children;
  if (!token_.is_word("WHEN")) {
    node.op = Op::when_equal;
    children.push_back(expression());
    if (children.back() == kFailed) return kFailed;
  }
  if (!token_.is_word("WHEN")) return failed(unexpected("WHEN"));
  while (take_word("WHEN")) {
    children.push_back(expression());
    if (children.back() == kFailed) return kFailed;
    if (!take_word("THEN")) return failed(unexpected("THEN"));
    children.push_back(expression());
    if (children.back() == kFailed) return kFailed;
  }
  if (take_word("ELSE")) {
    children.push_back(expression());
    if (children.back() == kFailed) return kFailed;
  }
  if (!take_word("END")) return failed(unexpected("WHEN, ELSE or END"));
  --depth_;
  return finish_list(node, children);
}

}  // namespace tercet::rule
