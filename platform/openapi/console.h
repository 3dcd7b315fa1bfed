#pragma once
#include <deque>
#include <string>
#include <string_view>

#include "platform/openapi/gateway.h"
#include "platform/openapi/http.h"
#include "platform/openapi/live_updates.h"
#include "platform/openapi/sessions.h"

namespace tercet::openapi {

/// What the page asks for, below /console/:
///
///   POST /console/login         {"password":..} or {"token":..}  -> the session cookie
///   POST /console/logout
///   GET  /console/session       {"LoggedIn":true|false}
///   POST /console/api/{Action}  parameters as a JSON object; the same actions and answers as the OpenAPI
///   GET  /console/events        server-sent events, ?ProductKey=&DeviceName= for one device
///
/// The session is an HttpOnly, SameSite=Strict cookie; every POST must also carry the header X-Tercet-Console, which a
/// foreign page cannot send. Whatever is not as it should be is denied. Management loop.
class Console {
 public:
  Console(Services& services, Gateway& gateway, LiveUpdates& updates);

  void on_request(const HttpRequest& request, HttpResponder respond);
  /// For the address that `tercet serve` prints: /login?token=...
  std::string make_login_token();
  std::size_t session_count() const { return sessions_.size(); }

 private:
  /// A password that is to be tried, now or when its turn comes.
  struct Try {
    std::string network, password;
    bool tls = false;
    HttpResponder respond;
  };
  void log_in(const HttpRequest& request, const HttpResponder& respond);
  void try_password(const Try& one);
  void try_next();
  void let_in(bool tls, const HttpResponder& respond);
  void log_out(const HttpRequest& request, const HttpResponder& respond);
  void call(const HttpRequest& request, const HttpResponder& respond);
  void stream(const HttpRequest& request, const HttpResponder& respond);
  bool is_logged_in(const HttpRequest& request);

  Services& services_;
  Gateway& gateway_;
  LiveUpdates& updates_;
  Sessions sessions_;
  LoginBrake brake_;
  std::deque<Try> waiting_;
  runtime::Timer turn_;
};

}  // namespace tercet::openapi
