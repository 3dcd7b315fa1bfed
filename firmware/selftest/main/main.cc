// What port.h promises, tried on this board; see README.md. It erases the partition `outbox`.
#include <freertos/FreeRTOS.h>
#include <freertos/task.h>

#include <cstdio>

#include "esp32_bench.h"
#include "ports/contract/suite.h"

using namespace tercet;

namespace {

/// "ok    transport: …", "FAIL  …", "skip  …": one line for each promise, more for what failed.
class ConsoleReporter final : public contract::Reporter {
 public:
  void begin(std::string_view promise) override { promise_ = promise, failed_ = skipped_ = false; }
  void fail(std::string_view what) override {
    failed_ = true;
    line("  because", what);
  }
  void skip(std::string_view why) override {
    skipped_ = true;
    line("  because", why);
  }
  void end() override { line(failed_ ? "FAIL" : skipped_ ? "skip" : "ok", promise_); }

 private:
  static void line(const char* what, std::string_view text) {
    std::printf("%-5s %.*s\n", what, static_cast<int>(text.size()), text.data());
  }
  std::string_view promise_;
  bool failed_ = false, skipped_ = false;
};

bool get_online(idf::Board& board) {
  if (!board.open() || !board.join_network()) return false;
  const Instant until = board.clock().now() + Seconds{60};
  while (!board.network().has_address() && board.clock().now() < until) board.wait(board.clock().now() + Millis{200});
  return board.network().has_address();
}

[[noreturn]] void run(void*) {
  static idf::Board board;
  if (!get_online(board)) std::printf("selftest: no network; what needs it will fail\n");
  {
    board.clock().set_wall({1'765'000'000'000});
    firmware::Esp32Bench bench(board);
    ConsoleReporter reporter;
    const auto score = contract::run_all(bench, reporter);
    std::printf("selftest: %d promises, %d failed; %u bytes of stack were never used\n", score.promises, score.failed,
                static_cast<unsigned>(uxTaskGetStackHighWaterMark(nullptr)));
  }
  for (;;) vTaskDelay(portMAX_DELAY);
}

}  // namespace

extern "C" void app_main() { xTaskCreate(run, "selftest", 14 * 1024, nullptr, 5, nullptr); }
