#pragma once
#include <array>
#include <span>
#include <string_view>

#include "climate/monitor.h"
#include "tercet/edge/device_actor.h"
#include "tercet/edge/keeper.h"

namespace tercet::climate {

/// What rules of the climate product may refer to.
inline constexpr edge::PropertySpec kRuleProperties[] = {
    edge::describe(kTemperature),    edge::describe(kHumidity),     edge::describe(kReportInterval),
    edge::describe(kAlarmThreshold), edge::describe(kReportChange), edge::describe(kOutboxDropped),
    edge::describe(kFlashFailures)};
inline constexpr edge::PropertySpec kAlarmOutputs[] = {edge::describe(kTemperature), edge::describe(kAlarmThreshold)};
inline constexpr edge::EventSpec kRuleEvents[] = {{kAlarm, kAlarmOutputs}};

/// What became of a rule set: event `rules_changed`.
inline constexpr std::string_view kRulesChanged = "rules_changed";
inline constexpr device::Property<std::int32_t> kRulesVersion{"version"}, kRulesRunning{"running"};
inline constexpr device::Property<std::string_view> kRulesOutcome{"outcome"}, kRulesCause{"cause"};

/// Told what rules do; for a screen or a log. Called on the client's task.
class RulesWatcher {
 public:
  virtual void on_step(const edge::Step& step) { static_cast<void>(step); }
  virtual void on_report(const edge::Report& report) { static_cast<void>(report); }

 protected:
  ~RulesWatcher() = default;
};

/// What a reset's reason (Health::reset_reason) means for a rule set on trial.
constexpr edge::Boot boot_after(std::string_view reset_reason) {
  const bool is_fault = reset_reason == "panic" || reset_reason == "brown_out" || reset_reason.ends_with("watchdog");
  return is_fault ? edge::Boot::after_fault : edge::Boot::ordinary;
}

struct RulesOptions {
  std::string_view own = {};                     ///< the firmware's own set; outlives the rules
  std::span<const edge::Handler> handlers = {};  ///< what rules may call, at most kMostHandlers; outlive the rules
  RulesWatcher* watcher = nullptr;
};

/// Edge rules (docs/edge-rules.md) of the climate board: the engine with its memory, fed by a Monitor, acting through a
/// Device. As long as a set runs the monitor's own alarm is off. The client's task only.
class Rules {
 public:
  static constexpr std::size_t kMostHandlers = 4, kMostText = 2048;

  /// All outlive the rules; store may be null. owner: whose on_set() obeys, usually what Device was given.
  Rules(device::Device& device, Monitor& monitor, device::DeviceEvents& owner, device::KeyValueStore* store,
        const RulesOptions& options);
  Rules(const Rules&) = delete;
  Rules& operator=(const Rules&) = delete;

  /// Call it once after Device::start(); boot: see boot_after().
  void start(edge::Boot boot, Instant now);
  /// Errors: as edge::Keeper::offer().
  Result<void> offer(std::string_view text, std::uint32_t version, Instant now, edge::Problem& problem);
  /// Call it after each Monitor::run().
  void run(Instant now);
  Instant next_deadline() const { return keeper_.next_deadline(); }

  /// Where a set may be put together before it is offered. When the running set is rolled back meanwhile, in run(), the
  /// keeper reads the other one to the same place: verify what is there before offering it.
  MutableBytes text() { return text_; }

  const edge::Engine& engine() const { return engine_; }
  const edge::Keeper& keeper() const { return keeper_; }

 private:
  /// What engine and keeper call. Beside Rules and not its base, so that Rules can be used from code built with
  /// run-time type information.
  struct Hands final : edge::Actor, edge::KeeperEvents {
    explicit Hands(Rules& of) : rules(of) {}
    Result<void> set(const device::PropertyValue& value) override { return rules.actor_.set(value); }
    Result<void> call(std::string_view handler, const edge::Cause& cause) override {
      return rules.actor_.call(handler, cause);
    }
    Result<void> post_event(std::string_view event, std::span<const device::PropertyValue> output) override {
      return rules.actor_.post_event(event, output);
    }
    void on_step(const edge::Step& step) override {
      if (rules.watcher_ != nullptr) rules.watcher_->on_step(step);
    }
    bool on_report(const edge::Report& report) override { return rules.tell(report); }
    Rules& rules;
  };

  std::span<const std::string_view> name_handlers(std::span<const edge::Handler> handlers);
  void look(Instant now);
  void share_alarm() { monitor_.use_own_alarm(engine_.size() == 0); }
  bool tell(const edge::Report& report);

  device::Device& device_;
  Monitor& monitor_;
  RulesWatcher* watcher_;
  std::array<std::string_view, kMostHandlers> handler_names_{};
  edge::Model model_;
  edge::DeviceActor actor_;
  Hands hands_{*this};
  edge::EngineBuffers<8, 16, 24, 16, 2, std::size(kRuleProperties), 160> buffers_;
  edge::Engine engine_;
  std::array<std::uint8_t, kMostText> text_;
  edge::Keeper keeper_;
  std::uint32_t samples_ = 0;
};

}  // namespace tercet::climate
