#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "platform/openapi/http.h"

namespace tercet::openapi {

/// One connection of an HttpServer; only http.cc and http_connection.cc know it.
///
///   reading --whole request--> answering --answer--> (written) --> reading ...
///      |                          | stream()                         |
///      | refused, timeout         v                                  | Connection: close
///      +-> lingering <--------- streaming                            +-> lingering --> gone
///
/// Lingering: our side is closed, what the client still sends is thrown away for a moment, so that a reset does not
/// overtake our last answer.
class HttpConnection final : runtime::StreamEvents {
 public:
  HttpConnection(HttpCore& core, std::uint64_t id, std::unique_ptr<runtime::Stream> stream, std::string network);
  ~HttpConnection();
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  std::uint64_t id() const { return id_; }
  const std::string& network() const { return network_; }  ///< whose it is counted as; "" = nobody's
  bool is_idle() const { return state_ == State::reading && in_.empty() && requests_ > 0; }
  bool is_streaming() const { return state_ == State::streaming; }
  Instant idle_since() const { return idle_since_; }
  std::size_t waiting_bytes() const {
    return out_.size() - written_ + fixed_.size() + static_cast<std::size_t>(source_left_);
  }

  void answer(std::uint64_t request, const HttpResponse& response);
  bool start_stream(std::uint64_t request, const HttpHeaders& headers);
  bool send_event(std::string_view event, std::string_view data);
  /// Answers before any request was read, and closes.
  void turn_away(const HttpResponse& response);
  void close();

 private:
  enum class State : std::uint8_t { reading, answering, streaming, lingering, gone };
  void on_readable() override;
  void on_writable() override;
  void on_deadline();
  void read_some();
  void process();
  bool step();
  void refuse(int status);
  bool feed_sink();
  bool end_sink();
  void hand_over(const TakeStream& take);
  bool refill();
  void put_head(const HttpResponse& response, bool with_body);
  void start_sending();
  void flush();
  bool write_out();
  void wait_to_write();
  void after_write();
  void linger();
  void fail_now();
  void set_deadline(Seconds in);
  void watch();
  void unwatch();

  HttpCore& core_;
  std::uint64_t id_;
  std::string network_;
  std::unique_ptr<runtime::Stream> stream_;
  runtime::Timer timer_, write_again_;
  HttpParser parser_;
  std::string in_, out_;
  Bytes fixed_;                               ///< what of the answer's fixed body is not written yet; goes after out_
  std::shared_ptr<const BodySource> source_;  ///< goes after both
  std::uint64_t source_at_ = 0, source_left_ = 0;
  std::unique_ptr<BodySink> sink_;       ///< of the request that is being read
  std::size_t fed_ = 0;                  ///< to it since the deadline was set
  std::size_t written_ = 0, taken_ = 0;  ///< taken_: by the client since the deadline was set
  std::uint64_t requests_ = 0;
  Instant idle_since_;
  State state_ = State::reading;
  bool head_only_ = false, keep_alive_ = true, peer_closed_ = false, read_paused_ = false, processing_ = false;
  bool body_deadline_ = false, in_request_ = false, watched_ = false, sending_ = false;
};

/// What the server and its connections share. Responders hold it weakly.
class HttpCore : public std::enable_shared_from_this<HttpCore> {
 public:
  HttpCore(runtime::Loop& l, HttpHandler& h, HttpServerLimits m) : loop(l), handler(h), limits(m) {}
  void start();
  void accept(std::unique_ptr<runtime::Stream> stream);
  HttpConnection* find(std::uint64_t id);
  /// The connection is destroyed at the end of this pass: it may be on the call stack now.
  void bury(std::uint64_t id);
  HttpResponder responder(std::uint64_t connection, std::uint64_t request) {
    return HttpResponder(weak_from_this(), connection, request);
  }

  runtime::Loop& loop;
  HttpHandler& handler;
  HttpServerLimits limits;
  HttpServer::Counters counters;
  std::unordered_map<std::uint64_t, std::unique_ptr<HttpConnection>> connections;

 private:
  bool make_room(std::string_view network);
  std::unordered_map<std::string, std::size_t> per_network_;
  std::vector<std::unique_ptr<HttpConnection>> graves_;
  std::uint64_t next_id_ = 1;
};

}  // namespace tercet::openapi
