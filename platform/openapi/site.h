#pragma once
#include "platform/openapi/assets.h"
#include "platform/openapi/console.h"
#include "platform/openapi/gateway.h"
#include "platform/openapi/health.h"
#include "platform/openapi/http.h"
#include "platform/openapi/live_updates.h"

namespace tercet::openapi {

/// Everything the HTTP port offers: the OpenAPI and the page at `/`, the page's own interface below /console/, and the
/// three addresses for monitors. Adds the security headers to every answer. Management loop.
///
///   Site site{services, find_asset};  HttpServer server{loop, site};
///   loop.listen(address, [&](auto stream) { server.accept(std::move(stream)); });
///
/// Destroy it after the shards' loops have stopped.
class Site final : public HttpHandler {
 public:
  Site(Services services, FindAsset find_asset);

  void on_request(HttpRequest request, HttpResponder respond) override;
  /// Firmware that is uploaded (upload.h).
  std::unique_ptr<BodySink> open_sink(const HttpRequest& head) override;

  Console& console() { return console_; }
  Gateway& gateway() { return gateway_; }
  Health& health() { return health_; }
  LiveUpdates& updates() { return updates_; }

 private:
  void serve_page(const HttpRequest& request, const HttpResponder& respond);

  Services services_;
  FindAsset find_asset_;
  Gateway gateway_;
  LiveUpdates updates_;
  Console console_;
  Health health_;
};

}  // namespace tercet::openapi
