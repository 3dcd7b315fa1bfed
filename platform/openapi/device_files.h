#pragma once
#include "platform/openapi/http.h"
#include "platform/registry/file_links.h"
#include "platform/registry/registry.h"

namespace tercet::openapi {

/// What devices fetch over HTTPS by a signed address (FileLinks): the configuration files of their products. Nothing
/// else is behind this port. GET and HEAD, with `Range: bytes=a-` or `a-b`; Content-Length always, no redirects, no
/// chunks (device-protocol 7.5). Management loop.
class DeviceFiles final : public HttpHandler {
 public:
  DeviceFiles(runtime::Loop& loop, registry::Registry& registry, const registry::FileLinks& links)
      : loop_(loop), registry_(registry), links_(links) {}
  void on_request(HttpRequest request, HttpResponder respond) override;

 private:
  HttpResponse answer(const HttpRequest& request);
  runtime::Loop& loop_;
  registry::Registry& registry_;
  const registry::FileLinks& links_;
};

}  // namespace tercet::openapi
