#include "climate/monitor.h"

#include <algorithm>
#include <array>
#include <bit>

#include "tercet/base/reader.h"
#include "tercet/base/writer.h"

namespace tercet::climate {
namespace {

constexpr std::string_view kSettingsKey = "climate";
constexpr float kHysteresis = 0.5f;
constexpr Millis kSlowestSampling{5'000};

bool is_valid(const Settings& settings) {
  return settings.report_interval_s >= kReportInterval.min && settings.report_interval_s <= kReportInterval.max &&
         settings.alarm_threshold >= kAlarmThreshold.min && settings.alarm_threshold <= kAlarmThreshold.max;
}

}  // namespace

Monitor::Monitor(device::Device& device, Sensor& sensor, device::KeyValueStore* store, const Settings& first)
    : device_(device), sensor_(sensor), store_(store), settings_(is_valid(first) ? first : Settings{}) {
  load();
}

void Monitor::load() {
  if (store_ == nullptr) return;
  std::array<std::uint8_t, 8> bytes{};
  const auto got = store_->get(kSettingsKey, bytes);
  if (!got || *got != bytes.size()) return;
  Reader in{bytes};
  Settings kept;
  kept.report_interval_s = static_cast<std::int32_t>(in.u32());
  kept.alarm_threshold = std::bit_cast<float>(in.u32());
  if (is_valid(kept)) settings_ = kept;
}

void Monitor::save() {
  if (store_ == nullptr) return;
  std::array<std::uint8_t, 8> bytes{};
  Writer out{bytes};
  out.u32(static_cast<std::uint32_t>(settings_.report_interval_s));
  out.u32(std::bit_cast<std::uint32_t>(settings_.alarm_threshold));
  // Without room in flash the setting holds until the next restart; the platform shows what holds then.
  static_cast<void>(store_->set(kSettingsKey, out.written()));
}

/// Five samples in each report interval, so that the median is of that interval, but none slower than 5 s.
Millis Monitor::sample_period() const {
  return std::min(kSlowestSampling, Millis{settings_.report_interval_s * std::int64_t{1000} / 5});
}

void Monitor::run(Instant now, UnixMillis wall) {
  if (now < next_sample_) return;
  next_sample_ = now + sample_period();
  take_sample(wall);
  if (temperature_.empty()) return;
  watch_threshold();
  if (now < next_report_) return;
  // Whole intervals on, so that a late pass does not shift all later reports; after a long sleep from now.
  const Millis interval = Seconds{settings_.report_interval_s};
  next_report_ = next_report_ + interval > now ? next_report_ + interval : now + interval;
  report();
  report_losses();
}

void Monitor::take_sample(UnixMillis wall) {
  const auto reading = sensor_.sample(wall);
  if (!reading) {
    if (reading.error() != Error::would_block) ++counters_.bad_samples;
    return;
  }
  ++counters_.samples;
  temperature_.add(reading->temperature);
  humidity_.add(reading->humidity);
}

Reading Monitor::reading() const {
  if (temperature_.empty()) return {};
  return {temperature_.value(), humidity_.value()};
}

void Monitor::watch_threshold() {
  const float temperature = temperature_.value();
  if (alarmed_) {
    alarmed_ = temperature >= settings_.alarm_threshold - kHysteresis;
    return;
  }
  if (temperature <= settings_.alarm_threshold) return;
  const auto sent = device_.post_event(kAlarm, {kTemperature(temperature), kAlarmThreshold(settings_.alarm_threshold)});
  if (!sent) return;  // not even queued: the next sample tries again
  alarmed_ = true;
  ++counters_.alarms;
}

void Monitor::report() {
  const Reading air = reading();
  const std::array<device::PropertyValue, 4> values{kTemperature(air.temperature), kHumidity(air.humidity),
                                                    kReportInterval(settings_.report_interval_s),
                                                    kAlarmThreshold(settings_.alarm_threshold)};
  const auto sent = device_.post_properties(std::span(values).first(settings_due_ ? 4 : 2));
  if (!sent) {
    ++counters_.refused_reports;
    return;
  }
  settings_due_ = false;
  ++counters_.reports;
}

/// What an outage has cost is told once it is over: during it the message would cost another reading.
void Monitor::report_losses() {
  const auto outbox = device_.outbox();
  if (!device_.is_online() || (outbox.dropped == dropped_told_ && outbox.flash_failures == failures_told_)) return;
  const auto whole = [](std::uint32_t count) {
    return static_cast<std::int32_t>(std::min<std::uint32_t>(count, kOutboxDropped.max));
  };
  if (!device_.post_properties({kOutboxDropped(whole(outbox.dropped)), kFlashFailures(whole(outbox.flash_failures))}))
    return;
  dropped_told_ = outbox.dropped;
  failures_told_ = outbox.flash_failures;
}

void Monitor::on_set(device::PropertySet& set) {
  const auto interval = set.get(kReportInterval);
  const auto threshold = set.get(kAlarmThreshold);
  if (!set.ok()) return;
  if (interval) {
    settings_.report_interval_s = *interval;
    set.confirm(kReportInterval(*interval));
    next_sample_ = next_report_ = Instant{};  // the new pace begins with a report
  }
  if (threshold) {
    settings_.alarm_threshold = *threshold;
    set.confirm(kAlarmThreshold(*threshold));
    alarmed_ = false;
  }
  if (interval || threshold) save();
}

}  // namespace tercet::climate
