#pragma once
#include "platform/openapi/http.h"
#include "platform/registry/file_links.h"
#include "platform/registry/registry.h"
#include "platform/upgrade/upgrades.h"

namespace tercet::openapi {

/// What devices fetch over HTTPS by a signed address (FileLinks): the configuration files of their products, and
/// firmware, which is read while it is sent. Nothing
/// else is behind this port. GET and HEAD, with `Range: bytes=a-` or `a-b`; Content-Length always, no redirects, no
/// chunks (device-protocol 7.5). Management loop.
class DeviceFiles final : public HttpHandler {
 public:
  DeviceFiles(runtime::Loop& loop, registry::Registry& registry, const registry::FileLinks& links,
              upgrade::Upgrades* upgrades = nullptr)
      : loop_(loop), registry_(registry), links_(links), upgrades_(upgrades) {}
  void on_request(HttpRequest request, HttpResponder respond) override;

 private:
  HttpResponse answer(const HttpRequest& request);
  HttpResponse script(std::string_view path);
  HttpResponse firmware(std::string_view path, std::string_view range);
  runtime::Loop& loop_;
  registry::Registry& registry_;
  const registry::FileLinks& links_;
  upgrade::Upgrades* upgrades_;
};

}  // namespace tercet::openapi
