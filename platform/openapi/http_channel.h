#pragma once
#include <map>
#include <string>
#include <vector>

#include "platform/broker/visits.h"
#include "platform/openapi/http.h"
#include "platform/registry/http_logins.h"

namespace tercet::openapi {

/// What the channel needs of one shard; both live on its thread.
struct HttpChannelShard {
  registry::HttpLogins* logins;
  broker::Visits* visits;
};

/// Devices without MQTT: POST /auth gives a token, POST /topic/... publishes with it (device-protocol 10.1). Every
/// answer is HTTP 200 with `code`, `message` and `info`; a message is answered when it is durable. Both are decided on
/// the device's home shard. Management loop.
class HttpChannel final : public HttpHandler {
 public:
  static constexpr std::size_t kMostBody = 128 * 1024;
  static constexpr std::size_t kMostWaiting = 1000;  ///< refused logins whose answer is delayed; beyond, at once
  static constexpr Millis kLongestDelay{20'000};     ///< HTTP clients do not wait longer

  HttpChannel(runtime::Loop& loop, runtime::Shards& shards, std::vector<HttpChannelShard> parts);
  void on_request(HttpRequest request, HttpResponder respond) override;

 private:
  void log_in(const HttpRequest& request, HttpResponder respond);
  void publish(HttpRequest request, HttpResponder respond);
  void answer_login(const registry::HttpLogins::Login& login, HttpResponder respond);
  std::string next_message_id();
  static void on_timer(void* self) { static_cast<HttpChannel*>(self)->send_delayed(); }
  void send_delayed();

  runtime::Loop& loop_;
  runtime::Shards& shards_;
  std::vector<HttpChannelShard> parts_;
  std::multimap<Instant, HttpResponder> delayed_;
  runtime::Timer timer_;
  std::uint64_t messages_ = 0;
};

}  // namespace tercet::openapi
