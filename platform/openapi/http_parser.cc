#include "platform/openapi/http_parser.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <optional>
#include <utility>

namespace tercet::openapi {
namespace http = boost::beast::http;

namespace {

/// A body that grows as it comes: Beast's own reserves as much as the client has announced.
struct GrowingBody {
  using value_type = std::string;
  class reader {
   public:
    template <bool isRequest, class Fields>
    reader(http::header<isRequest, Fields>&, value_type& body) : body_(body) {}
    void init(const boost::optional<std::uint64_t>&, boost::beast::error_code& error) { error = {}; }
    template <class Buffers>
    std::size_t put(const Buffers& buffers, boost::beast::error_code& error) {
      error = {};
      std::size_t taken = 0;
      for (auto at = boost::asio::buffer_sequence_begin(buffers); at != boost::asio::buffer_sequence_end(buffers);
           ++at) {
        const boost::asio::const_buffer piece = *at;
        body_.append(static_cast<const char*>(piece.data()), piece.size());
        taken += piece.size();
      }
      return taken;
    }
    void finish(boost::beast::error_code& error) { error = {}; }

   private:
    value_type& body_;
  };
};

using Parser = http::request_parser<GrowingBody>;

std::string lower(boost::beast::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; });
  return out;
}

int status_of(const boost::beast::error_code& error) {
  if (error == http::error::header_limit) return 431;
  if (error == http::error::body_limit) return 413;
  return 400;
}

HttpRequest::Method method_of(http::verb verb) {
  switch (verb) {
    case http::verb::get:
      return HttpRequest::Method::get;
    case http::verb::head:
      return HttpRequest::Method::head;
    case http::verb::post:
      return HttpRequest::Method::post;
    default:
      return HttpRequest::Method::other;
  }
}

/// Splits the request target. "//" is "/" (an SDK whose endpoint ends in a slash sends it); a proxy's absolute form
/// loses its host.
bool split_target(std::string_view target, HttpRequest& request) {
  if (target.starts_with("http://") || target.starts_with("https://")) {
    const auto path = target.find('/', target.find("//") + 2);
    target = path == std::string_view::npos ? std::string_view("/") : target.substr(path);
  }
  if (!target.starts_with('/')) return false;
  while (target.starts_with("//")) target.remove_prefix(1);
  const auto question = target.find('?');
  request.path = target.substr(0, question);
  if (question != std::string_view::npos) request.query = target.substr(question + 1);
  return true;
}

}  // namespace

struct HttpParser::Beast {
  Beast(HttpLimits l, IsStreamed s) : limits(l), is_streamed(std::move(s)) { reset(); }
  void reset() {
    parser.emplace();
    parser->header_limit(limits.header_bytes);
    parser->body_limit(std::max(limits.body_bytes, is_streamed ? limits.streamed_bytes : 0));
    parser->eager(true);
    expect_answered = was_asked = streams = false;
  }
  HttpRequest head() const {
    const auto& message = parser->get();
    HttpRequest request;
    request.method = method_of(message.method());
    const auto target = message.target();
    if (!split_target({target.data(), target.size()}, request)) request.path = "*";
    for (const auto& field : message)
      request.headers.emplace_back(lower(field.name_string()), std::string(field.value()));
    return request;
  }
  /// Whether the body is larger than a body that is kept whole may be.
  bool is_too_large() {
    if (streams || !is_streamed) return false;
    const auto length = parser->content_length();
    return parser->get().body().size() > limits.body_bytes || (length && *length > limits.body_bytes);
  }
  HttpLimits limits;
  IsStreamed is_streamed;
  std::optional<Parser> parser;
  bool expect_answered = false, was_asked = false, streams = false;
};

HttpParser::HttpParser(HttpLimits limits, IsStreamed is_streamed)
    : beast_(std::make_unique<Beast>(limits, std::move(is_streamed))) {}
HttpParser::~HttpParser() = default;
HttpParser::HttpParser(HttpParser&&) noexcept = default;
HttpParser& HttpParser::operator=(HttpParser&&) noexcept = default;

HttpParser::Step HttpParser::take(Bytes bytes) {
  Parser& parser = *beast_->parser;
  std::size_t skipped = 0;  // [RFC 9112 2.2] empty lines before a request line are ignored
  if (!parser.got_some())
    while (skipped < bytes.size() && (bytes[skipped] == '\r' || bytes[skipped] == '\n')) ++skipped;
  bytes = bytes.subspan(skipped);
  if (bytes.empty()) return {Step::State::need_more, skipped, 0};

  boost::beast::error_code error;
  std::size_t used = 0;
  try {
    used = parser.put(boost::asio::buffer(bytes.data(), bytes.size()), error);
  } catch (const std::exception&) {
    return {Step::State::refused, skipped, 400};
  }
  if (error == http::error::need_more) error = {};
  if (error) return {Step::State::refused, skipped + used, status_of(error)};
  if (parser.is_header_done()) {
    const auto& head = parser.get();
    // [RFC 9112 3.2] exactly one Host; [6.1] both framings at once is how requests are smuggled.
    if (head.version() >= 11 && head.count(http::field::host) != 1) return {Step::State::refused, skipped + used, 400};
    if (head.count(http::field::transfer_encoding) != 0 && head.count(http::field::content_length) != 0)
      return {Step::State::refused, skipped + used, 400};
    if (!std::exchange(beast_->was_asked, true) && beast_->is_streamed)
      beast_->streams = beast_->is_streamed(beast_->head());
    if (beast_->is_too_large()) return {Step::State::refused, skipped + used, 413};
  }
  if (!parser.is_done()) return {Step::State::need_more, skipped + used, 0};
  return {Step::State::whole, skipped + used, 0};
}

bool HttpParser::has_headers() const { return beast_->parser->is_header_done(); }

bool HttpParser::take_expect_continue() {
  if (beast_->expect_answered || !has_headers() || beast_->parser->is_done()) return false;
  const auto& head = beast_->parser->get();
  if (head.version() < 11 || lower(head[http::field::expect]) != "100-continue") return false;
  return beast_->expect_answered = true;
}

std::string HttpParser::take_body() { return std::exchange(beast_->parser->get().body(), {}); }

bool HttpParser::keep_alive() const { return beast_->parser->keep_alive(); }

HttpRequest HttpParser::take_request() {
  HttpRequest request = beast_->head();
  request.body = take_body();
  beast_->reset();
  return request;
}

}  // namespace tercet::openapi
