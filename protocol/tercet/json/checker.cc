#include "tercet/json/checker.h"

#include "tercet/json/scan.h"

namespace tercet::json {
namespace {

constexpr const char* kEndsTooEarly = "the text ends too early";

bool is_digit(char c) { return c >= '0' && c <= '9'; }

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

bool Checker::check() {
  skip_blanks();
  if (at_ == end_) return refuse("there is nothing");
  return check_value() && check_end();
}

bool Checker::check_end() {
  skip_blanks();
  return at_ == end_ || refuse("there is text after the end of the value");
}

bool Checker::check_value() {
  skip_blanks();
  begin_ = at_;
  for (bool more = true; more;) {
    // Here a value is due (in an object, its name has been read).
    skip_blanks();
    if (at_ == end_) return refuse(kEndsTooEarly);
    if (*at_ == '{' || *at_ == '[') {
      if (!open()) return false;
      skip_blanks();
      if (!next_is(in_object() ? '}' : ']')) {
        if (in_object() && !check_name()) return false;
        continue;
      }
    } else if (!check_scalar()) {
      return false;
    }
    if (!after_value(more)) return false;
  }
  value_end_ = at_;
  return true;
}

bool Checker::check_member() {
  if (reason_ != nullptr || !(in_members_ ? to_next_member() : to_first_member())) return false;
  if (!check_name()) return false;
  const Text name = name_;
  if (!check_value()) return false;
  name_ = name;
  return true;
}

bool Checker::to_first_member() {
  in_members_ = true;
  skip_blanks();
  if (at_ == end_) return refuse("there is nothing");
  if (*at_ != '{') return refuse("it is not an object");
  ++at_;
  skip_blanks();
  if (!next_is('}')) return true;
  ++at_;
  return check_end() && false;
}

bool Checker::to_next_member() {
  skip_blanks();
  if (next_is('}')) {
    ++at_;
    return check_end() && false;
  }
  if (at_ == end_) return refuse(kEndsTooEarly);
  if (*at_ != ',') return refuse("a ',' or '}' is missing here");
  ++at_;
  skip_blanks();
  if (!next_is('}')) return true;
  if (grammar_ == Grammar::strict) return refuse("there is a comma too many before the closing bracket");
  ++at_;
  return check_end() && false;
}

bool Checker::open() {
  static_assert(kMaxDepth < 64);
  if (depth_ == kMaxDepth) return refuse("it is nested too deeply");
  open_ = open_ << 1 | (*at_ == '{' ? 1 : 0);
  ++depth_;
  ++at_;
  return true;
}

/// Behind a value, or in front of the bracket of an empty container: closes what closes here. `more` says whether
/// another value is due.
bool Checker::after_value(bool& more) {
  for (;;) {
    if (depth_ == 0) {
      more = false;
      return true;
    }
    skip_blanks();
    const char closing = in_object() ? '}' : ']';
    if (next_is(closing)) {
      ++at_;
      open_ >>= 1;
      --depth_;
      continue;
    }
    if (at_ == end_) return refuse(kEndsTooEarly);
    if (*at_ != ',') return refuse(in_object() ? "a ',' or '}' is missing here" : "a ',' or ']' is missing here");
    ++at_;
    skip_blanks();
    if (next_is(closing)) {
      if (grammar_ == Grammar::trailing_commas) continue;
      return refuse("there is a comma too many before the closing bracket");
    }
    return !in_object() || check_name();
  }
}

bool Checker::check_name() {
  if (at_ == end_) return refuse(kEndsTooEarly);
  if (*at_ != '"') return refuse("a name must be in double quotes");
  const char* const begin = at_ + 1;
  if (!check_string()) return false;
  name_ = Text({begin, static_cast<std::size_t>(at_ - 1 - begin)}, escaped_);
  skip_blanks();
  if (!next_is(':')) return refuse(at_ == end_ ? kEndsTooEarly : "a ':' is missing after a name");
  ++at_;
  return true;
}

bool Checker::check_scalar() {
  switch (*at_) {
    case '"':
      return check_string();
    case 't':
      return check_literal("true");
    case 'f':
      return check_literal("false");
    case 'n':
      return check_literal("null");
    case '\'':
      return refuse("text must be in double quotes");
    default:
      return check_number();
  }
}

bool Checker::check_literal(std::string_view word) {
  if (static_cast<std::size_t>(end_ - at_) < word.size() || std::string_view(at_, word.size()) != word)
    return refuse("this is no value; text must be in double quotes");
  at_ += word.size();
  return true;
}

bool Checker::check_string() {
  ++at_;
  escaped_ = false;
  for (;;) {
    at_ = scan::skip_plain(at_, end_);
    if (at_ == end_) return refuse("the text ends inside a string");
    if (*at_ == '"') {
      ++at_;
      return true;
    }
    if (*at_ == '\\') {
      if (!check_escape()) return false;
    } else if (static_cast<unsigned char>(*at_) < 0x20) {
      return refuse("a control character in a string must be written as an escape");
    } else {
      const int length = scan::utf8_length(at_, end_);
      if (length == 0) return refuse("this is not UTF-8");
      at_ += length;
    }
  }
}

bool Checker::check_escape() {
  escaped_ = true;
  if (end_ - at_ < 2) return refuse("the text ends inside a string");
  if (at_[1] != 'u') {
    if (std::string_view("\"\\/bfnrt").find(at_[1]) == std::string_view::npos) return refuse("there is no such escape");
    at_ += 2;
    return true;
  }
  if (end_ - at_ < 6) return refuse("the text ends inside a string");
  for (int i = 2; i < 6; ++i)
    if (hex_value(at_[i]) < 0) return refuse("four hexadecimal digits must follow \\u");
  at_ += 6;
  return true;
}

bool Checker::check_number() {
  const char* const start = at_;
  const char* at = at_;
  const auto digits = [&] {
    const char* const first = at;
    while (at != end_ && is_digit(*at)) ++at;
    return at != first;
  };
  if (*at == '-') ++at;
  if (at != end_ && *at == '0') {
    ++at;
    if (at != end_ && is_digit(*at)) return refuse("a number must not begin with a zero");
  } else if (!digits()) {
    return refuse(at == start ? "this is no value; text must be in double quotes" : "digits are missing in a number");
  }
  if (at != end_ && *at == '.') {
    ++at;
    if (!digits()) return refuse("digits are missing in a number");
  }
  if (at != end_ && (*at == 'e' || *at == 'E')) {
    ++at;
    if (at != end_ && (*at == '+' || *at == '-')) ++at;
    if (!digits()) return refuse("digits are missing in a number");
  }
  if (static_cast<std::size_t>(at - start) > kMaxNumberBytes) return refuse("a number is too long");
  at_ = at;
  return true;
}

}  // namespace tercet::json
