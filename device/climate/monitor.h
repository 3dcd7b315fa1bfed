#pragma once
#include <cstdint>

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
inline constexpr device::Property<std::int32_t> kOutboxDropped{"outbox_dropped", device::Access::read, 0,
                                                               2'147'483'647};
inline constexpr device::Property<std::int32_t> kFlashFailures{"flash_failures", device::Access::read, 0,
                                                               2'147'483'647};
inline constexpr std::string_view kAlarm = "alarm";

/// What can be set from the cloud.
struct Settings {
  std::int32_t report_interval_s = 60;
  float alarm_threshold = 35;
};

struct MonitorCounters {
  std::uint32_t samples = 0, bad_samples = 0, reports = 0, refused_reports = 0, alarms = 0;
};

/// The climate monitor: samples, filters, reports at an interval, raises the alarm, obeys sets. The same on every
/// board.
///
///   quiet --temperature > threshold: event--> alarmed --temperature < threshold - 0.5 K--> quiet
///
/// One task: the client's. Call run() next to Device::run(), and on_set() from the device's events.
class Monitor {
 public:
  /// All outlive the monitor. `store` keeps the settings over restarts; may be null.
  Monitor(device::Device& device, Sensor& sensor, device::KeyValueStore* store) : Monitor(device, sensor, store, {}) {}
  /// first: the settings to begin with where the store has none.
  Monitor(device::Device& device, Sensor& sensor, device::KeyValueStore* store, const Settings& first);

  void run(Instant now, UnixMillis wall);
  Instant next_deadline() const { return next_sample_; }

  /// A property set: takes what is in it, keeps it, confirms it.
  void on_set(device::PropertySet& set);

  const Settings& settings() const { return settings_; }
  const MonitorCounters& counters() const { return counters_; }
  bool is_alarmed() const { return alarmed_; }
  /// The filtered air; meaningless before the first sample.
  Reading reading() const;

 private:
  void take_sample(UnixMillis wall);
  void watch_threshold();
  void report();
  void report_losses();
  Millis sample_period() const;
  void load();
  void save();

  device::Device& device_;
  Sensor& sensor_;
  device::KeyValueStore* store_;
  Settings settings_;
  Median<5> temperature_, humidity_;
  Instant next_sample_{}, next_report_{};
  bool settings_due_ = true;  ///< the platform is told the settings with the first report
  bool alarmed_ = false;
  std::uint32_t dropped_told_ = 0, failures_told_ = 0;
  MonitorCounters counters_;
};

}  // namespace tercet::climate
