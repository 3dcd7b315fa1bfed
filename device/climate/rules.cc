#include "climate/rules.h"

#include <algorithm>

namespace tercet::climate {

Rules::Rules(device::Device& device, Monitor& monitor, device::DeviceEvents& owner, device::KeyValueStore* store,
             const RulesOptions& options)
    : device_(device),
      monitor_(monitor),
      watcher_(options.watcher),
      model_{kRuleProperties, kRuleEvents, name_handlers(options.handlers)},
      actor_(device, owner, options.handlers),
      engine_(buffers_.storage(), model_, hands_),
      keeper_(engine_, store, text_, hands_, {.own = options.own}) {}

std::span<const std::string_view> Rules::name_handlers(std::span<const edge::Handler> handlers) {
  const std::size_t count = std::min(handlers.size(), handler_names_.size());
  for (std::size_t i = 0; i < count; ++i) handler_names_[i] = handlers[i].name;
  return std::span(handler_names_).first(count);
}

void Rules::start(edge::Boot boot, Instant now) {
  keeper_.start(boot, now);
  share_alarm();
}

Result<void> Rules::offer(std::string_view text, std::uint32_t version, Instant now, edge::Problem& problem) {
  const auto taken = keeper_.offer(text, version, now, problem);
  share_alarm();
  return taken;
}

void Rules::run(Instant now) {
  look(now);
  keeper_.run(now);
  share_alarm();
}

/// What the monitor has filtered counts, as it does in a report. A sensor that fails gives nothing: its values become
/// stale. What was set counts at once.
void Rules::look(Instant now) {
  const auto whole = [](std::uint32_t count) {
    return static_cast<std::int32_t>(std::min<std::uint32_t>(count, kOutboxDropped.max));
  };
  const Settings& settings = monitor_.settings();
  engine_.observe(kReportInterval(settings.report_interval_s), now);
  engine_.observe(kAlarmThreshold(settings.alarm_threshold), now);
  engine_.observe(kReportChange(settings.report_change), now);
  const auto outbox = device_.outbox();
  engine_.observe(kOutboxDropped(whole(outbox.dropped)), now);
  engine_.observe(kFlashFailures(whole(outbox.flash_failures)), now);
  if (monitor_.counters().samples == samples_ || monitor_.fault() != SensorFault::none) return;
  samples_ = monitor_.counters().samples;
  const Reading air = monitor_.reading();
  engine_.observe(kTemperature(air.temperature), now);
  engine_.observe(kHumidity(air.humidity), now);
}

bool Rules::tell(const edge::Report& report) {
  const auto cause = report.outcome == edge::Report::Outcome::refused ? name(report.problem.fault) : name(report.cause);
  const auto posted = device_.post_event(kRulesChanged, {kRulesVersion(static_cast<std::int32_t>(report.version)),
                                                         kRulesRunning(static_cast<std::int32_t>(report.running)),
                                                         kRulesOutcome(name(report.outcome)), kRulesCause(cause)});
  if (posted && watcher_ != nullptr) watcher_->on_report(report);
  return posted.has_value();
}

}  // namespace tercet::climate
