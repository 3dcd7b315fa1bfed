#pragma once
#include <sdkconfig.h>

#include "board_rules.h"
#include "climate/indicator.h"
#include "climate/monitor.h"
#include "ports/esp-idf/board.h"
#include "ports/esp-idf/health.h"
#include "tercet/device/client.h"
#include "updates.h"

namespace tercet::firmware {

/// The climate monitor on a board: wiring, and what a person sees of it on the console. The client's task only.
class Application final : public device::DeviceEvents {
 public:
  /// Both live for ever; the board is open.
  Application(idf::Board& board, climate::Sensor& sensor);

  /// Begins to connect. Errors: not_found, the board was not provisioned, or nobody said where the platform is;
  /// malformed; as Device::start().
  Result<void> start();
  void run();
  Instant next_deadline() const;
  climate::Condition condition() const;
  BoardRules& rules() { return rules_; }

 private:
  /// Topics besides the SDK's own: two of remote configuration, and those of updates.
  using Buffers =
      device::DeviceBuffers<CONFIG_TERCET_PACKET_BYTES, CONFIG_TERCET_OUTBOX_BYTES, 512, 4, 2 + Updates::kFilters>;

  void on_set(device::PropertySet& set) override { monitor_.on_set(set); }
  void on_reply(const device::PostReply& reply) override;
  void on_rung(device::Rung rung, const device::RungRecord& record, std::string_view detail) override;
  void on_online() override;
  void on_offline(device::Rung rung, Error error, Millis retry_in) override;
  void on_time(const device::TimeStep& step) override;
  void on_message(std::string_view topic, Bytes payload) override {
    rules_.on_message(topic, payload, board_.clock().now());
    updates_.on_message(topic, payload, board_.clock().now());
  }
  void leave_for_restart(Instant now);
  void show_air();

  idf::Board& board_;
  Buffers buffers_;
  device::Device device_;
  climate::Monitor monitor_;
  BoardRules rules_;
  Updates updates_;
  idf::BoardHealth health_;
  climate::MonitorCounters shown_;
  bool started_ = false, is_leaving_ = false;
  Instant leaves_by_ = Instant::never();  ///< once a restart is wanted
};

}  // namespace tercet::firmware
