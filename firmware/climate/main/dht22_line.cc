#include <sdkconfig.h>
#ifdef CONFIG_CLIMATE_SENSOR_DHT22
#include <driver/gpio.h>
#include <driver/rmt_rx.h>
#include <esp_rom_sys.h>
#include <freertos/FreeRTOS.h>
#include <freertos/semphr.h>

#include <array>

#include "climate/drivers/dht22.h"
#include "dht22_line.h"

namespace tercet::firmware {
namespace {

constexpr gpio_num_t kPin = static_cast<gpio_num_t>(CONFIG_CLIMATE_DHT22_GPIO);
constexpr Millis kBetween{2'000};
constexpr std::uint32_t kCallUs = 1'200;  // the datasheet: at least 1 ms low
constexpr std::size_t kSymbols = 64;      // 41 pulses, and what noise may add
constexpr TickType_t kAnswerWithin = pdMS_TO_TICKS(10) + 1;

/// What the interrupt writes. One line, hence one.
struct Capture {
  rmt_channel_handle_t channel = nullptr;
  SemaphoreHandle_t done = nullptr;
  StaticSemaphore_t done_memory{};
  std::array<rmt_symbol_word_t, kSymbols> symbols{};
  volatile std::size_t used = 0;
};
Capture capture;

bool on_received(rmt_channel_handle_t, const rmt_rx_done_event_data_t* event, void*) {
  capture.used = event->num_symbols;
  BaseType_t woken = pdFALSE;
  xSemaphoreGiveFromISR(capture.done, &woken);
  return woken == pdTRUE;
}

/// The lengths of the high pulses.
std::size_t highs(std::span<std::uint16_t> into) {
  std::size_t count = 0;
  const auto add = [&](bool level, unsigned duration) {
    if (level && duration != 0 && count < into.size()) into[count++] = static_cast<std::uint16_t>(duration);
  };
  for (std::size_t i = 0; i < capture.used && i < kSymbols; ++i) {
    add(capture.symbols[i].level0, capture.symbols[i].duration0);
    add(capture.symbols[i].level1, capture.symbols[i].duration1);
  }
  return count;
}

}  // namespace

Dht22Line::Dht22Line(const device::Clock& clock) : clock_(clock), ready_(open()) {}

bool Dht22Line::open() {
  capture.done = xSemaphoreCreateBinaryStatic(&capture.done_memory);
  rmt_rx_channel_config_t config{};
  config.gpio_num = kPin;
  config.clk_src = RMT_CLK_SRC_DEFAULT;
  config.resolution_hz = 1'000'000;
  config.mem_block_symbols = kSymbols;
  rmt_rx_event_callbacks_t callbacks{};
  callbacks.on_recv_done = on_received;
  if (rmt_new_rx_channel(&config, &capture.channel) != ESP_OK ||
      rmt_rx_register_event_callbacks(capture.channel, &callbacks, nullptr) != ESP_OK ||
      rmt_enable(capture.channel) != ESP_OK)
    return false;
  // The same pin calls the sensor: low or let go, never driven high.
  gpio_set_level(kPin, 1);
  gpio_set_direction(kPin, GPIO_MODE_INPUT_OUTPUT_OD);
  gpio_set_pull_mode(kPin, GPIO_PULLUP_ONLY);
  return true;
}

Result<climate::Reading> Dht22Line::sample(UnixMillis) {
  if (!ready_) return fail(Error::not_found);
  const Instant now = clock_.now();
  if (now < next_) return fail(Error::would_block);
  next_ = now + kBetween;
  gpio_set_level(kPin, 0);
  esp_rom_delay_us(kCallUs);
  xSemaphoreTake(capture.done, 0);
  rmt_receive_config_t range{};
  range.signal_range_min_ns = 1'000;
  range.signal_range_max_ns = 200'000;
  gpio_set_level(kPin, 1);
  const bool listening = rmt_receive(capture.channel, capture.symbols.data(),
                                     capture.symbols.size() * sizeof capture.symbols[0], &range) == ESP_OK;
  if (!listening || xSemaphoreTake(capture.done, kAnswerWithin) != pdTRUE) {
    rmt_disable(capture.channel);  // ends a reception that never began
    rmt_enable(capture.channel);
    return fail(Error::io_failed);
  }
  std::array<std::uint16_t, 2 * kSymbols> pulses{};
  const std::size_t count = highs(pulses);
  const auto frame = climate::decode_dht22_pulses(std::span(pulses).first(count));
  if (!frame) return fail(frame.error());
  return climate::decode_dht22(*frame);
}

}  // namespace tercet::firmware
#endif
