#include "platform/runtime/web_socket_handshake.h"

#include <doctest/doctest.h>

using namespace tercet::runtime;

namespace {

std::string request(std::string_view change_from = "", std::string_view to = "") {
  std::string text =
      "GET /mqtt HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: http://example.com\r\n"
      "Sec-WebSocket-Protocol: chat, mqttv3.1, mqtt\r\nSec-WebSocket-Version: 13\r\n\r\n";
  if (!change_from.empty()) text.replace(text.find(change_from), change_from.size(), to);
  return text;
}

WebSocketAnswer answered(const std::string& text, bool pages_of_others = true) {
  const auto offer = parse_web_socket_offer(text);
  REQUIRE(offer);
  return answer_web_socket(*offer, pages_of_others);
}

}  // namespace

TEST_CASE("the request of RFC 6455 1.2 is answered with the accept value of RFC 6455 1.3, and mqtt is preferred") {
  const WebSocketAnswer answer = answered(request());
  REQUIRE(answer.accepted);
  CHECK(answer.text() ==
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n");
}

TEST_CASE("names of headers and their words have no case, and any path will do") {
  CHECK(answered(request("Upgrade: websocket", "UPGRADE:   WebSocket ")).accepted);
  CHECK(answered(request("GET /mqtt", "GET /")).accepted);
  CHECK(answered(request("chat, mqttv3.1, mqtt", "mqttv3.1")).protocol == "mqttv3.1");
}

TEST_CASE("a client that offers no subprotocol gets none") {
  const WebSocketAnswer answer = answered(request("Sec-WebSocket-Protocol: chat, mqttv3.1, mqtt\r\n"));
  CHECK(answer.accepted);
  CHECK(answer.text().find("Protocol:") == std::string::npos);
}

TEST_CASE("what is not granted is answered with a status and a reason") {
  struct Row {
    const char *from, *to;
    int status;
  };
  for (const Row& row :
       {Row{"GET", "POST", 426}, Row{"HTTP/1.1", "HTTP/1.0", 426}, Row{"Upgrade: websocket", "Upgrade: h2c", 426},
        Row{"keep-alive, Upgrade", "keep-alive", 426}, Row{"Version: 13", "Version: 8", 426}, Row{"ZQ==", "ZQ", 400},
        Row{"ZQ==", "Z*==", 400}, Row{"chat, mqttv3.1, mqtt", "chat, amqp", 400}}) {
    CAPTURE(row.to);
    const WebSocketAnswer answer = answered(request(row.from, row.to));
    CHECK(!answer.accepted);
    CHECK(answer.status == row.status);
    CHECK(answer.text().find("Connection: close") != std::string::npos);
    CHECK(answer.why.size() > 20);
  }
}

TEST_CASE("where others' pages are kept out, the page of this very host is not") {
  CHECK(answered(request(), false).status == 403);
  CHECK(answered(request("http://example.com", "https://server.example.com"), false).accepted);
  CHECK(answered(request("Origin: http://example.com\r\n"), false).accepted);
  CHECK(answered(request("http://example.com", "null"), false).status == 403);
}

TEST_CASE("a head that is cut off anywhere is no offer") {
  const std::string whole = request();
  for (std::size_t cut = 0; cut < whole.size(); ++cut) CHECK(!parse_web_socket_offer(whole.substr(0, cut)));
  CHECK(!parse_web_socket_offer("\x10\x0e\r\n\r\n"));
  CHECK(!parse_web_socket_offer("GET / HTTP/1.1\r\nno colon\r\n\r\n"));
}
