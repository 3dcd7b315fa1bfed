// WebSocket frames and requests of strangers: the same bytes of messages whatever the pieces are, never more than came.
#include <algorithm>
#include <cstdlib>
#include <string>

#include "platform/runtime/web_socket_frame.h"
#include "platform/runtime/web_socket_handshake.h"

namespace {

using tercet::runtime::WebSocketReader;

std::string read(tercet::Bytes wire, std::size_t piece) {
  std::string seen;
  WebSocketReader reader;
  for (std::size_t at = 0; at < wire.size(); at += piece) {
    const tercet::Bytes in = wire.subspan(at, std::min(piece, wire.size() - at));
    std::string part(tercet::as_text(in));
    auto* const begin = reinterpret_cast<std::uint8_t*>(part.data());
    tercet::Bytes rest{begin, part.size()};
    std::size_t written = 0;
    while (!rest.empty()) {
      const auto step = reader.take(rest, begin + written);
      written += step.written;
      if (step.used == 0 || step.used > rest.size() || written > part.size()) std::abort();
      rest = rest.subspan(step.used);
      if (step.event == WebSocketReader::Event::none) continue;
      if (reader.control().size() > 125) std::abort();
      if (step.event == WebSocketReader::Event::ping || step.event == WebSocketReader::Event::pong) continue;
      return seen.append(part, 0, written).append(std::to_string(reader.close_code()));
    }
    seen.append(part, 0, written);
  }
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const tercet::Bytes wire{data + 1, size - 1};
  if (read(wire, std::max<std::size_t>(wire.size(), 1)) != read(wire, data[0] % 7 + 1U)) std::abort();
  const auto offer = tercet::runtime::parse_web_socket_offer(tercet::as_text(wire));
  if (offer) static_cast<void>(tercet::runtime::answer_web_socket(*offer, (data[0] & 1) != 0).text());
  return 0;
}
