#include "setup/paste.h"

namespace tercet::setup {

Paste::State Paste::add(char c) {
  if (state_ != State::waiting && state_ != State::inside) return state_;
  if (c == '\x1b' || c == '\x03' || c == '\x04') return state_ = State::cancelled;
  if (state_ == State::waiting && c != '{') return state_;
  state_ = State::inside;
  if (c == '\r') c = '\n';  // what a terminal sends at the end of a line
  if (size_ < room_.size())
    room_[size_++] = static_cast<std::uint8_t>(c);
  else
    fits_ = false;
  if (quoted_) {
    if (!escaped_ && c == '"') quoted_ = false;
    escaped_ = !escaped_ && c == '\\';
    return state_;
  }
  if (c == '"') quoted_ = true;
  if (c == '{') ++depth_;
  if (c == '}') --depth_;
  if (depth_ == 0) state_ = fits_ ? State::whole : State::too_long;
  return state_;
}

}  // namespace tercet::setup
