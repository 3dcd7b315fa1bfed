#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace tercet::rule {

/// A word of a rule's SQL.
struct Token {
  enum class Kind : std::uint8_t {
    end,
    name,    ///< bare word; text is as it stands
    quoted,  ///< "..."; value is what is between the quotes
    text,    ///< '...'; value with '' and \' taken as quotes
    number,
    symbol,  ///< one of ( ) , . [ ] * + - / % = <> != < <= > >=
    bad      ///< nothing of these; text is the character, or the quote that is not closed
  };
  Kind kind = Kind::end;
  std::size_t at = 0;     ///< byte where it begins
  std::string_view text;  ///< as it stands
  std::string value;
  double number = 0;

  bool is(std::string_view symbol) const { return kind == Kind::symbol && text == symbol; }
  /// A bare word, in any case.
  bool is_word(std::string_view word) const;
};

/// Takes SQL apart, one token at a time.
class SqlLexer {
 public:
  explicit SqlLexer(std::string_view sql) : sql_(sql) {}
  Token next();
  std::string_view sql() const { return sql_; }

 private:
  Token take(Token::Kind kind, std::size_t size);
  Token quoted(char quote, Token::Kind kind);
  Token number();
  std::string_view sql_;
  std::size_t at_ = 0;
};

/// Line and column of a byte, both from 1.
struct Position {
  std::size_t line, column;
};
Position position_of(std::string_view sql, std::size_t at);

}  // namespace tercet::rule
