#pragma once
#include "platform/file/files.h"
#include "platform/openapi/http.h"
#include "platform/registry/file_links.h"
#include "platform/registry/registry.h"
#include "platform/upgrade/upgrades.h"

namespace tercet::openapi {

/// What is fetched over HTTPS by a signed address (FileLinks): by devices the configuration files of their products and
/// firmware, by people what devices have uploaded; the last two are read while they are sent. Nothing else is behind
/// this port. GET and HEAD, with `Range: bytes=a-` or `a-b`; Content-Length always, no redirects, no
/// chunks (device-protocol 7.5). Management loop.
class DeviceFiles final : public HttpHandler {
 public:
  DeviceFiles(runtime::Loop& loop, registry::Registry& registry, const registry::FileLinks& links,
              upgrade::Upgrades* upgrades = nullptr, file::Files* files = nullptr)
      : loop_(loop), registry_(registry), links_(links), upgrades_(upgrades), files_(files) {}
  void on_request(HttpRequest request, HttpResponder respond) override;

 private:
  HttpResponse answer(const HttpRequest& request);
  HttpResponse job_file(std::string_view key, std::string_view range);
  HttpResponse script(std::string_view path);
  HttpResponse uploaded(std::string_view id, std::string_view range);
  HttpResponse firmware(std::string_view path, std::string_view range);
  runtime::Loop& loop_;
  registry::Registry& registry_;
  const registry::FileLinks& links_;
  upgrade::Upgrades* upgrades_;
  file::Files* files_;
};

}  // namespace tercet::openapi
