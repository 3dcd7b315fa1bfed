#include "platform/openapi/device_port.h"

#include "platform/runtime/web_socket_stream.h"

namespace tercet::openapi {
namespace {

runtime::WebSocketOffer offer_of(const HttpRequest& request) {
  runtime::WebSocketOffer offer;
  offer.is_get = request.method == HttpRequest::Method::get;
  offer.path = request.path;
  offer.host = request.header("host");
  offer.upgrade = request.header("upgrade");
  offer.connection = request.header("connection");
  offer.version = request.header("sec-websocket-version");
  offer.key = request.header("sec-websocket-key");
  offer.protocols = request.header("sec-websocket-protocol");
  offer.origin = request.header("origin");
  return offer;
}

bool is_below(std::string_view route, std::string_view path) {
  return route.ends_with('/') ? path.starts_with(route) : path == route;
}

}  // namespace

TakeStream DevicePort::open_stream(const HttpRequest& request) {
  const runtime::WebSocketOffer offer = offer_of(request);
  if (!take_socket_ || !runtime::asks_for_web_socket(offer)) return {};
  auto answer = runtime::answer_web_socket(offer, true);
  if (!answer.accepted) return {};
  return [this, answer = std::move(answer)](std::unique_ptr<runtime::Stream> stream, std::string unread) {
    take_socket_(runtime::WebSocketStream::open(std::move(stream), answer, unread));
  };
}

void DevicePort::on_request(HttpRequest request, HttpResponder respond) {
  const runtime::WebSocketOffer offer = offer_of(request);
  if (runtime::asks_for_web_socket(offer)) {
    if (!take_socket_) return respond(plain_response(403, "MQTT over WebSocket is switched off here."));
    const auto answer = runtime::answer_web_socket(offer, true);
    return respond(plain_response(answer.status, answer.why));
  }
  for (const Route& route : routes_)
    if (is_below(route.path, request.path)) return route.handler->on_request(std::move(request), std::move(respond));
  respond(plain_response(404,
                         "Nothing is here. Devices find files, and their HTTPS and WebSocket channels, on this port."));
}

}  // namespace tercet::openapi
