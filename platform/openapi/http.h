#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "platform/openapi/http_message.h"
#include "platform/openapi/http_parser.h"
#include "platform/runtime/loop.h"

namespace tercet::openapi {

class HttpCore;

/// A long-lived answer: server-sent events. Made by HttpResponder::stream(). Copyable, belongs to the server's loop;
/// dropping it does not close the connection, close() does. A beat is sent by the server when nothing else is.
class EventStream {
 public:
  EventStream() = default;
  bool is_open() const;
  /// Bytes written but not yet taken by the network; a sender that coalesces waits until it is 0.
  std::size_t waiting_bytes() const;
  /// One event; `data` is one line (JSON). False when the reader is gone. An event that makes more than
  /// HttpServerLimits::event_bytes gather disconnects the reader; a browser then connects again and asks for the whole
  /// state.
  bool send(std::string_view event, std::string_view data);
  void close();

 private:
  friend class HttpResponder;
  EventStream(std::weak_ptr<HttpCore> core, std::uint64_t connection)
      : core_(std::move(core)), connection_(connection) {}
  std::weak_ptr<HttpCore> core_;
  std::uint64_t connection_ = 0;
};

/// The right to answer one request, now or later. May travel between threads inside a task, but is used on the
/// server's loop only. Never used: the server answers 503 after HttpServerLimits::answer.
class HttpResponder {
 public:
  HttpResponder() = default;
  /// Sends the answer; the first call counts, later ones and those after the client has gone do nothing.
  void operator()(HttpResponse response) const;
  /// Starts a stream of events instead; `headers` are added to the usual ones.
  EventStream stream(HttpHeaders headers) const;

 private:
  friend class HttpCore;
  HttpResponder(std::weak_ptr<HttpCore> core, std::uint64_t connection, std::uint64_t request)
      : core_(std::move(core)), connection_(connection), request_(request) {}
  std::weak_ptr<HttpCore> core_;
  std::uint64_t connection_ = 0, request_ = 0;
};

/// Takes the body of one request as it comes.
class BodySink {
 public:
  virtual ~BodySink() = default;
  /// False: no more is wanted; answer() is sent at once, and the connection closed.
  virtual bool take(Bytes piece) = 0;
  /// After the last piece, or the one that was refused. Not called when the client goes away before.
  virtual HttpResponse answer() = 0;
};

/// Takes a connection over, and what was read from it behind the request.
using TakeStream = std::function<void(std::unique_ptr<runtime::Stream> stream, std::string unread)>;

/// What answers requests. Called on the server's loop. A HEAD request is answered as a GET would be: the server leaves
/// the body out.
class HttpHandler {
 public:
  virtual void on_request(HttpRequest request, HttpResponder respond) = 0;
  /// Asked when the headers are whole: a sink takes the body, and on_request() is not called; null: as usual.
  virtual std::unique_ptr<BodySink> open_sink(const HttpRequest&) { return nullptr; }
  /// Asked when the request is whole: what takes the connection over for another protocol, and answers; null: as usual.
  virtual TakeStream open_stream(const HttpRequest&) { return {}; }

 protected:
  ~HttpHandler() = default;
};

struct HttpServerLimits {
  HttpLimits request;
  std::size_t connections = 1000;  ///< one more is answered 503, unless an idle one can make room
  /// Of one IPv4 address or IPv6 /64, in the same way; loopback has no bound of its own (a proxy in front is there).
  std::size_t per_network = 128;
  std::size_t event_bytes = 256 * 1024;
  std::size_t pipelined_bytes = 64 * 1024;  ///< read ahead while an answer is being made
  Seconds header{10};  ///< from the first byte (or the connection) to the end of the headers; then 408
  Seconds body{30};    ///< from the end of the headers to the end of the body; then 408
  Seconds idle{60};    ///< between two requests of a connection; then closed in silence
  Seconds answer{30};  ///< for the handler; then 503
  Seconds write{30};   ///< for the client to take an answer, or at least `write_bytes` more of it; then closed
  std::size_t write_bytes = 256 * 1024;
  Seconds beat{15};  ///< between two events or beats of a stream
};

/// HTTP/1.1 on one loop: keep-alive, pipelining, chunked bodies, limits, server-sent events. Requests of one connection
/// are handled one after another. Everything is called on that loop.
class HttpServer {
 public:
  HttpServer(runtime::Loop& loop, HttpHandler& handler, HttpServerLimits limits = {});
  ~HttpServer();  ///< closes every connection; responders that are still out become harmless
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// Takes a connection, plain or TLS; what Loop::listen is given as `accept`.
  void accept(std::unique_ptr<runtime::Stream> stream);
  std::size_t connection_count() const;

  struct Counters {
    std::uint64_t accepted = 0, refused = 0, requests = 0, client_errors = 0, server_errors = 0, timeouts = 0;
  };
  const Counters& counters() const;

 private:
  std::shared_ptr<HttpCore> core_;
};

}  // namespace tercet::openapi
