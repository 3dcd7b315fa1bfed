#pragma once
#include <cstddef>
#include <cstdint>

namespace tercet::emulator {

/// How deep calls go into the stack: paints what lies below, calls, and looks how far the paint is gone.
class StackGauge {
 public:
  [[gnu::noinline]] void run(void (*call)(void*), void* argument) {
    auto* const here = static_cast<std::uint32_t*>(__builtin_frame_address(0));
    paint(here);
    call(argument);
    look(here);
  }
  /// Bytes below run()'s frame, the most of all calls.
  std::size_t deepest() const { return deepest_; }

 private:
  static constexpr std::size_t kWords = 2048;  ///< 8 KB; more than that shows as exactly that
  static constexpr std::size_t kOwn = 32;      ///< words below the frame that paint() itself may stand on
  static constexpr std::uint32_t kPaint = 0xC0FFEE42;

  [[gnu::noinline]] static void paint(std::uint32_t* here) {
    for (volatile std::uint32_t* at = here - kWords; at != here - kOwn; at = at + 1) *at = kPaint;
  }
  [[gnu::noinline]] void look(std::uint32_t* here) {
    const volatile std::uint32_t* at = here - kWords;
    while (at != here - kOwn && *at == kPaint) at = at + 1;
    const auto used = static_cast<std::size_t>(here - at) * sizeof *at;
    if (used > deepest_) deepest_ = used;
  }
  std::size_t deepest_ = 0;
};

}  // namespace tercet::emulator
