#include "tercet/device/http_head.h"

#include <algorithm>

namespace tercet::device {
namespace {

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool same_word(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trim(std::string_view text) {
  const auto from = text.find_first_not_of(" \t");
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(" \t") - from + 1);
}

/// All of the text is one number of at most 18 digits.
std::optional<std::uint64_t> number(std::string_view text) {
  if (text.empty() || text.size() > 18) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (!is_digit(c)) return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

/// `bytes 0-99/200`, `bytes 0-99/*`. An answer to an unsatisfied range, `bytes */200`, has none.
std::optional<ContentRange> range_of(std::string_view text) {
  if (text.size() < 6 || !same_word(text.substr(0, 6), "bytes ")) return std::nullopt;
  text = trim(text.substr(6));
  const auto dash = text.find('-'), slash = text.find('/');
  if (dash == std::string_view::npos || slash == std::string_view::npos || dash > slash) return std::nullopt;
  const auto first = number(text.substr(0, dash)), last = number(text.substr(dash + 1, slash - dash - 1));
  if (!first || !last || *last < *first) return std::nullopt;
  ContentRange range{*first, *last, std::nullopt};
  const std::string_view total = text.substr(slash + 1);
  if (total == "*") return range;
  range.total = number(total);
  if (!range.total || *range.total <= *last) return std::nullopt;
  return range;
}

}  // namespace

Result<std::size_t> HttpHeadParser::take(Bytes bytes) {
  std::size_t used = 0;
  while (used < bytes.size() && !done_) {
    const char c = static_cast<char>(bytes[used++]);
    if (++taken_ > kMostHead) return fail(Error::too_large);
    if (c != '\n') {
      // A peer that is not a web server is known at once, not after kMostHead bytes of its own language.
      constexpr std::string_view kBegin = "HTTP/1.";
      if (first_ && line_size_ < kBegin.size() && c != kBegin[line_size_]) return fail(Error::malformed);
      if (line_size_ < line_.size()) line_[line_size_] = c;
      ++line_size_;
      continue;
    }
    if (const auto read = end_line(); !read) return fail(read.error());
  }
  return used;
}

Result<void> HttpHeadParser::end_line() {
  const bool whole = line_size_ <= line_.size();
  std::string_view line{line_.data(), std::min(line_size_, line_.size())};
  line_size_ = 0;
  if (whole && line.ends_with('\r')) line.remove_suffix(1);
  if (first_) return read_status(line);
  if (!line.empty()) {
    // What is kept of a field longer than kMostLine still has its name, and says whether it matters.
    const bool matters = [&] {
      const std::string_view name = trim(line.substr(0, line.find(':')));
      return same_word(name, "content-length") || same_word(name, "content-range");
    }();
    if (!whole && matters) return fail(Error::too_large);
    return read_field(line);
  }
  const bool interim = head_.status < 200;
  if (interim) head_ = {};
  first_ = interim, done_ = !interim;
  return {};
}

/// [RFC9112-4] `HTTP/1.1 200 OK`; the words behind the number may be anything or missing.
Result<void> HttpHeadParser::read_status(std::string_view line) {
  if (line.size() < 12 || !is_digit(line[7]) || line[8] != ' ') return fail(Error::malformed);
  const auto status = number(line.substr(9, 3));
  if (!status || *status < 100 || *status > 599) return fail(Error::malformed);
  if (line.size() > 12 && line[12] != ' ') return fail(Error::malformed);
  // No fetch asks to speak another protocol.
  if (*status == 101) return fail(Error::malformed);
  head_.status = static_cast<std::uint16_t>(*status);
  first_ = false;
  return {};
}

Result<void> HttpHeadParser::read_field(std::string_view line) {
  const auto colon = line.find(':');
  // [RFC9112-5.1] no blank before the colon; a line that begins with one would go on with the one before it.
  if (colon == std::string_view::npos || colon == 0 || line[0] == ' ' || line[0] == '\t' || line[colon - 1] == ' ')
    return fail(Error::malformed);
  const std::string_view name = line.substr(0, colon), value = trim(line.substr(colon + 1));
  if (same_word(name, "content-length")) {
    const auto length = number(value);
    // [RFC9112-6.3] two that differ: nobody knows where the body ends.
    if (!length || (head_.length && *head_.length != *length)) return fail(Error::malformed);
    head_.length = length;
  } else if (same_word(name, "content-range")) {
    if (head_.range) return fail(Error::malformed);
    head_.range = range_of(value);
  } else if (same_word(name, "transfer-encoding")) {
    head_.is_chunked = head_.is_chunked || !same_word(value, "identity");
  } else if (same_word(name, "content-encoding")) {
    head_.is_encoded = head_.is_encoded || !same_word(value, "identity");
  }
  return {};
}

}  // namespace tercet::device
