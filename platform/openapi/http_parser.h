#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "platform/openapi/http_message.h"
#include "tercet/base/bytes.h"

namespace tercet::openapi {

struct HttpLimits {
  /// Request line and headers; over it 431. The official SDKs put whole thing models into the query.
  std::uint32_t header_bytes = 64 * 1024;
  std::uint64_t body_bytes = 2 * 1024 * 1024;  ///< over it 413
  std::uint64_t streamed_bytes = 0;            ///< the same of a body that is taken in pieces
};

/// Reads requests from bytes, without any I/O: content of known length or chunked, one request at a time, so that
/// pipelined ones wait in the caller's buffer. (Boost.Beast inside.)
class HttpParser {
 public:
  /// Asked once per request, when its headers are whole: shall its body be taken in pieces, by take_body()?
  using IsStreamed = std::function<bool(const HttpRequest& head)>;
  explicit HttpParser(HttpLimits limits = {}, IsStreamed is_streamed = {});
  ~HttpParser();
  HttpParser(HttpParser&&) noexcept;
  HttpParser& operator=(HttpParser&&) noexcept;

  struct Step {
    enum class State : unsigned char { need_more, whole, refused };
    State state = State::need_more;
    std::size_t used = 0;  ///< of the bytes given; the caller offers the rest again, together with new ones
    int status = 0;        ///< refused: the HTTP status to answer before closing: 400, 413, 431
  };
  /// Offers everything unread so far.
  Step take(Bytes bytes);
  /// Whether the headers are whole, so that a slow body may be told from slow headers.
  bool has_headers() const;
  /// True once per request that waits for "100 Continue" before it sends its body.
  bool take_expect_continue();
  /// What has come of a streamed body since the last call.
  std::string take_body();
  /// Whether the client allows more requests after this one.
  bool keep_alive() const;
  /// The request, after `whole`; the parser then waits for the next.
  HttpRequest take_request();

 private:
  struct Beast;
  std::unique_ptr<Beast> beast_;
};

}  // namespace tercet::openapi
