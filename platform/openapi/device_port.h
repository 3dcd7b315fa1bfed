#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "platform/openapi/http.h"

namespace tercet::openapi {

/// The HTTPS port for devices: who answers which path, and MQTT over WebSocket. Management loop.
class DevicePort final : public HttpHandler {
 public:
  /// `path` as it is, or everything below it when it ends with a slash. The handler outlives the port. What was added
  /// first counts; a path that nobody answers is 404.
  void add(std::string path, HttpHandler& handler) { routes_.push_back({std::move(path), &handler}); }
  /// Takes streams that a client has turned into WebSockets, whatever the path. None: they are refused.
  using TakeSocket = std::function<void(std::unique_ptr<runtime::Stream>)>;
  void take_sockets(TakeSocket take) { take_socket_ = std::move(take); }

  void on_request(HttpRequest request, HttpResponder respond) override;
  TakeStream open_stream(const HttpRequest& request) override;

 private:
  struct Route {
    std::string path;
    HttpHandler* handler;
  };
  std::vector<Route> routes_;
  TakeSocket take_socket_;
};

}  // namespace tercet::openapi
