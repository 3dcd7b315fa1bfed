#include "tercet/json/reader.h"

#include <array>

#include "tercet/base/writer.h"
#include "tercet/json/checker.h"
#include "tercet/json/number.h"
#include "tercet/json/scan.h"

namespace tercet::json {
namespace {

// From here on the text is known to be well formed; the bounds are kept all the same.

bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

std::string_view text_between(const char* begin, const char* end) {
  return {begin, static_cast<std::size_t>(end - begin)};
}

const char* skip_blanks(const char* at, const char* end) {
  while (at != end && is_blank(*at)) ++at;
  return at;
}

/// Between the values of a container.
const char* skip_to_value(const char* at, const char* end) {
  while (at != end && (is_blank(*at) || *at == ',')) ++at;
  return at;
}

struct StringEnd {
  const char* quote;
  bool escaped;
};
/// `at` is behind the opening quote.
StringEnd find_string_end(const char* at, const char* end) {
  bool escaped = false;
  for (;;) {
    at = scan::skip_to_quote(at, end);
    if (at == end || *at == '"') return {at, escaped};
    escaped = true;
    at += end - at < 2 ? 1 : 2;
  }
}

const char* behind_string(const char* at, const char* end) {
  const char* const quote = find_string_end(at, end).quote;
  return quote == end ? end : quote + 1;
}

const char* behind_container(const char* at, const char* end) {
  int depth = 0;
  while (at != end) {
    const char c = *at++;
    if (c == '"') {
      at = behind_string(at, end);
    } else if ((c | 0x20) == '{') {  // '{' or '['
      ++depth;
    } else if ((c | 0x20) == '}' && --depth == 0) {
      return at;
    }
  }
  return end;
}

const char* behind_value(const char* at, const char* end) {
  if (at == end) return end;
  if (*at == '"') return behind_string(at + 1, end);
  if (*at == '{' || *at == '[') return behind_container(at, end);
  while (at != end && *at != ',' && *at != '}' && *at != ']' && !is_blank(*at)) ++at;
  return at;
}

unsigned hex4(const char* at) {
  unsigned value = 0;
  for (int i = 0; i < 4; ++i) {
    const char c = at[i];
    value = value << 4 | static_cast<unsigned>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
  }
  return value;
}

/// The character that the escape at `at` stands for, moving `at` behind it. A pair of surrogates is one character.
char32_t take_escape(const char*& at, const char* end) {
  constexpr char32_t kReplacement = 0xFFFD;
  const char letter = at[1];
  at += 2;
  switch (letter) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'u':
      break;
    default:
      return static_cast<unsigned char>(letter);
  }
  const unsigned first = hex4(at);
  at += 4;
  if (first < 0xD800 || first > 0xDFFF) return first;
  if (first > 0xDBFF || end - at < 6 || at[0] != '\\' || at[1] != 'u') return kReplacement;
  const unsigned second = hex4(at + 2);
  if (second < 0xDC00 || second > 0xDFFF) return kReplacement;
  at += 6;
  return 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
}

/// Returns the number of bytes put.
int put_utf8(char32_t c, std::array<char, 4>& out) {
  const auto byte = [](char32_t bits) { return static_cast<char>(bits); };
  if (c < 0x80) return out[0] = byte(c), 1;
  if (c < 0x800) return out[0] = byte(0xC0 | c >> 6), out[1] = byte(0x80 | (c & 0x3F)), 2;
  if (c < 0x10000)
    return out[0] = byte(0xE0 | c >> 12), out[1] = byte(0x80 | (c >> 6 & 0x3F)), out[2] = byte(0x80 | (c & 0x3F)), 3;
  return out[0] = byte(0xF0 | c >> 18), out[1] = byte(0x80 | (c >> 12 & 0x3F)), out[2] = byte(0x80 | (c >> 6 & 0x3F)),
         out[3] = byte(0x80 | (c & 0x3F)), 4;
}

/// Hands the text to `take` piece by piece, until that says false.
template <typename Take>
bool each_piece(std::string_view raw, Take&& take) {
  const char* at = raw.data();
  const char* const end = at + raw.size();
  while (at != end) {
    const char* const plain = at;
    while (at != end && *at != '\\') ++at;
    if (at != plain && !take(std::string_view(plain, static_cast<std::size_t>(at - plain)))) return false;
    if (at == end) break;
    std::array<char, 4> bytes;
    const int count = put_utf8(take_escape(at, end), bytes);
    if (!take(std::string_view(bytes.data(), static_cast<std::size_t>(count)))) return false;
  }
  return true;
}

}  // namespace

Result<Value> parse(std::string_view text, Grammar grammar) {
  Checker checker{text, grammar};
  if (!checker.check()) return fail(Error::malformed);
  return Value::trusted(checker.value());
}

std::optional<Fault> find_fault(std::string_view text, Grammar grammar) {
  Checker checker{text, grammar};
  if (checker.check()) return std::nullopt;
  return Fault{static_cast<std::size_t>(checker.at() - text.data()), checker.reason()};
}

Result<std::string_view> Text::unescape(MutableBytes buffer) const {
  if (!escaped_) return raw_;
  tercet::Writer out{buffer};
  each_piece(raw_, [&](std::string_view piece) {
    out.text(piece);
    return out.ok();
  });
  if (!out.ok()) return fail(Error::no_space);
  return out.text();
}

bool Text::equals(std::string_view other) const {
  return each_piece(raw_,
                    [&](std::string_view piece) {
                      if (!other.starts_with(piece)) return false;
                      other.remove_prefix(piece.size());
                      return true;
                    }) &&
         other.empty();
}

std::optional<bool> Value::boolean() const {
  if (!is(Type::boolean)) return std::nullopt;
  return raw_.front() == 't';
}

std::optional<std::int64_t> Value::integer() const {
  if (!is(Type::number)) return std::nullopt;
  return parse_integer(raw_);
}

std::optional<double> Value::real() const {
  if (!is(Type::number)) return std::nullopt;
  return parse_real(raw_);
}

bool Value::is_integer_literal() const {
  return is(Type::number) && raw_.find_first_of(".eE") == std::string_view::npos;
}

std::optional<Text> Value::text() const {
  if (!is(Type::string)) return std::nullopt;
  const std::string_view inside = raw_.substr(1, raw_.size() - 2);
  return Text(inside, inside.find('\\') != std::string_view::npos);
}

std::optional<Value> Value::find(std::string_view name) const {
  std::optional<Value> found;
  for (const auto& [key, value] : members())
    if (key == name) found = value;
  return found;
}

std::size_t Value::size() const {
  std::size_t count = 0;
  if (is(Type::object))
    for (auto walk = members(); walk.next();) ++count;
  else
    for (auto walk = elements(); walk.next();) ++count;
  return count;
}

Members::Members(const Value& object) : at_(object.raw().data()), end_(at_ + object.raw().size()) {
  if (object.is(Type::object))
    ++at_;
  else
    at_ = end_;
}

bool Members::advance(Member& out) {
  at_ = skip_to_value(at_, end_);
  if (at_ == end_ || *at_ != '"') return false;  // the closing brace
  const StringEnd name = find_string_end(at_ + 1, end_);
  out.name = Text(text_between(at_ + 1, name.quote), name.escaped);
  at_ = name.quote == end_ ? end_ : skip_blanks(name.quote + 1, end_);
  at_ = at_ == end_ ? end_ : skip_blanks(at_ + 1, end_);  // the colon
  const char* const value = at_;
  at_ = behind_value(at_, end_);
  out.value = Value::trusted(text_between(value, at_));
  return true;
}

Elements::Elements(const Value& array) : at_(array.raw().data()), end_(at_ + array.raw().size()) {
  if (array.is(Type::array))
    ++at_;
  else
    at_ = end_;
}

bool Elements::advance(Value& out) {
  at_ = skip_to_value(at_, end_);
  if (at_ == end_ || *at_ == ']') return false;
  const char* const value = at_;
  at_ = behind_value(at_, end_);
  out = Value::trusted(text_between(value, at_));
  return true;
}

}  // namespace tercet::json
