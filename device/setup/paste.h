#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tercet/base/bytes.h"

namespace tercet::setup {

/// A JSON object that a person pastes into a console, over as many lines as it has: its end is where its braces close.
/// What is within them, whoever wants the object judges.
class Paste {
 public:
  enum class State : std::uint8_t { waiting, inside, whole, too_long, cancelled };

  /// `room` outlives the paste.
  explicit Paste(MutableBytes room) : room_(room) {}
  /// The next character typed. Escape, Ctrl-C and Ctrl-D cancel; what is there before the first brace is passed over.
  /// After whole, too_long (told at the end) and cancelled nothing changes any more.
  State add(char c);
  State state() const { return state_; }
  /// Once it is whole; a view into `room`.
  std::string_view text() const { return as_text(Bytes{room_.first(size_)}); }

 private:
  MutableBytes room_;
  std::size_t size_ = 0, depth_ = 0;
  bool quoted_ = false, escaped_ = false, fits_ = true;
  State state_ = State::waiting;
};

}  // namespace tercet::setup
