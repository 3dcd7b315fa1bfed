#include "platform/runtime/web_socket_handshake.h"

#include <array>

#include "tercet/base/bytes.h"
#include "tercet/crypto/digest.h"
#include "tercet/crypto/encoding.h"

namespace tercet::runtime {
namespace {

constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // [RFC 6455 1.3]

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool same(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (lower(a[i]) != lower(b[i])) return false;
  return true;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Whether `list`, "a, b", has that word.
bool has_word(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    const auto comma = list.find(',');
    if (same(trimmed(list.substr(0, comma)), word)) return true;
    if (comma == std::string_view::npos) return false;
    list.remove_prefix(comma + 1);
  }
  return false;
}

/// "https://example.com" and "example.com" are the same place.
bool is_own_page(const WebSocketOffer& offer) {
  const auto scheme = offer.origin.find("://");
  return scheme != std::string_view::npos && !offer.host.empty() && same(offer.origin.substr(scheme + 3), offer.host);
}

/// [RFC 6455 4.1] sixteen bytes in base64.
bool is_key(std::string_view key) {
  std::array<std::uint8_t, 16> nonce{};
  if (key.size() != 24) return false;
  const auto decoded = crypto::decode_base64(key, nonce);
  return decoded && decoded->size() == nonce.size();
}

std::string accept_of(std::string_view key) {
  crypto::Hash hash(crypto::Algorithm::sha1);
  const crypto::Digest digest = hash.add(key).add(kGuid).finish();
  std::array<char, 28> text{};
  const auto encoded = crypto::encode_base64(digest.view(), text);
  return encoded ? std::string(*encoded) : std::string();
}

WebSocketAnswer refused(int status, std::string_view why) {
  WebSocketAnswer answer;
  answer.status = status;
  answer.why = why;
  return answer;
}

}  // namespace

std::optional<WebSocketOffer> parse_web_socket_offer(std::string_view head) {
  const auto line_end = head.find("\r\n");
  if (line_end == std::string_view::npos) return std::nullopt;
  const std::string_view line = head.substr(0, line_end);
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || last <= first || !line.substr(last + 1).starts_with("HTTP/1."))
    return std::nullopt;
  WebSocketOffer offer;
  offer.is_get = line.substr(0, first) == "GET" && line.substr(last + 1) == "HTTP/1.1";
  offer.path = line.substr(first + 1, last - first - 1);
  head.remove_prefix(line_end + 2);
  while (!head.empty() && !head.starts_with("\r\n")) {
    const auto end = head.find("\r\n");
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view field = head.substr(0, end);
    const auto colon = field.find(':');
    if (colon == std::string_view::npos || colon == 0) return std::nullopt;
    const std::string_view name = field.substr(0, colon), value = trimmed(field.substr(colon + 1));
    if (same(name, "host")) offer.host = value;
    if (same(name, "upgrade")) offer.upgrade = value;
    if (same(name, "connection")) offer.connection = value;
    if (same(name, "origin")) offer.origin = value;
    if (same(name, "sec-websocket-version")) offer.version = value;
    if (same(name, "sec-websocket-key")) offer.key = value;
    if (same(name, "sec-websocket-protocol")) offer.protocols = value;
    head.remove_prefix(end + 2);
  }
  if (head.empty()) return std::nullopt;
  return offer;
}

bool asks_for_web_socket(const WebSocketOffer& offer) { return has_word(offer.upgrade, "websocket"); }

WebSocketAnswer answer_web_socket(const WebSocketOffer& offer, bool pages_of_others) {
  if (!offer.is_get || !asks_for_web_socket(offer) || !has_word(offer.connection, "upgrade"))
    return refused(426, "Here is MQTT, and MQTT over WebSocket: no page. Use mqtts://, or wss:// with the path /mqtt.");
  if (offer.version != "13") return refused(426, "Only version 13 of the WebSocket protocol is spoken here.");
  if (!is_key(offer.key)) return refused(400, "Sec-WebSocket-Key must be 16 bytes in base64.");
  if (!offer.origin.empty() && !pages_of_others && !is_own_page(offer))
    return refused(403, "This port lets in without a login, so pages of other hosts are kept out of it.");
  WebSocketAnswer answer;
  for (const std::string_view known : {"mqtt", "mqttv3.1"})
    if (answer.protocol.empty() && has_word(offer.protocols, known)) answer.protocol = known;
  if (answer.protocol.empty() && !offer.protocols.empty())
    return refused(400, "The subprotocol must be mqtt (or mqttv3.1).");
  answer.accepted = true;
  answer.accept = accept_of(offer.key);
  return answer;
}

std::string WebSocketAnswer::text() const {
  std::string out;
  if (accepted) {
    out = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ";
    out.append(accept).append("\r\n");
    if (!protocol.empty()) out.append("Sec-WebSocket-Protocol: ").append(protocol).append("\r\n");
    return out.append("\r\n");
  }
  out = status == 400   ? "HTTP/1.1 400 Bad Request\r\n"
        : status == 403 ? "HTTP/1.1 403 Forbidden\r\n"
                        : "HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
  out.append("Content-Type: text/plain;charset=utf-8\r\nConnection: close\r\nContent-Length: ");
  out.append(std::to_string(why.size() + 1)).append("\r\n\r\n").append(why).append("\n");
  return out;
}

}  // namespace tercet::runtime
