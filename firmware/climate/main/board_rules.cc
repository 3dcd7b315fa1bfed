#include "board_rules.h"

#ifdef CONFIG_CLIMATE_RULES
#include <esp_log.h>

#include <algorithm>
#include <array>
#include <cinttypes>

#include "ports/esp-idf/health.h"

#ifdef CLIMATE_OWN_RULES
extern "C" const char own_rules_start[] asm("_binary_own_rules_json_start");
extern "C" const char own_rules_end[] asm("_binary_own_rules_json_end");
#endif

namespace tercet::firmware {
namespace {

constexpr const char* kTag = "rules";

int size(std::string_view text) { return static_cast<int>(text.size()); }

/// The firmware's own set: the file of the menu.
std::string_view own_rules() {
#ifdef CLIMATE_OWN_RULES
  return {own_rules_start, static_cast<std::size_t>(own_rules_end - own_rules_start - 1)};  // without its zero
#else
  return {};
#endif
}

}  // namespace

void tell_problem(const edge::Problem& problem) {
  for (const auto language : {edge::Language::english, edge::Language::chinese}) {
    std::array<std::uint8_t, 400> line;
    Writer out{line};
    edge::write_problem(out, problem, language);
    ESP_LOGW(kTag, "%.*s", size(out.text()), out.text().data());
  }
}

BoardRules::BoardRules(idf::Board& board, device::Device& device, climate::Monitor& monitor,
                       device::DeviceEvents& owner)
    : rules_(device, monitor, owner, &board.store(), {.own = own_rules(), .watcher = this}),
      delivery_(board, device, rules_) {}

void BoardRules::start(const DeviceId& id, Instant now) {
  edge::Problem problem;
  if (!own_rules().empty() && !rules_.engine().check(own_rules(), problem)) {
    ESP_LOGE(kTag, "the rules built into this program are wrong");
    tell_problem(problem);
  }
  rules_.start(climate::boot_after(idf::reset_reason()), now);
  delivery_.start(id);
  started_ = true;
  tell();
}

void BoardRules::run(Instant now) {
  rules_.run(now);
  delivery_.run(now);
}

Instant BoardRules::next_deadline() const { return std::min(rules_.next_deadline(), delivery_.next_deadline()); }

void BoardRules::offer(std::string_view text, Instant now) {
  if (!started_) {
    ESP_LOGW(kTag, "not now: the board is not provisioned");
    return;
  }
  edge::Problem problem;
  if (!rules_.offer(text, 0, now, problem)) return tell_problem(problem);
  ESP_LOGI(kTag, "version %" PRIu32 " runs", rules_.keeper().running());
}

void BoardRules::tell() const {
  const auto& keeper = rules_.keeper();
  if (keeper.running() == 0)
    ESP_LOGI(kTag, "none; the board's own alarm is on");
  else
    ESP_LOGI(kTag, "version %" PRIu32 "%s", keeper.running(), keeper.is_on_trial() ? ", on trial" : "");
  if (keeper.condemned() != 0) ESP_LOGI(kTag, "version %" PRIu32 " was rolled back", keeper.condemned());
  for (std::size_t i = 0; i < rules_.engine().size(); ++i) {
    const auto rule = rules_.engine().status(i);
    ESP_LOGI(kTag, "  %.*s: %s, entered %" PRIu32 " times%s%.*s", size(rule.name), rule.name.data(),
             rule.active ? "active" : "idle", rule.entered, rule.blind ? ", no value of " : "",
             size(rule.blind_property), rule.blind_property.data());
  }
}

void BoardRules::on_step(const edge::Step& step) {
  constexpr const char* kWhat[] = {"entered",  "left", "no value of", "again a value of",
                                   "deferred", "did",  "failed",      "gave up"};
  ESP_LOGI(kTag, "%.*s: %s %.*s", size(step.rule), step.rule.data(), kWhat[static_cast<std::size_t>(step.what)],
           size(step.target), step.target.data());
}

void BoardRules::on_report(const edge::Report& report) {
  const std::string_view outcome = name(report.outcome), cause = name(report.cause);
  ESP_LOGI(kTag, "version %" PRIu32 " %.*s (%.*s), running %" PRIu32, report.version, size(outcome), outcome.data(),
           size(cause), cause.data(), report.running);
}

}  // namespace tercet::firmware
#endif
