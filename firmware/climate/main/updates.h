#pragma once
#include <sdkconfig.h>

#include "ports/esp-idf/board.h"
#include "tercet/device/client.h"
#ifdef CONFIG_CLIMATE_UPDATES
#include <array>
#include <optional>

#include "ports/esp-idf/app_slots.h"
#include "tercet/ota/https_source.h"
#include "tercet/ota/session.h"
#endif

namespace tercet::firmware {

#ifdef CONFIG_CLIMATE_UPDATES

/// Over a TLS session of its own, while the heap has room for one.
class RoomyHttpsSource final : public ota::Source {
 public:
  RoomyHttpsSource(device::Transport& transport, MutableBytes buffer) : https_(transport, buffer) {}

  bool take(const ota::Offer& offer) override { return https_.take(offer); }
  void start(std::uint32_t from, ota::ImageSink& sink, Instant now) override;
  void run(Instant now) override { https_.run(now); }
  Instant next_deadline() const override { return https_.next_deadline(); }
  void cancel() override { https_.cancel(); }
  State state() const override { return lacks_room_ ? State::failed : https_.state(); }
  Trouble trouble() const override { return lacks_room_ ? Trouble::no_memory : https_.trouble(); }
  std::uint32_t most_bytes() const override { return https_.most_bytes(); }

 private:
  ota::HttpsSource https_;
  bool lacks_room_ = false;
};

/// Updates of this program (docs/ota-device.md): into the slot that does not run, tried once, confirmed when the board
/// is online and answered. The client's task only.
class Updates {
 public:
  static constexpr std::size_t kFilters = ota::Session::kFilters;

  /// All live for ever.
  Updates(idf::Board& board, device::Device& device);
  void start(const DeviceId& id, Instant now);
  void run(Instant now);
  Instant next_deadline() const { return updater_ ? session_.next_deadline() : Instant::never(); }
  void on_message(std::string_view topic, Bytes payload, Instant now) { session_.on_message(topic, payload, now); }
  void on_answer() {}
  bool wants_restart() const { return updater_ && session_.wants_restart(); }

 private:
  void tell();

  idf::Board& board_;
  std::optional<idf::AppSlots> slots_;
  idf::SocketTransport files_;
  std::array<std::uint8_t, 3072> buffer_;  ///< address, request, and what comes
  ota::Session session_;
  RoomyHttpsSource https_;
  ota::SessionSource blocks_;
  std::array<ota::Source*, 2> sources_{};
  ota::ImageIdentity running_;
  std::array<Bytes, 1> keys_;
  std::optional<ota::Updater> updater_;
  std::array<ota::Updater*, 1> updaters_{};
  ota::Updater::State shown_ = ota::Updater::State::idle;
  ota::Fault shown_fault_ = ota::Fault::none;
};

#else

/// Without updates a program that another way brought proves itself by its first answer.
class Updates {
 public:
  static constexpr std::size_t kFilters = 0;
  Updates(idf::Board&, device::Device&) {}
  void start(const DeviceId&, Instant) {}
  void run(Instant) {}
  Instant next_deadline() const { return Instant::never(); }
  void on_message(std::string_view, Bytes, Instant) {}
  void on_answer();
  bool wants_restart() const { return false; }

 private:
  bool is_confirmed_ = false;
};

#endif

}  // namespace tercet::firmware
