#pragma once
#include <poll.h>

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/fleet.h"
#include "cli/fleet_flash.h"
#include "ports/posix/system.h"
#include "ports/posix/transport.h"
#include "tercet/device/client.h"
#include "tercet/ota/https_source.h"
#include "tercet/ota/session.h"

namespace tercet::cli {

/// What the boards of a thread did.
struct FleetUpdateCounts {
  std::uint32_t fetches_lost = 0;                            ///< downloads that stopped and were gone on with later
  std::uint32_t cuts = 0;                                    ///< supplies cut by us
  std::uint32_t restarts = 0;                                ///< into another image
  std::map<std::string, std::uint32_t, std::less<>> faults;  ///< updates refused or failed, by the SDK's word
};

/// What all boards of a thread share.
struct FleetUpdateShared {
  const FleetOptions& options;
  posix::Trust trust;  ///< nobody: every certificate is believed
  posix::SystemClock clock;
  posix::SystemRandom random;
  SectorPool sectors;
  FleetUpdateCounts counts;
};

/// One board with the SDK as it is, updates and all: its own session, its own connection for the image, its own flash.
/// After an update it restarts, comes back as the new image, and confirms it.
class FleetUpdateBoard final : private device::DeviceEvents, private device::SecretStore, private device::Network {
 public:
  /// shared outlives it. cut: it loses its supply once, at half of the image.
  FleetUpdateBoard(FleetUpdateShared& shared, const Triple& triple, bool cut);
  FleetUpdateBoard(const FleetUpdateBoard&) = delete;
  FleetUpdateBoard& operator=(const FleetUpdateBoard&) = delete;

  /// false: `problem` says why it cannot begin.
  bool start(Instant now, std::string& problem);
  void run(Instant now);
  Instant next_deadline() const;
  std::array<pollfd, 2> interest() const { return {transport_->interest(), image_transport_->interest()}; }
  /// Says goodbye, without waiting.
  void stop();

  bool is_online() const { return running_ && running_->device.is_online(); }
  std::optional<Instant> offered_at() const { return offered_at_; }
  /// It runs the wanted version, has confirmed it and has told so.
  std::optional<Instant> updated_at() const { return updated_at_; }
  std::uint32_t image_bytes() const { return image_bytes_; }

 private:
  static constexpr std::uint32_t kBlockBytes = 5120, kFetchBytes = 20 * 1024;
  struct Room : device::DeviceBuffers<6 * 1024, 2048, 1024, 4, ota::Session::kFilters> {};
  /// What a restart makes anew.
  struct Running {
    Running(FleetUpdateBoard& board, const std::string& version);
    Room room;
    device::Device device;
    ota::Session session;
    std::vector<std::uint8_t> buffer;
    ota::HttpsSource https;
    ota::SessionSource blocks;
    std::vector<ota::Source*> sources;
    ota::Updater updater;
    std::array<ota::Updater*, 1> updaters{&updater};
  };
  bool power_on(Instant now);
  void power_off();
  void watch(Instant now);
  void leave(Instant now);
  device::Port port();

  void on_message(std::string_view topic, Bytes payload) override;
  Result<DeviceSecret> secret_of(const DeviceId&) override { return triple_.secret; }
  bool has_link() const override { return true; }
  bool has_address() const override { return true; }

  FleetUpdateShared& shared_;
  Triple triple_;
  std::string version_;
  FleetFlash flash_;
  std::unique_ptr<posix::SocketTransport> transport_, image_transport_;
  std::unique_ptr<Running> running_;
  ota::Updater::State shown_ = ota::Updater::State::idle;
  ota::Fault shown_fault_ = ota::Fault::none;
  Instant leave_by_ = Instant::never();  ///< it is about to restart
  bool says_goodbye_ = false, cuts_ = false;
  std::uint32_t image_bytes_ = 0;
  std::optional<Instant> offered_at_, updated_at_;
};

}  // namespace tercet::cli
