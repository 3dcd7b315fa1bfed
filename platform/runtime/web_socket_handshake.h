#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace tercet::runtime {

/// What a client says when it asks for a WebSocket (RFC 6455 4.1). Views of the request.
struct WebSocketOffer {
  bool is_get = false;  ///< and HTTP/1.1
  std::string_view path;
  std::string_view host;
  std::string_view upgrade, connection, version, key, protocols, origin;
};

/// The offer in the head of a request, which ends with an empty line. Nothing when that is no HTTP.
std::optional<WebSocketOffer> parse_web_socket_offer(std::string_view head);

/// Whether it asks for a WebSocket at all.
bool asks_for_web_socket(const WebSocketOffer& offer);

struct WebSocketAnswer {
  bool accepted = false;
  int status = 101;      ///< what is not accepted: 400, 403 or 426
  std::string protocol;  ///< the one chosen of those offered; "" when none was offered
  std::string accept;    ///< Sec-WebSocket-Accept
  std::string why;       ///< of a refusal, with what to do
  /// The whole answer, to be sent as it is.
  std::string text() const;
};
/// Judges an offer of MQTT: any path, subprotocol `mqtt` before `mqttv3.1`, none if none is offered (device-protocol
/// 10.3). `pages_of_others` false: a page that came from another host may not, for ports that let in without a login.
WebSocketAnswer answer_web_socket(const WebSocketOffer& offer, bool pages_of_others);

}  // namespace tercet::runtime
