#include "ports/posix/board.h"

#include <algorithm>
#include <array>

namespace tercet::posix {

Board::Board(const BoardConfig& config)
    : network_(config.host),
      secrets_(config.triple_file),
      log_(config.log_level),
      store_(config.state_directory.empty() ? nullptr : std::make_unique<FileStore>(config.state_directory)),
      transport_(config.trust, clock_),
      file_transport_(config.trust, clock_),
      image_transport_(config.trust, clock_) {
  if (config.state_directory.empty()) return;
  auto flash = FileFlash::open(config.state_directory + "/outbox", config.outbox_sectors);
  if (flash)
    flash_ = std::move(*flash);
  else
    log_.line(device::LogLevel::error,
              flash.error() == Error::would_block
                  ? "outbox: another process uses this state directory; posts wait in memory only"
                  : "outbox: the file cannot be used; posts wait in memory only");
}

device::Port Board::port() {
  return {transport_, clock_, random_, network_, secrets_, &datagram_, store_.get(), &log_, nullptr, flash_.get()};
}

void Board::wait(Instant at) {
  constexpr Millis kLongest{60'000};
  const Instant due =
      std::min({at, transport_.next_deadline(), file_transport_.next_deadline(), image_transport_.next_deadline()});
  const Millis left = due - clock_.now();
  const Millis timeout = std::clamp(left, Millis{0}, kLongest);
  std::array<pollfd, 4> fds{transport_.interest(), file_transport_.interest(), image_transport_.interest(),
                            datagram_.interest()};
  static_cast<void>(::poll(fds.data(), fds.size(), static_cast<int>(timeout.count())));
}

}  // namespace tercet::posix
