#include "application.h"

#include <esp_log.h>
#include <esp_system.h>

#include <algorithm>
#include <cinttypes>

namespace tercet::firmware {
namespace {

constexpr const char* kTag = "climate";
constexpr Millis kGoodbye{3'000};

int size(std::string_view text) { return static_cast<int>(text.size()); }

}  // namespace

Application::Application(idf::Board& board, climate::Sensor& sensor)
    : board_(board),
      device_(board.port(), buffers_.storage(), *this),
      monitor_(device_, sensor, &board.store(), {.report_interval_s = CONFIG_CLIMATE_REPORT_INTERVAL}),
      rules_(board, device_, monitor_, *this),
      updates_(board, device_),
      health_(board.store()) {
  monitor_.watch_health(health_);
  const auto health = health_.look();
  ESP_LOGI(kTag, "start %" PRId32 " (%.*s), %.*s, largest free block %" PRId32, health.boot_count,
           size(health.reset_reason), health.reset_reason.data(), size(sensor.description()),
           sensor.description().data(), health.heap_block);
}

Result<void> Application::start() {
  const auto id = board_.provisioning().device();
  if (!id) return fail(id.error());
  if (!board_.provisioning().has("ds")) return fail(Error::not_found);
  const auto endpoint = board_.endpoint();
  if (!endpoint) return fail(endpoint.error());
  ESP_LOGI(kTag, "%.*s/%.*s -> %.*s:%u", size(id->product.str()), id->product.str().data(), size(id->device.str()),
           id->device.str().data(), size(endpoint->host), endpoint->host.data(), static_cast<unsigned>(endpoint->port));
  const auto begun = device_.start(*id, *endpoint, board_.options());
  started_ = begun.has_value();
  if (started_) rules_.start(*id, board_.clock().now());
  if (started_) updates_.start(*id, board_.clock().now());
  return begun;
}

void Application::run() {
  if (!started_) return;
  const Instant now = board_.clock().now();
  monitor_.run(now, board_.clock().wall());
  rules_.run(now);
  show_air();
  device_.run();
  updates_.run(now);
  if (updates_.wants_restart()) leave_for_restart(now);
}

/// What was said of the update is heard, and what waits goes to flash, before the board is gone.
void Application::leave_for_restart(Instant now) {
  if (leaves_by_ == Instant::never()) leaves_by_ = now + kGoodbye;
  const bool is_heard = !device_.is_online() || device_.in_flight() == 0;
  if (is_heard && !is_leaving_) device_.stop(), is_leaving_ = true;
  if (!(is_leaving_ && device_.is_stopped()) && now < leaves_by_) return;
  ESP_LOGI(kTag, "restart");
  esp_restart();
}

Instant Application::next_deadline() const {
  if (!started_) return Instant::never();
  return std::min({device_.next_deadline(), monitor_.next_deadline(), rules_.next_deadline(), updates_.next_deadline(),
                   leaves_by_});
}

climate::Condition Application::condition() const {
  using enum climate::Condition;
  if (!started_) return unprovisioned;
  if (!board_.network().has_address()) return no_network;
  if (!device_.is_online()) return connecting;
  const auto fault = monitor_.fault();
  return fault == climate::SensorFault::absent || fault == climate::SensorFault::out_of_range ? sensor_fault : online;
}

void Application::show_air() {
  const auto& now = monitor_.counters();
  const climate::Reading air = monitor_.reading();
  const int hundredths = static_cast<int>(air.temperature * 100), humidity = static_cast<int>(air.humidity * 100);
  if (now.reports != shown_.reports)
    ESP_LOGI(kTag, "report: %s%d.%02d C, %d.%02d %%", hundredths < 0 ? "-" : "", std::abs(hundredths) / 100,
             std::abs(hundredths) % 100, humidity / 100, humidity % 100);
  if (now.alarms != shown_.alarms) ESP_LOGW(kTag, "alarm: above the threshold");
  if (now.faults != shown_.faults)
    ESP_LOGE(kTag, "sensor: %.*s", size(name(monitor_.fault())), name(monitor_.fault()).data());
  if (now.refused_reports != shown_.refused_reports) ESP_LOGW(kTag, "no room for the report");
  shown_ = now;
}

void Application::on_reply(const device::PostReply& reply) {
  if (reply.code == 200) return updates_.on_answer();
  ESP_LOGW(kTag, "post %" PRIu32 " was answered %" PRId32 " %.*s", static_cast<std::uint32_t>(reply.id),
           static_cast<std::int32_t>(reply.code), size(reply.message), reply.message.data());
}

void Application::on_rung(device::Rung rung, const device::RungRecord& record, std::string_view detail) {
  const std::string_view step = device::name(rung);
  if (!record.error) {
    ESP_LOGI(kTag, "%.*s: ok in %" PRId32 " ms %.*s", size(step), step.data(),
             static_cast<std::int32_t>(record.duration.count()), size(detail), detail.data());
    return;
  }
  const std::string_view error = name(*record.error);
  ESP_LOGW(kTag, "%.*s: %.*s %.*s", size(step), step.data(), size(error), error.data(), size(detail), detail.data());
  for (const auto language : {device::Language::english, device::Language::chinese}) {
    const std::string_view remedy = device::remedy(rung, *record.error, language);
    if (!remedy.empty()) ESP_LOGW(kTag, "  -> %.*s", size(remedy), remedy.data());
  }
}

void Application::on_online() {
  ESP_LOGI(kTag, "online %" PRId32 " ms after the start",
           static_cast<std::int32_t>(board_.clock().now().since_start.count()));
}

void Application::on_offline(device::Rung, Error, Millis retry_in) {
  ESP_LOGW(kTag, "offline; next try in %" PRId32 " ms", static_cast<std::int32_t>(retry_in.count()));
}

void Application::on_time(const device::TimeStep& step) {
  const std::string_view origin = device::name(step.origin);
  ESP_LOGI(kTag, "clock set by %.*s", size(origin), origin.data());
}

}  // namespace tercet::firmware
