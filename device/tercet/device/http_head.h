#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "tercet/base/bytes.h"
#include "tercet/base/result.h"

namespace tercet::device {

/// `Content-Range: bytes first-last/total`.
struct ContentRange {
  std::uint64_t first = 0, last = 0;
  std::optional<std::uint64_t> total;  ///< nothing: `*`, the server does not know
};

/// What a fetch needs of a response's head.
struct HttpHead {
  std::uint16_t status = 0;
  std::optional<std::uint64_t> length;  ///< Content-Length
  std::optional<ContentRange> range;
  bool is_chunked = false;  ///< any Transfer-Encoding but `identity`
  bool is_encoded = false;  ///< any Content-Encoding but `identity`
};

/// Reads the head of an HTTP/1.x response in pieces of any size. Interim responses (1xx) are skipped, fields it does
/// not know too, whatever their length. Allocates nothing.
class HttpHeadParser {
 public:
  static constexpr std::size_t kMostHead = 8 * 1024;  ///< of all fields and interim responses together
  static constexpr std::size_t kMostLine = 112;       ///< of a field that is understood

  /// How many of these bytes belong to the head; what is behind them, when is_done(), is the body. Errors, after which
  /// the parser is of no more use: malformed, not HTTP/1.x or a field that contradicts itself; too_large.
  Result<std::size_t> take(Bytes bytes);
  bool is_done() const { return done_; }
  const HttpHead& head() const { return head_; }

 private:
  Result<void> end_line();
  Result<void> read_status(std::string_view line);
  Result<void> read_field(std::string_view line);

  HttpHead head_;
  std::array<char, kMostLine> line_{};
  std::size_t line_size_ = 0;  ///< may be more than is kept
  std::size_t taken_ = 0;
  bool first_ = true, done_ = false;
};

}  // namespace tercet::device
