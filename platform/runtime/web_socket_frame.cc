#include "platform/runtime/web_socket_frame.h"

#include <algorithm>
#include <cstring>

namespace tercet::runtime {
namespace {

constexpr std::uint8_t kFinal = 0x80, kReserved = 0x70, kMasked = 0x80, kLength = 0x7F;
constexpr std::uint8_t kLength16 = 126, kLength64 = 127;
constexpr std::size_t kMostControl = 125;
constexpr std::uint16_t kProtocolError = 1002, kUnsupportedData = 1003, kNoCode = 1005;

std::uint64_t big_endian(const std::uint8_t* at, std::size_t bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i) value = value << 8 | at[i];
  return value;
}

/// How many bytes hold the length that a second byte of `length` announces.
std::size_t further_length_bytes(std::uint8_t length) { return length == kLength64 ? 8 : length == kLength16 ? 2 : 0; }

/// What a close frame may say [RFC 6455 7.4]: 1004 to 1006, 1015 and what is below 1000 are never sent.
bool is_close_code(std::uint16_t code) {
  return (code >= 1000 && code <= 1014 && (code < 1004 || code > 1006)) || (code >= 3000 && code <= 4999);
}

}  // namespace

WebSocketHeader web_socket_header(WebSocketOpcode opcode, std::uint64_t payload_bytes) {
  WebSocketHeader header;
  header.bytes[0] = static_cast<std::uint8_t>(kFinal | static_cast<std::uint8_t>(opcode));
  std::size_t length_bytes = 0;
  if (payload_bytes <= kMostControl) {
    header.bytes[1] = static_cast<std::uint8_t>(payload_bytes);
  } else {
    length_bytes = payload_bytes <= 0xFFFF ? 2 : 8;
    header.bytes[1] = length_bytes == 2 ? kLength16 : kLength64;
  }
  for (std::size_t i = 0; i < length_bytes; ++i)
    header.bytes[2 + i] = static_cast<std::uint8_t>(payload_bytes >> (8 * (length_bytes - 1 - i)));
  header.size = 2 + length_bytes;
  return header;
}

bool WebSocketReader::refuse(std::uint16_t code, const char* why) {
  close_code_ = code;
  fault_ = why;
  return false;
}

/// How much more of the header is taken from `in`.
std::size_t WebSocketReader::take_header(Bytes in) {
  std::size_t want = 2;
  if (have_ >= 2) want = 2 + further_length_bytes(header_[1] & kLength) + 4;
  const std::size_t n = std::min(want - have_, in.size());
  std::memcpy(header_.data() + have_, in.data(), n);
  have_ = static_cast<std::uint8_t>(have_ + n);
  return n;
}

/// Judges the header as far as it has come; sets in_payload_ once it is whole. False: it is refused.
bool WebSocketReader::begin_frame() {
  if (have_ < 2) return true;
  const std::uint8_t length = header_[1] & kLength;
  const std::size_t further = further_length_bytes(length);
  if (have_ == 2) {  // what the first two bytes show is refused at once
    if ((header_[0] & kReserved) != 0) return refuse(kProtocolError, "reserved bits are set");
    if ((header_[1] & kMasked) == 0) return refuse(kProtocolError, "a frame of a client without a mask");
    switch (opcode()) {
      case WebSocketOpcode::close:
      case WebSocketOpcode::ping:
      case WebSocketOpcode::pong:
        if ((header_[0] & kFinal) == 0) return refuse(kProtocolError, "a control frame in fragments");
        if (length > kMostControl) return refuse(kProtocolError, "a control frame of over 125 bytes");
        break;
      case WebSocketOpcode::continuation:
        if (!in_message_) return refuse(kProtocolError, "a continuation of no message");
        in_message_ = (header_[0] & kFinal) == 0;
        break;
      case WebSocketOpcode::binary:
        if (in_message_) return refuse(kProtocolError, "a new message inside one in fragments");
        in_message_ = (header_[0] & kFinal) == 0;
        break;
      case WebSocketOpcode::text:
        return refuse(kUnsupportedData, "a text frame: MQTT goes in binary frames");
      default:
        return refuse(kProtocolError, "an opcode that does not exist");
    }
  }
  if (have_ < 2 + further + 4) return true;
  left_ = further == 0 ? length : big_endian(header_.data() + 2, further);
  if (further == 2 && left_ <= kMostControl) return refuse(kProtocolError, "a length that is not in its shortest form");
  if (further == 8 && (left_ <= 0xFFFF || left_ >> 63 != 0))
    return refuse(kProtocolError, "a length that is not in its shortest form");
  mask_at_ = static_cast<std::uint8_t>(2 + further);
  turn_ = 0;
  in_payload_ = true;
  if (is_control()) control_.clear();
  return true;
}

WebSocketReader::Event WebSocketReader::end_control() {
  if (opcode() == WebSocketOpcode::ping) return Event::ping;
  if (opcode() == WebSocketOpcode::pong) return Event::pong;
  close_code_ = kNoCode;
  if (control_.empty()) return Event::close;
  const auto* const said = reinterpret_cast<const std::uint8_t*>(control_.data());
  if (control_.size() >= 2) close_code_ = static_cast<std::uint16_t>(big_endian(said, 2));
  if (control_.size() >= 2 && is_close_code(close_code_)) return Event::close;
  refuse(kProtocolError, "a close frame with a code that does not exist");
  return Event::broken;
}

WebSocketReader::Step WebSocketReader::take(Bytes in, std::uint8_t* out) {
  Step step;
  if (close_code_ != 0) return {in.size(), 0, Event::broken};  // nothing may come any more
  while (step.used < in.size() || (in_payload_ && left_ == 0)) {
    if (!in_payload_) {
      step.used += take_header(in.subspan(step.used));
      if (!begin_frame()) {
        step.event = Event::broken;
        return step;
      }
      continue;
    }
    const std::size_t n = static_cast<std::size_t>(std::min<std::uint64_t>(left_, in.size() - step.used));
    const std::uint8_t* const mask = header_.data() + mask_at_;
    const std::uint8_t* const from = in.data() + step.used;
    std::uint8_t turn = turn_;
    if (is_control()) {
      for (std::size_t i = 0; i < n; ++i, turn = (turn + 1) & 3)
        control_.push_back(static_cast<char>(from[i] ^ mask[turn]));
    } else {
      for (std::size_t i = 0; i < n; ++i, turn = (turn + 1) & 3)
        out[step.written + i] = static_cast<std::uint8_t>(from[i] ^ mask[turn]);
      step.written += n;
    }
    turn_ = turn;
    step.used += n;
    left_ -= n;
    if (left_ != 0) break;
    in_payload_ = false;
    have_ = 0;
    if (!is_control()) continue;
    step.event = end_control();
    return step;
  }
  return step;
}

}  // namespace tercet::runtime
