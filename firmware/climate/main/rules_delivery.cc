#include <sdkconfig.h>
#ifdef CONFIG_CLIMATE_REMOTE_RULES
#include <esp_log.h>

#include <algorithm>
#include <cinttypes>

#include "rules_delivery.h"

namespace tercet::firmware {
namespace {

constexpr const char* kTag = "rules";

int size(std::string_view text) { return static_cast<int>(text.size()); }

}  // namespace

RulesDelivery::RulesDelivery(idf::Board& board, device::Device& device, climate::Rules& rules)
    : remote_(device, rules, files_, &board.store(), this) {
  board.add(files_);
}

void RulesDelivery::start(const DeviceId& id) {
  if (const auto started = remote_.start(id); !started)
    ESP_LOGE(kTag, "no remote configuration: %.*s", size(name(started.error())), name(started.error()).data());
}

/// Without what is behind the question mark: whoever knows it may fetch the file.
void RulesDelivery::on_fetch(std::string_view url, std::uint32_t bytes) {
  const std::string_view shown = url.substr(0, url.find('?'));
  ESP_LOGI(kTag, "fetching %" PRIu32 " bytes from %.*s", bytes, size(shown), shown.data());
}

void RulesDelivery::on_fetch_failed(const device::FetchFailure& failure, std::string_view detail, Millis retry_in) {
  const std::string_view fault = name(failure.fault), error = name(failure.error);
  ESP_LOGW(kTag, "not fetched: %.*s (%.*s, status %u) %.*s", size(fault), fault.data(), size(error), error.data(),
           static_cast<unsigned>(failure.status), size(detail), detail.data());
  for (const auto language : {device::Language::english, device::Language::chinese}) {
    const std::string_view remedy = device::remedy(failure.fault, language);
    if (!remedy.empty()) ESP_LOGW(kTag, "  -> %.*s", size(remedy), remedy.data());
  }
  if (retry_in != Millis{0})
    ESP_LOGI(kTag, "asked again in %" PRId32 " s", static_cast<std::int32_t>(retry_in / Seconds{1}));
}

void RulesDelivery::on_offered(const edge::Problem& problem) {
  if (problem.fault != edge::Fault::none) tell_problem(problem);
}

}  // namespace tercet::firmware
#endif
