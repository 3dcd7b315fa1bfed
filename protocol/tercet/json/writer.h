#pragma once
#include <concepts>
#include <string_view>

#include "tercet/base/writer.h"

namespace tercet::json {

/// Writes one compact document (no blanks, which the vendor's text scanners need) through a tercet::Writer, whose ok()
/// and text() say how it went. Commas are put where they belong; pairing begin and end, and a key before each value of
/// an object, is the caller's part. Never allocates.
class Writer {
 public:
  explicit Writer(tercet::Writer& out) : out_(out) {}

  Writer& begin_object() { return open('{'); }
  Writer& end_object() { return close('}'); }
  Writer& begin_array() { return open('['); }
  Writer& end_array() { return close(']'); }

  /// The name of the next member.
  Writer& key(std::string_view name);
  /// Quotes, backslashes and control characters are escaped; a byte that is not UTF-8 becomes U+FFFD.
  Writer& string(std::string_view text);
  /// Whole numbers up to 64 bits, in full.
  template <std::integral Int>
  requires(!std::same_as<Int, bool>) Writer& number(Int value) {
    comma();
    if constexpr (std::signed_integral<Int>)
      out_.decimal(static_cast<std::int64_t>(value));
    else
      out_.decimal(static_cast<std::uint64_t>(value));
    return *this;
  }
  /// The shortest decimal that reads back as the same double, with a decimal point (25.0): the thing model wants
  /// floats to look like floats. Infinite and NaN become null.
  Writer& number(double value);
  Writer& boolean(bool value) { return raw(value ? "true" : "false"); }
  Writer& null() { return raw("null"); }
  /// A value that is JSON already.
  Writer& raw(std::string_view json) {
    comma();
    out_.text(json);
    return *this;
  }
  /// A string whose escapes are JSON already (Text::raw()).
  Writer& raw_string(std::string_view inside) {
    comma();
    out_.ch('"'), out_.text(inside), out_.ch('"');
    return *this;
  }

  bool ok() const { return out_.ok(); }
  tercet::Writer& out() { return out_; }

 private:
  Writer& open(char bracket) {
    comma();
    out_.ch(bracket);
    comma_due_ = false;
    return *this;
  }
  Writer& close(char bracket) {
    out_.ch(bracket);
    comma_due_ = true;
    return *this;
  }
  void comma() {
    if (comma_due_) out_.ch(',');
    comma_due_ = true;
  }
  tercet::Writer& out_;
  bool comma_due_ = false;
};

}  // namespace tercet::json
