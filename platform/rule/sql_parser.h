#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "platform/rule/sql.h"
#include "platform/rule/sql_lexer.h"

namespace tercet::rule {

/// Makes a Query of SQL, one part at a time or all at once. After a part has failed, problem() says why.
class SqlParser {
 public:
  SqlParser(Query& query, std::string_view sql) : query_(query), lexer_(sql), token_(lexer_.next()) {}

  bool parse_all();                                   ///< SELECT ... FROM ... [WHERE ...]
  bool parse_items();                                 ///< what stands between SELECT and FROM, and nothing else
  bool parse_where();                                 ///< what stands behind WHERE, and nothing else
  bool parse_topic() { return topic(lexer_.sql()); }  ///< the one filter of FROM, without quotes
  const SqlProblem& problem() const { return problem_; }

 private:
  using Index = std::uint32_t;
  static constexpr Index kFailed = 0xFFFFFFFF;

  void advance() { token_ = lexer_.next(); }
  bool take(std::string_view symbol);
  bool take_word(std::string_view word);
  bool fail(std::string what, std::string expected = {}, std::string remedy = {});
  bool fail_at(std::size_t at, std::string what, std::string expected = {}, std::string remedy = {});
  bool unexpected(std::string expected, std::string remedy = {});
  Index failed(bool) { return kFailed; }
  std::string shown() const;

  bool items();
  bool topics();
  bool topic(std::string_view topic);
  Index add(Node node);
  Index add(Op op, std::initializer_list<Index> children);
  Index expression();  // OR
  Index conjunction();
  Index inversion();
  Index comparison();
  Index sum();
  Index product();
  Index factor();
  Index primary();
  Index case_of();
  Index call(std::string_view name, std::size_t at);
  Index bare_path();
  Index quoted_path();
  Index in_list(Index value, bool is_negated);
  Index finish_list(Node node, const std::vector<Index>& children);

  Query& query_;
  SqlLexer lexer_;
  Token token_;
  SqlProblem problem_;
  int depth_ = 0;
};

}  // namespace tercet::rule
