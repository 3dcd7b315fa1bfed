#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "platform/runtime/stream.h"
#include "tercet/base/bytes.h"

namespace tercet::openapi {

/// A header: its name (in lower case when it was received) and its value, trimmed.
using HttpHeader = std::pair<std::string, std::string>;
using HttpHeaders = std::vector<HttpHeader>;

/// One whole request.
struct HttpRequest {
  enum class Method : unsigned char { get, head, post, other };
  Method method = Method::get;
  std::string path;   ///< "/console/app.js"; never empty, several leading slashes are one; as sent, not decoded
  std::string query;  ///< what follows '?', not decoded
  HttpHeaders headers;
  std::string body;
  runtime::Address peer;
  bool tls = false;

  /// The first header of that name (given in lower case), or empty.
  std::string_view header(std::string_view name) const;
  std::string_view method_name() const;  ///< "" for other
};

/// A body that is read while it is sent, so that it is never whole in memory.
class BodySource {
 public:
  virtual ~BodySource() = default;
  /// Bytes read: all of `into`, or up to the end. 0: it cannot be read; the connection is then cut off.
  virtual std::size_t read(std::uint64_t offset, MutableBytes into) const = 0;
};

/// One whole answer. Content-Length, Date and Connection are the server's business.
struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json;charset=utf-8";
  std::string body;
  Bytes fixed_body;  ///< instead of `body`: bytes that live as long as the process, sent without a copy
  HttpHeaders headers;
  std::shared_ptr<const BodySource> source = {};  ///< instead of both: `source_bytes` of it from `source_from` on
  std::uint64_t source_from = 0, source_bytes = 0;
  std::uint64_t body_bytes() const {
    if (source) return source_bytes;
    return fixed_body.empty() ? body.size() : fixed_body.size();
  }
};

/// "Not Found" for 404.
std::string_view reason_phrase(int status);
/// A short plain text answer: what a person with a browser or curl reads.
HttpResponse plain_response(int status, std::string_view text);
/// "Thu, 17 Nov 2016 02:08:12 GMT".
std::string http_date(std::int64_t unix_seconds);

}  // namespace tercet::openapi
