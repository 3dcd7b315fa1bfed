#pragma once
#include <cstdint>
#include <string_view>

#include "tercet/json/reader.h"

namespace tercet::json {

/// One pass over a document that decides whether it is well formed: the only place that looks at untrusted text.
/// Iterative; the brackets that are open are bits of one word.
class Checker {
 public:
  Checker(std::string_view text, Grammar grammar)
      : at_(text.data()), end_(text.data() + text.size()), grammar_(grammar) {}

  /// The whole text: one value and blanks around it. Afterwards either value() is it, or at() and reason() tell what is
  /// wrong.
  bool check();
  std::string_view value() const { return {begin_, static_cast<std::size_t>(value_end_ - begin_)}; }
  const char* at() const { return at_; }
  const char* reason() const { return reason_; }

  /// The same for an object, one member at a time: true with name() and value() of the next one; false at the end of
  /// the text or at a fault, which reason() tells apart (null at the end).
  bool check_member();
  Text name() const { return name_; }

 private:
  bool refuse(const char* reason) {
#ifdef TERCET_NO_NAMES
    static_cast<void>(reason), reason_ = "";
#else
    reason_ = reason;
#endif
    return false;
  }
  bool next_is(char c) const { return at_ != end_ && *at_ == c; }
  void skip_blanks() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\t' || *at_ == '\r')) ++at_;
  }
  bool in_object() const { return (open_ & 1) != 0; }
  bool check_value();
  bool check_end();
  bool check_name();  // a member's name and its colon
  bool check_scalar();
  bool check_string();  // at '"'
  bool check_escape();  // at '\\'
  bool check_number();
  bool check_literal(std::string_view word);
  bool open();  // at '{' or '['
  bool after_value(bool& more);
  bool to_first_member();
  bool to_next_member();

  const char* at_;
  const char* end_;
  const char* begin_ = nullptr;
  const char* value_end_ = nullptr;
  const char* reason_ = nullptr;
  Text name_;
  std::uint64_t open_ = 0;  // innermost in bit 0: 1 object, 0 array
  int depth_ = 0;
  bool escaped_ = false;  // the string just checked has escapes
  bool in_members_ = false;
  Grammar grammar_;
};

}  // namespace tercet::json
