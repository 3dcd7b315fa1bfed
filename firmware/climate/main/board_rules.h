#pragma once
#include <sdkconfig.h>

#include "climate/monitor.h"
#include "ports/esp-idf/board.h"
#ifdef CONFIG_CLIMATE_RULES
#include "climate/rules.h"
#include "rules_delivery.h"
#endif

namespace tercet::firmware {

#ifdef CONFIG_CLIMATE_RULES

/// Edge rules (docs/edge-rules.md) on this board: kept in NVS, told on the console, delivered by remote configuration
/// or pasted. The client's task only.
class BoardRules final : public climate::RulesWatcher {
 public:
  /// All live for ever. owner: whose on_set() obeys.
  BoardRules(idf::Board& board, device::Device& device, climate::Monitor& monitor, device::DeviceEvents& owner);

  /// Once, after Device::start().
  void start(const DeviceId& id, Instant now);
  /// After each Monitor::run().
  void run(Instant now);
  Instant next_deadline() const;
  void on_message(std::string_view topic, Bytes payload, Instant now) { delivery_.on_message(topic, payload, now); }

  /// From a person; what becomes of it is told on the console.
  void offer(std::string_view text, Instant now);
  /// Says on the console what runs.
  void tell() const;

 private:
  void on_step(const edge::Step& step) override;
  void on_report(const edge::Report& report) override;

  climate::Rules rules_;
  RulesDelivery delivery_;
  bool started_ = false;
};

#else

/// A build without rules.
class BoardRules {
 public:
  BoardRules(idf::Board&, device::Device&, climate::Monitor&, device::DeviceEvents&) {}
  void start(const DeviceId&, Instant) {}
  void run(Instant) {}
  Instant next_deadline() const { return Instant::never(); }
  void on_message(std::string_view, Bytes, Instant) {}
};

#endif

}  // namespace tercet::firmware
