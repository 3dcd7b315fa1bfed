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
constexpr Millis kSlowestSampling{5'000}, kConversion{30};
constexpr Millis kHealthInterval = Seconds{3600}, kHealthAgain = Seconds{60};
constexpr std::size_t kSettingsBytes = 12, kSettingsBytesBefore = 8;  ///< before report_change

bool is_valid(const Settings& settings) {
  return settings.report_interval_s >= kReportInterval.min && settings.report_interval_s <= kReportInterval.max &&
         settings.alarm_threshold >= kAlarmThreshold.min && settings.alarm_threshold <= kAlarmThreshold.max &&
         settings.report_change >= kReportChange.min && settings.report_change <= kReportChange.max;
}

}  // namespace

Monitor::Monitor(device::Device& device, Sensor& sensor, device::KeyValueStore* store, const Settings& first)
    : device_(device), sensor_(sensor), store_(store), settings_(is_valid(first) ? first : Settings{}) {
  load();
}

void Monitor::load() {
  if (store_ == nullptr) return;
  std::array<std::uint8_t, kSettingsBytes> bytes{};
  const auto got = store_->get(kSettingsKey, bytes);
  if (!got || (*got != kSettingsBytes && *got != kSettingsBytesBefore)) return;
  Reader in{bytes};
  Settings kept;
  kept.report_interval_s = static_cast<std::int32_t>(in.u32());
  kept.alarm_threshold = std::bit_cast<float>(in.u32());
  kept.report_change = *got == kSettingsBytes ? std::bit_cast<float>(in.u32()) : settings_.report_change;
  if (is_valid(kept)) settings_ = kept;
}

void Monitor::save() {
  if (store_ == nullptr) return;
  std::array<std::uint8_t, kSettingsBytes> bytes{};
  Writer out{bytes};
  out.u32(static_cast<std::uint32_t>(settings_.report_interval_s));
  out.u32(std::bit_cast<std::uint32_t>(settings_.alarm_threshold));
  out.u32(std::bit_cast<std::uint32_t>(settings_.report_change));
  // Without room in flash the setting holds until the next restart; the platform shows what holds then.
  static_cast<void>(store_->set(kSettingsKey, out.written()));
}

/// Five samples in each report interval, so that the median is of that interval, but none slower than 5 s.
Millis Monitor::sample_period() const {
  return std::min(kSlowestSampling, Millis{settings_.report_interval_s * std::int64_t{1000} / 5});
}

void Monitor::run(Instant now, UnixMillis wall) {
  if (now < next_sample_) return;
  if (!take_sample(now, wall)) {
    next_sample_ = now + kConversion;
    return;
  }
  next_sample_ = now + sample_period();
  tell_fault();
  report_health(now);
  if (temperature_.empty()) return;
  if (own_alarm_) watch_threshold();
  if (now < next_report_ && !has_moved()) return;
  // Whole intervals on, so that a late pass does not shift all later reports; after a long sleep, and after a report
  // ahead of its time, from now.
  const Millis interval = Seconds{settings_.report_interval_s};
  const bool on_time = now >= next_report_ && next_report_ + interval > now;
  next_report_ = on_time ? next_report_ + interval : now + interval;
  report();
  report_losses();
  report_link(wall);
}

/// False: the sensor is still at it.
bool Monitor::take_sample(Instant now, UnixMillis wall) {
  const auto reading = sensor_.sample(wall);
  if (!reading && reading.error() == Error::would_block) return false;
  watch_.see(reading, now);
  if (!reading || !FaultWatch::is_possible(*reading)) {
    ++counters_.bad_samples;
    return true;
  }
  ++counters_.samples;
  temperature_.add(reading->temperature);
  humidity_.add(reading->humidity);
  return true;
}

/// The air of before the fault is not the air of now: without a sensor nothing is reported.
void Monitor::tell_fault() {
  const SensorFault fault = watch_.fault();
  if (fault == SensorFault::absent || fault == SensorFault::out_of_range) {
    temperature_.clear();
    humidity_.clear();
  }
  if (fault == told_fault_) return;
  if (!device_.post_event(kSensorFault, {kFault(name(fault))})) return;  // not even queued: the next sample tries again
  told_fault_ = fault;
  if (fault != SensorFault::none) ++counters_.faults;
}

/// Away from the last report by more than the filter's width can be chance.
bool Monitor::has_moved() const {
  if (settings_.report_change <= 0 || counters_.reports == 0) return false;
  const float away = temperature_.value() - reported_.temperature;
  return away >= settings_.report_change || -away >= settings_.report_change;
}

void Monitor::report_health(Instant now) {
  if (health_ == nullptr || now < next_health_) return;
  const Health health = health_->look();
  if (!device_.post_properties({kResetReason(health.reset_reason), kBootCount(health.boot_count),
                                kHeapLow(health.heap_low), kHeapBlock(health.heap_block), kStackLow(health.stack_low)}))
    return;
  // The first look is before TLS took its heap: the second comes soon.
  next_health_ = now + (next_health_ == Instant{} ? kHealthAgain : kHealthInterval);
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
  const std::array<device::PropertyValue, 5> values{
      kTemperature(air.temperature), kHumidity(air.humidity), kReportInterval(settings_.report_interval_s),
      kAlarmThreshold(settings_.alarm_threshold), kReportChange(settings_.report_change)};
  const auto sent = device_.post_properties(std::span(values).first(settings_due_ ? 5 : 2));
  if (!sent) {
    ++counters_.refused_reports;
    return;
  }
  settings_due_ = false;
  reported_ = air;
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

/// After a reconnection how many attempts there were and what broke last; each day for how long the server's
/// certificate will do, so that the one who has to renew it hears of it before the fleet does.
void Monitor::report_link(UnixMillis wall) {
  if (!device_.is_online()) return;
  const auto attempts = device_.ladder().attempts();
  if (const auto broken = device_.ladder().last_break(); broken && attempts != attempts_told_) {
    std::array<std::uint8_t, 48> text;
    Writer out{text};
    out.text(device::name(broken->rung)), out.text(": "), out.text(name(broken->error));
    const auto count = static_cast<std::int32_t>(std::min<std::uint32_t>(attempts, kConnectAttempts.max));
    if (device_.post_properties({kConnectAttempts(count), kLastBreak(out.text())})) attempts_told_ = attempts;
  }
  const auto expiry = device_.chain_expiry();
  if (!expiry) return;
  constexpr std::int64_t kDay = 86'400'000;
  const auto days = static_cast<std::int32_t>(
      std::clamp<std::int64_t>((expiry->ms - wall.ms) / kDay, kCertificateDays.min, kCertificateDays.max));
  if (days != certificate_told_ && device_.post_property(kCertificateDays(days))) certificate_told_ = days;
}

void Monitor::on_set(device::PropertySet& set) {
  const auto interval = set.get(kReportInterval);
  const auto threshold = set.get(kAlarmThreshold);
  const auto change = set.get(kReportChange);
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
  if (change) {
    settings_.report_change = *change;
    set.confirm(kReportChange(*change));
  }
  if (interval || threshold || change) save();
}

}  // namespace tercet::climate
