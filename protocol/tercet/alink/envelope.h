#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "tercet/alink/codes.h"
#include "tercet/base/result.h"
#include "tercet/base/writer.h"
#include "tercet/json/reader.h"
#include "tercet/json/writer.h"

namespace tercet::alink {

/// A request in either direction (5.1). Views into the payload.
struct Request {
  /// What stood in `id`, quotes removed, escapes as they came, so that a reply can echo it byte for byte. Came as text
  /// or as a number; "" when it was missing or something else.
  std::string_view id;
  std::string_view version;  ///< "" when missing
  std::string_view method;   ///< "" when missing: the topic says it
  bool wants_reply = true;   ///< `sys.ack` is not 0
  /// Nothing when missing. The string "{}" that official C clients send arrives as the object it spells.
  std::optional<json::Value> params;
};

/// Members in any order, unknown ones ignored, trailing commas allowed. A request without `params` is a request.
/// Errors: malformed, not JSON or not an object (answer 460; json::find_fault() says where).
Result<Request> parse_request(std::string_view payload);

/// A reply in either direction.
struct Reply {
  std::string_view id;
  std::int32_t code = 0;  ///< a number, or its digits as text
  std::string_view message;
  std::string_view method;
  std::optional<json::Value> data;
};
/// Errors: malformed: not JSON, not an object, or no `code` in it.
Result<Reply> parse_reply(std::string_view payload);

/// The reply the platform or a device sends.
struct ReplyFields {
  std::string_view id;  ///< Request::id
  Code code = Code::success;
  std::string_view message = {};     ///< "" = alink::message(code)
  std::string_view data = "{}";      ///< JSON
  std::string_view method = {};      ///< left out when ""
  std::string_view version = "1.0";  ///< left out when method is
};
/// `{"id":"1","code":200,"message":"success","data":{},"method":"…","version":"1.0"}`: id, code and message stand
/// before data, because the vendor's C SDK takes the first match at any depth (13.1). A failed write shows in out.ok().
void write_reply(tercet::Writer& out, const ReplyFields& fields);
/// The shorter reply of a device: `{"id":"1","code":200,"data":{}}`.
void write_device_reply(tercet::Writer& out, std::string_view id, std::int32_t code, std::string_view data = "{}");

/// Writes a request around params that the caller writes:
///   RequestWriter request{out, "42", "thing.service.property.set"};
///   request.params().begin_object().key("threshold").number(30.5).end_object();
///   request.finish();
/// gives `{"id":"42","version":"1.0","params":{…},"method":"…"}`, with `"sys":{"ack":1}` before params when asked.
class RequestWriter {
 public:
  enum class Ack : std::uint8_t { unsaid, no, yes };
  /// id: decimal digits, at most 4294967295 when a C client shall read it. method must live until finish().
  RequestWriter(tercet::Writer& out, std::string_view id, std::string_view method, Ack ack = Ack::unsaid);
  json::Writer& params() { return json_; }
  void finish();

 private:
  json::Writer json_;
  std::string_view method_;
};
/// The same with params that are JSON already.
void write_request(tercet::Writer& out, std::string_view id, std::string_view method, std::string_view params);

}  // namespace tercet::alink
