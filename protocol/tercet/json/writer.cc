#include "tercet/json/writer.h"

#include <array>
#include <cmath>

#include "tercet/json/number.h"
#include "tercet/json/scan.h"

namespace tercet::json {
namespace {

void put_escape(tercet::Writer& out, char c) {
  out.ch('\\');
  switch (c) {
    case '"':
    case '\\':
      return out.ch(c);
    case '\b':
      return out.ch('b');
    case '\f':
      return out.ch('f');
    case '\n':
      return out.ch('n');
    case '\r':
      return out.ch('r');
    case '\t':
      return out.ch('t');
    default:
      out.text("u00");
      out.ch("0123456789abcdef"[static_cast<unsigned char>(c) >> 4]);
      out.ch("0123456789abcdef"[static_cast<unsigned char>(c) & 15]);
  }
}

void put_string(tercet::Writer& out, std::string_view text) {
  const char* at = text.data();
  const char* const end = at + text.size();
  out.ch('"');
  while (at != end) {
    const char* const plain = at;
    at = scan::skip_plain(at, end);
    out.text({plain, static_cast<std::size_t>(at - plain)});
    if (at == end) break;
    if (static_cast<unsigned char>(*at) < 0x80) {
      put_escape(out, *at++);
      continue;
    }
    const int length = scan::utf8_length(at, end);
    out.text(length == 0 ? std::string_view("\xEF\xBF\xBD") : std::string_view(at, static_cast<std::size_t>(length)));
    at += length == 0 ? 1 : length;
  }
  out.ch('"');
}

}  // namespace

Writer& Writer::key(std::string_view name) {
  comma();
  put_string(out_, name);
  out_.ch(':');
  comma_due_ = false;
  return *this;
}

Writer& Writer::string(std::string_view text) {
  comma();
  put_string(out_, text);
  return *this;
}

Writer& Writer::number(double value) {
  if (!std::isfinite(value)) return null();
  std::array<char, 32> buffer;
  return raw(format_real(value, buffer));
}

}  // namespace tercet::json
