#pragma once
#include <map>
#include <utility>

#include "platform/broker/refusal.h"
#include "platform/openapi/http.h"
#include "platform/registry/registry.h"
#include "platform/registry/throttle.h"
#include "tercet/alink/codes.h"
#include "tercet/auth/cause.h"

namespace tercet::openapi {

/// `POST /auth/register/device` (device-protocol 2.10): a board that knows the ProductSecret is told the DeviceSecret
/// of a device that is registered and not active. Answers with HTTP status 200 and compact JSON whatever it says, as
/// the vendor's SDKs want it. Wrong signatures are answered later and later. Management loop.
class DeviceRegistration final : public HttpHandler {
 public:
  static constexpr std::string_view kPath = "/auth/register/device";
  struct Parts {
    runtime::Loop& loop;
    registry::Registry& registry;
    broker::Journal& journal;
  };
  explicit DeviceRegistration(Parts parts, registry::ThrottleLimits limits = {});
  void on_request(HttpRequest request, HttpResponder respond) override;

 private:
  struct Outcome {
    int code = 200;
    std::string_view message = "success";
    std::string data = {};  ///< JSON
    bool guess = false;     ///< it may have been a guess at the ProductSecret
  };
  Outcome answer(const HttpRequest& request);
  Outcome refuse(const HttpRequest& request, std::string_view name, alink::Code code, auth::Cause cause,
                 std::string evidence);
  void send_due();

  Parts parts_;
  registry::Throttle throttle_;
  struct Waiting {
    HttpResponder respond;
    HttpResponse response;
  };
  std::multimap<Instant, Waiting> waiting_;  ///< at most kMostWaiting
  runtime::Timer due_;
};

}  // namespace tercet::openapi
