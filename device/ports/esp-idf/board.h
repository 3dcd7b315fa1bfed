#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "ports/esp-idf/datagram.h"
#include "ports/esp-idf/mailbox.h"
#include "ports/esp-idf/network.h"
#include "ports/esp-idf/nvs.h"
#include "ports/esp-idf/partition_flash.h"
#include "ports/esp-idf/system.h"
#include "ports/esp-idf/transport.h"
#include "tercet/auth/host.h"
#include "tercet/device/client.h"
#include "tercet/device/port.h"

namespace tercet::idf {

/// An ESP32 as a board: all parts in one object, set up by the Kconfig menu "Tercet: ESP-IDF port". There is one, and
/// it is never destroyed:
///   static idf::Board board;
///   board.open();
/// Everything but mailbox() belongs to the task that runs the client.
class Board {
 public:
  Board();
  Board(const Board&) = delete;
  Board& operator=(const Board&) = delete;

  /// NVS, the network, the outbox's partition, the roots. The network comes up by itself later. Errors: io_failed, NVS
  /// cannot be read; bad_argument, the roots cannot be read (endpoint() refuses then); no_space, not_found: see
  /// start_ethernet(), start_wifi().
  Result<void> open();

  /// The parts, for Device. After open().
  device::Port port();
  /// Where the platform is: what was provisioned, else what the build says. Errors: not_found, neither says; malformed,
  /// the provisioned port is no number; as open(), the roots could not be read.
  Result<device::Endpoint> endpoint();
  /// Options as the Kconfig menu has them: time servers, whether to start from the build's time.
  device::Options options() const;
  /// Joins the provisioned Wi-Fi network; with Ethernet nothing is to be done. Errors: not_found, none is provisioned;
  /// as start_wifi().
  Result<void> join_network();

  /// A connection of the application's own, to a file server say: it believes whom the platform's does, and wait()
  /// wakes for it too. It lives for ever; at most kMostOthers.
  static constexpr std::size_t kMostOthers = 2;
  void add(SocketTransport& other);

  Provisioning& provisioning() { return provisioning_; }
  NetworkState& network() { return network_; }
  device::Clock& clock() { return clock_; }
  device::KeyValueStore& store() { return store_; }
  Mailbox& mailbox() { return mailbox_; }
  TaskWatchdog& watchdog() { return watchdog_; }

  /// Runs the jobs in the mailbox, then sleeps until `at`, the network has something, or a job comes: a tenth of a
  /// second later at most. Returns after a few seconds in any case, so that the watchdog is fed.
  void wait(Instant at);

 private:
  Result<void> load_trust();
  Result<void> start_ethernet_if_built();
  static void pause(Millis longest);

  SystemClock clock_;
  SystemRandom random_;
  SystemLog log_;
  TaskWatchdog watchdog_;
  NetworkState network_;
  Provisioning provisioning_;
  NvsSecrets secrets_{provisioning_};
  NvsStore store_{"tercet_state"};
  Mailbox mailbox_;
  SocketTransport transport_;
  std::array<SocketTransport*, kMostOthers> others_{};
  SocketDatagram datagram_;
  std::optional<PartitionFlash> flash_;
  Provisioning::Text host_;
  Result<void> trusted_ = fail(Error::io_failed);  ///< until open() has read whom to believe
};

}  // namespace tercet::idf
