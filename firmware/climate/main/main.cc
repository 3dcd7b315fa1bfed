// The climate monitor for ESP32 boards: starts the one task that does everything. docs/esp32.md.
#include <esp_log.h>
#include <freertos/FreeRTOS.h>
#include <freertos/task.h>
#include <sdkconfig.h>

#include <algorithm>

#include "application.h"
#include "chosen_sensor.h"
#include "climate/indicator.h"
#include "light.h"
#include "ports/esp-idf/board.h"
#include "ports/esp-idf/setup_console.h"
#include "ports/esp-idf/setup_page.h"
#include "rules_console.h"

using namespace tercet;

namespace {

constexpr const char* kTag = "climate";
constexpr Millis kLightEvery{50};

void tell(const char* what, const Result<void>& done) {
  if (!done && done.error() != Error::unsupported)
    ESP_LOGE(kTag, "%s: %.*s", what, static_cast<int>(name(done.error()).size()), name(done.error()).data());
}

/// Gets the board as far as it goes; what is missing is told, and can be given on the console or the page.
void start(idf::Board& board, firmware::Application& application) {
  const auto console = idf::open_setup_console(board);
  tell("console", console);
  if (console) tell("console", firmware::add_rules_command(board, application.rules()));
  const auto joined = board.join_network();
  if (!joined && joined.error() == Error::not_found) ESP_LOGW(kTag, "no Wi-Fi network is provisioned");
  if (!joined && joined.error() != Error::not_found) tell("network", joined);
  const auto started = application.start();
  if (!started && started.error() == Error::not_found)
    ESP_LOGW(kTag, "not provisioned: the triple or the platform's host is missing; see docs/esp32.md");
  if (!started && started.error() != Error::not_found) tell("start", started);
  if (!joined || !started) tell("set-up page", idf::open_setup_page(board));
}

/// A press of five seconds opens the page.
class SetupButton {
 public:
  void run(idf::Board& board, Instant now) {
    if (press_.see(button_.is_pressed(), now)) tell("set-up page", idf::open_setup_page(board));
  }

 private:
  firmware::Button button_;
  climate::LongPress press_;
};

[[noreturn]] void run(void*) {
  static idf::Board board;
  tell("board", board.open());
  if (CONFIG_TERCET_WATCHDOG_SECONDS != 0) board.watchdog().watch_this_task(Seconds{CONFIG_TERCET_WATCHDOG_SECONDS});
  static firmware::Application application(board, firmware::chosen_sensor(board.clock()));
  static firmware::Light light;
  static SetupButton button;
  start(board, application);
  for (;;) {
    application.run();
    board.watchdog().feed();  // also without a client, before the board is provisioned
    const Instant now = board.clock().now();
    light.show(climate::is_lit(application.condition(), now));
    button.run(board, now);
    idf::run_setup_page();
    const Instant next_look = firmware::has_light_or_button() ? now + kLightEvery : Instant::never();
    board.wait(std::min(application.next_deadline(), next_look));
  }
}

}  // namespace

extern "C" void app_main() {
  static StaticTask_t task;
  static StackType_t stack[CONFIG_TERCET_TASK_STACK / sizeof(StackType_t)];
  xTaskCreateStatic(run, "tercet", sizeof stack / sizeof(StackType_t), nullptr, CONFIG_TERCET_TASK_PRIORITY, stack,
                    &task);
}
