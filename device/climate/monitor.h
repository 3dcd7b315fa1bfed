#pragma once
#include <cstdint>
#include <optional>

#include "climate/fault.h"
#include "climate/health.h"
#include "climate/median.h"
#include "climate/sensor.h"
#include "tercet/device/client.h"
#include "tercet/device/port.h"
#include "tercet/device/properties.h"

namespace tercet::climate {

/// The thing model of the climate product, as in climate.tsl.json.
inline constexpr device::Property<float> kTemperature{"temperature", device::Access::read, -40, 125};
inline constexpr device::Property<float> kHumidity{"humidity", device::Access::read, 0, 100};
inline constexpr device::Property<std::int32_t> kReportInterval{"report_interval", device::Access::read_write, 1,
                                                                86'400};
inline constexpr device::Property<float> kAlarmThreshold{"alarm_threshold", device::Access::read_write, -40, 125};
inline constexpr device::Property<float> kReportChange{"report_change", device::Access::read_write, 0, 100};
inline constexpr device::Property<std::int32_t> kOutboxDropped{"outbox_dropped", device::Access::read, 0,
                                                               2'147'483'647};
inline constexpr device::Property<std::int32_t> kFlashFailures{"flash_failures", device::Access::read, 0,
                                                               2'147'483'647};
inline constexpr device::Property<std::string_view> kResetReason{"reset_reason"};
inline constexpr device::Property<std::int32_t> kBootCount{"boot_count", device::Access::read, 0, 2'147'483'647};
inline constexpr device::Property<std::int32_t> kHeapLow{"heap_low", device::Access::read, 0, 2'147'483'647};
inline constexpr device::Property<std::int32_t> kHeapBlock{"heap_block", device::Access::read, 0, 2'147'483'647};
inline constexpr device::Property<std::int32_t> kStackLow{"stack_low", device::Access::read, 0, 2'147'483'647};
inline constexpr device::Property<std::int32_t> kConnectAttempts{"connect_attempts", device::Access::read, 0,
                                                                 2'147'483'647};
inline constexpr device::Property<std::string_view> kLastBreak{"last_break"};  ///< "tls: tls_expired"
inline constexpr device::Property<std::int32_t> kCertificateDays{"certificate_days", device::Access::read, -36'500,
                                                                 36'500};
inline constexpr device::Property<std::string_view> kFault{"fault"};  ///< of the event sensor_fault
inline constexpr std::string_view kAlarm = "alarm", kSensorFault = "sensor_fault";

/// What can be set from the cloud.
struct Settings {
  std::int32_t report_interval_s = 60;
  float alarm_threshold = 35;
  float report_change = 1;  ///< degrees away from the last report that are reported at once; 0: only at the interval
};

struct MonitorCounters {
  std::uint32_t samples = 0, bad_samples = 0, reports = 0, refused_reports = 0, alarms = 0, faults = 0;
};

/// The climate monitor: samples, filters, reports at an interval and on a change, raises the alarm, tells when the
/// sensor fails, obeys sets. The same on every board.
///
///   quiet --temperature > threshold: event--> alarmed --temperature < threshold - 0.5 K--> quiet
///
/// A sensor that is absent or out of range is told once (event sensor_fault), and no air is reported until it answers
/// again, which is told too.
///
/// One task: the client's. Call run() next to Device::run(), and on_set() from the device's events.
class Monitor {
 public:
  /// All outlive the monitor. `store` keeps the settings over restarts; may be null.
  Monitor(device::Device& device, Sensor& sensor, device::KeyValueStore* store) : Monitor(device, sensor, store, {}) {}
  /// first: the settings to begin with where the store has none.
  Monitor(device::Device& device, Sensor& sensor, device::KeyValueStore* store, const Settings& first);

  /// From now on the board's health is reported too: with the first report, and once an hour. Outlives the monitor.
  void watch_health(HealthSource& source) { health_ = &source; }

  /// false: rules raise the alarm (climate/rules.h). It is on at first.
  void use_own_alarm(bool on) {
    own_alarm_ = on;
    if (!on) alarmed_ = false;
  }

  void run(Instant now, UnixMillis wall);
  Instant next_deadline() const { return next_sample_; }

  /// A property set: takes what is in it, keeps it, confirms it.
  void on_set(device::PropertySet& set);

  const Settings& settings() const { return settings_; }
  const MonitorCounters& counters() const { return counters_; }
  bool is_alarmed() const { return alarmed_; }
  SensorFault fault() const { return watch_.fault(); }
  /// The filtered air; meaningless before the first sample.
  Reading reading() const;

 private:
  bool take_sample(Instant now, UnixMillis wall);
  void watch_threshold();
  void tell_fault();
  bool has_moved() const;
  void report();
  void report_losses();
  void report_link(UnixMillis wall);
  void report_health(Instant now);
  Millis sample_period() const;
  void load();
  void save();

  device::Device& device_;
  Sensor& sensor_;
  device::KeyValueStore* store_;
  Settings settings_;
  Median<5> temperature_, humidity_;
  FaultWatch watch_;
  SensorFault told_fault_ = SensorFault::none;
  HealthSource* health_ = nullptr;
  Instant next_health_{};
  Reading reported_{};
  Instant next_sample_{}, next_report_{};
  bool settings_due_ = true;  ///< the platform is told the settings with the first report
  bool own_alarm_ = true;
  bool alarmed_ = false;
  std::uint32_t dropped_told_ = 0, failures_told_ = 0;
  std::uint32_t attempts_told_ = 1;               ///< one attempt that led to a session is not worth a word
  std::optional<std::int32_t> certificate_told_;  ///< days
  MonitorCounters counters_;
};

}  // namespace tercet::climate
