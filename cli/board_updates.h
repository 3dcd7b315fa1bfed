#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ports/posix/board.h"
#include "ports/posix/image_directory.h"
#include "tercet/device/client.h"
#include "tercet/ota/https_source.h"
#include "tercet/ota/session.h"

namespace tercet::cli {

/// `tercet device --ota`: where images are, and what is asked of new ones.
struct UpdateOptions {
  std::string directory;                ///< "" = no updates
  std::string first_version = "0.1.0";  ///< of the image that a new directory begins with
  std::string over = "any";             ///< any (HTTPS first), https, session
  std::vector<std::string> keys;        ///< files: public keys in PEM or DER; with any, images must be signed
  int healthy_s = 600;                  ///< a new image must be online and answered in this time
  bool allows_older = false;
};

/// Updates of the board that this process is: the updater over the images of a directory, and what it says about them.
/// One task: the client's.
class BoardUpdates {
 public:
  /// All outlive it.
  BoardUpdates(const UpdateOptions& options, posix::Board& board, device::Device& device);
  BoardUpdates(const BoardUpdates&) = delete;
  BoardUpdates& operator=(const BoardUpdates&) = delete;

  /// After Device::start(). "" or what is wrong, for a person.
  std::string start(const DeviceId& id, Instant now);
  void on_message(std::string_view topic, Bytes payload, Instant now) { session_.on_message(topic, payload, now); }
  void run(Instant now) { session_.run(now); }
  Instant next_deadline() const { return session_.next_deadline(); }
  bool wants_restart() const { return session_.wants_restart(); }
  std::string_view version() const { return updater_->version(); }
  /// What has happened since the last call, one line of English or Chinese each; "" when nothing did.
  std::string news(bool is_chinese);

 private:
  static constexpr std::uint32_t kBlockBytes = 5120;
  std::string read_keys();

  const UpdateOptions& options_;
  posix::ImageDirectory images_;
  posix::FileStore store_;
  std::array<std::uint8_t, 4096> buffer_;
  ota::Session session_;
  ota::HttpsSource https_;
  ota::SessionSource blocks_;
  std::vector<ota::Source*> sources_;
  std::vector<std::vector<std::uint8_t>> keys_;
  std::vector<Bytes> key_views_;
  ota::ImageIdentity running_;
  std::unique_ptr<ota::Updater> updater_;
  std::array<ota::Updater*, 1> updaters_{};
  ota::Updater::State shown_ = ota::Updater::State::idle;
  ota::Fault shown_fault_ = ota::Fault::none;
};

}  // namespace tercet::cli
