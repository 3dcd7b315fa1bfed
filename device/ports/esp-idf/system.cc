#include "ports/esp-idf/system.h"

#include <esp_idf_version.h>
#include <esp_log.h>
#include <esp_random.h>
#include <esp_task_wdt.h>
#include <esp_timer.h>
#include <sys/time.h>

namespace tercet::idf {
namespace {

constexpr const char* kTag = "tercet";

}  // namespace

Instant SystemClock::now() const { return {Millis{esp_timer_get_time() / 1000}}; }

UnixMillis SystemClock::wall() const {
  timeval now{};
  gettimeofday(&now, nullptr);
  return {static_cast<std::int64_t>(now.tv_sec) * 1000 + now.tv_usec / 1000};
}

void SystemClock::set_wall(UnixMillis to) {
  timeval now{};
  now.tv_sec = static_cast<decltype(now.tv_sec)>(to.ms / 1000);
  now.tv_usec = static_cast<decltype(now.tv_usec)>(to.ms % 1000 * 1000);
  settimeofday(&now, nullptr);
}

void SystemRandom::fill(MutableBytes into) { esp_fill_random(into.data(), into.size()); }

void SystemLog::line(device::LogLevel level, std::string_view text) {
  const int size = static_cast<int>(text.size());
  switch (level) {
    case device::LogLevel::info:
      ESP_LOGI(kTag, "%.*s", size, text.data());
      return;
    case device::LogLevel::warning:
      ESP_LOGW(kTag, "%.*s", size, text.data());
      return;
    case device::LogLevel::error:
      ESP_LOGE(kTag, "%.*s", size, text.data());
      return;
  }
}

bool TaskWatchdog::watch_this_task(Seconds limit) {
  esp_task_wdt_config_t config{};
  config.timeout_ms = static_cast<std::uint32_t>(Millis{limit}.count());
#ifdef CONFIG_ESP_TASK_WDT_CHECK_IDLE_TASK_CPU0
  config.idle_core_mask |= 1u;
#endif
#ifdef CONFIG_ESP_TASK_WDT_CHECK_IDLE_TASK_CPU1
  config.idle_core_mask |= 2u;
#endif
  config.trigger_panic = true;
  esp_err_t done = esp_task_wdt_reconfigure(&config);
  if (done == ESP_ERR_INVALID_STATE) done = esp_task_wdt_init(&config);  // sdkconfig leaves it to us
  if (done == ESP_OK) done = esp_task_wdt_add(nullptr);
  watching_ = done == ESP_OK;
  if (!watching_) ESP_LOGE(kTag, "the watchdog cannot be set: %s", esp_err_to_name(done));
  return watching_;
}

void TaskWatchdog::feed() {
  if (watching_) esp_task_wdt_reset();
}

}  // namespace tercet::idf
