#include "platform/rule/sql_lexer.h"

#include <algorithm>
#include <charconv>

namespace tercet::rule {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

}  // namespace

bool Token::is_word(std::string_view word) const {
  return kind == Kind::name && text.size() == word.size() &&
         std::equal(text.begin(), text.end(), word.begin(),
                    [](char a, char b) { return (a >= 'a' && a <= 'z' ? a - 'a' + 'A' : a) == b; });
}

Token SqlLexer::take(Token::Kind kind, std::size_t size) {
  Token token;
  token.kind = kind;
  token.at = at_;
  token.text = sql_.substr(at_, size);
  at_ += token.text.size();
  return token;
}

Token SqlLexer::next() {
  while (at_ < sql_.size() && is_blank(sql_[at_])) ++at_;
  if (at_ == sql_.size()) return take(Token::Kind::end, 0);
  const char c = sql_[at_];
  if (c == '"') return quoted(c, Token::Kind::quoted);
  if (c == '\'') return quoted(c, Token::Kind::text);
  if (is_digit(c)) return number();
  if (is_name_start(c)) {
    std::size_t size = 1;
    while (at_ + size < sql_.size() && (is_name_start(sql_[at_ + size]) || is_digit(sql_[at_ + size]))) ++size;
    return take(Token::Kind::name, size);
  }
  const std::string_view two = sql_.substr(at_, 2);
  if (two == "<>" || two == "<=" || two == ">=" || two == "!=") return take(Token::Kind::symbol, 2);
  if (std::string_view("(),.[]*+-/%=<>").find(c) != std::string_view::npos) return take(Token::Kind::symbol, 1);
  return take(Token::Kind::bad, 1);
}

Token SqlLexer::quoted(char quote, Token::Kind kind) {
  std::string value;
  std::size_t end = at_ + 1;
  while (end < sql_.size()) {
    const char c = sql_[end];
    if (c == '\\' && end + 1 < sql_.size() && (sql_[end + 1] == quote || sql_[end + 1] == '\\')) {
      value += sql_[end + 1];
      end += 2;
      continue;
    }
    if (c != quote) {
      value += c;
      ++end;
      continue;
    }
    if (end + 1 < sql_.size() && sql_[end + 1] == quote) {  // doubled
      value += quote;
      end += 2;
      continue;
    }
    Token token = take(kind, end + 1 - at_);
    token.value = std::move(value);
    return token;
  }
  return take(Token::Kind::bad, 1);
}

Token SqlLexer::number() {
  std::size_t end = at_;
  const auto digits = [&] {
    while (end < sql_.size() && is_digit(sql_[end])) ++end;
  };
  digits();
  if (end + 1 < sql_.size() && sql_[end] == '.' && is_digit(sql_[end + 1])) {
    ++end;
    digits();
  }
  if (end < sql_.size() && (sql_[end] == 'e' || sql_[end] == 'E')) {
    const std::size_t sign = end + 1 < sql_.size() && (sql_[end + 1] == '+' || sql_[end + 1] == '-') ? 1 : 0;
    if (end + 1 + sign < sql_.size() && is_digit(sql_[end + 1 + sign])) {
      end += 1 + sign;
      digits();
    }
  }
  Token token = take(Token::Kind::number, end - at_);
  std::from_chars(token.text.data(), token.text.data() + token.text.size(), token.number);
  return token;
}

Position position_of(std::string_view sql, std::size_t at) {
  const std::string_view before = sql.substr(0, std::min(at, sql.size()));
  const auto lines = static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
  const std::size_t start = before.rfind('\n');
  return {lines + 1, before.size() - (start == std::string_view::npos ? 0 : start + 1) + 1};
}

}  // namespace tercet::rule
