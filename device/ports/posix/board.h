#pragma once
#include <memory>
#include <string>

#include "ports/posix/datagram.h"
#include "ports/posix/file_flash.h"
#include "ports/posix/files.h"
#include "ports/posix/system.h"
#include "ports/posix/transport.h"
#include "ports/posix/triple_file.h"
#include "tercet/device/port.h"

namespace tercet::posix {

/// A Linux machine as a board: all parts in one object.
struct BoardConfig {
  std::string triple_file;      ///< where the DeviceSecret is, mode 0600
  std::string host;             ///< where it will connect, to know whether the network matters
  Trust trust;                  ///< whom TLS believes
  std::string state_directory;  ///< saved time, settings, and posts that wait; "" = nothing is kept
  device::LogLevel log_level = device::LogLevel::error;
  std::uint32_t outbox_sectors = 64;  ///< of 4 KB each: how much may wait
};

class Board {
 public:
  explicit Board(const BoardConfig& config);
  Board(const Board&) = delete;
  Board& operator=(const Board&) = delete;

  device::Port port();
  device::Clock& clock() { return clock_; }
  device::KeyValueStore* store() { return store_ ? store_.get() : nullptr; }

  /// A second connection beside the client's, believing the same roots: for files over HTTPS.
  device::Transport& file_transport() { return file_transport_; }
  /// And a third, for images of updates: they may come while another file does.
  device::Transport& image_transport() { return image_transport_; }

  /// Sleeps until `at`, or until the network has something, or a signal was handled. One task: the client's.
  void wait(Instant at);

 private:
  SystemClock clock_;
  SystemRandom random_;
  SystemNetwork network_;
  TripleFileSecrets secrets_;
  SocketDatagram datagram_;
  StderrLog log_;
  std::unique_ptr<FileStore> store_;
  std::unique_ptr<FileFlash> flash_;
  SocketTransport transport_, file_transport_, image_transport_;
};

}  // namespace tercet::posix
