#pragma once
#include <atomic>
#include <string>
#include <string_view>
#include <vector>

#include "platform/rule/sink.h"
#include "platform/sink/settings.h"

namespace tercet::sink {

/// One request to a web server.
struct HttpRequest {
  std::string method = "POST", url, body;
  std::vector<std::string> headers;  ///< "Name: value"
};
struct HttpAnswer {
  int status = 0;       ///< 0: there was none
  std::string body;     ///< its first 64 KB
  std::string problem;  ///< why there was none
  int retry_after = 0;  ///< seconds; 0: not said
};

/// How a server is reached: certificates are checked, redirects are not followed. Used by one thread.
class HttpClient {
 public:
  struct Options {
    std::string ca;              ///< PEM, instead of the system's; "" for those
    std::string user, password;  ///< Basic; "" for none
    std::int64_t timeout_ms = 10'000;
    /// Reads ca, user, password and timeout_ms.
    static Options read(Settings& settings);
  };
  explicit HttpClient(Options options);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  HttpAnswer perform(const HttpRequest& request);
  /// Ends what is under way, and fails what follows. Any thread.
  void interrupt() { is_interrupted_.store(true); }

 private:
  Options options_;
  void* curl_ = nullptr;  ///< kept, so that the connection is
  std::atomic<bool> is_interrupted_{false};
};

/// What an answer means for the records that it is about: 2xx taken; 408, 425, 429, 5xx and none at all: later;
/// anything else: never.
rule::Sent judge(const HttpAnswer& answer, std::size_t records);
/// Whether it is http:// or https:// and has a host; `settings` is told otherwise.
void check_url(Settings& settings, std::string_view name, std::string_view url);
/// Lower-case hexadecimal, and Base64, of an HMAC-SHA256.
std::string hmac_sha256_hex(std::string_view key, std::string_view text);
std::string hmac_sha256_base64(std::string_view key, std::string_view text);
/// For a query string.
std::string percent_encoded(std::string_view text);

}  // namespace tercet::sink
