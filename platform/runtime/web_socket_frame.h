#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "tercet/base/bytes.h"

namespace tercet::runtime {

/// What a WebSocket frame is (RFC 6455 5.2).
enum class WebSocketOpcode : std::uint8_t {
  continuation = 0x0,
  text = 0x1,
  binary = 0x2,
  close = 0x8,
  ping = 0x9,
  pong = 0xA,
};

/// The first bytes of a frame of ours: one whole binary message or control frame, not masked, as servers send.
struct WebSocketHeader {
  std::array<std::uint8_t, 10> bytes{};
  std::size_t size = 0;  ///< 2, 4 or 10
  Bytes view() const { return {bytes.data(), size}; }
};
WebSocketHeader web_socket_header(WebSocketOpcode opcode, std::uint64_t payload_bytes);

/// Reads the frames of a client, in whatever pieces they come, and gives the bytes of its binary messages: MQTT does
/// not mind where frames begin and end [MQTT-6.0.0-4]. Keeps no payload of messages, so that their size needs no bound.
/// Refused: frames without a mask, text [MQTT-6.0.0-1], reserved bits and opcodes, lengths that are not in their
/// shortest form, control frames in fragments or over 125 bytes, fragments out of order. 80 bytes.
class WebSocketReader {
 public:
  enum class Event : std::uint8_t {
    none,    ///< everything given was used
    ping,    ///< control() is what the pong carries
    pong,    ///< nothing to do
    close,   ///< close_code() is what the peer said; nothing comes after it
    broken,  ///< fault() and close_code() say why; nothing may be read after it
  };
  struct Step {
    std::size_t used = 0;     ///< of the bytes given; stops behind a control frame
    std::size_t written = 0;  ///< bytes of messages, unmasked
    Event event = Event::none;
  };
  /// `out` takes as many bytes as `in` has, and may be where `in` is, or before it.
  Step take(Bytes in, std::uint8_t* out);
  /// The payload of the control frame that was met last, until the next take().
  std::string_view control() const { return control_; }
  /// close: the peer's code, 1005 without one. broken: what we answer.
  std::uint16_t close_code() const { return close_code_; }
  /// What is wrong, for the journal.
  const char* fault() const { return fault_; }

 private:
  std::size_t take_header(Bytes in);
  bool begin_frame();
  Event end_control();
  bool refuse(std::uint16_t code, const char* why);
  WebSocketOpcode opcode() const { return static_cast<WebSocketOpcode>(header_[0] & 0x0F); }
  bool is_control() const { return (header_[0] & 0x08) != 0; }

  std::uint64_t left_ = 0;  ///< of the payload of the frame under way
  std::string control_;
  const char* fault_ = "";
  std::array<std::uint8_t, 14> header_{};  ///< ends with the mask
  std::uint16_t close_code_ = 0;
  std::uint8_t have_ = 0;     ///< of the header; all of it while the payload is read
  std::uint8_t mask_at_ = 0;  ///< where in header_ the mask begins
  std::uint8_t turn_ = 0;     ///< which byte of the mask is next
  bool in_payload_ = false;
  bool in_message_ = false;  ///< a message in fragments has begun
};

}  // namespace tercet::runtime
