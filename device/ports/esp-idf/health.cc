#include "ports/esp-idf/health.h"

#include <esp_heap_caps.h>
#include <esp_idf_version.h>
#include <esp_system.h>
#include <freertos/FreeRTOS.h>
#include <freertos/task.h>

#include <algorithm>
#include <array>
#include <limits>

#include "tercet/base/reader.h"
#include "tercet/base/writer.h"

namespace tercet::idf {
namespace {

constexpr std::string_view kBootsKey = "boots";

std::string_view name_of(esp_reset_reason_t reason) {
  switch (reason) {
    case ESP_RST_POWERON:
      return "power_on";
    case ESP_RST_EXT:
      return "pin";
    case ESP_RST_SW:
      return "software";
    case ESP_RST_PANIC:
      return "panic";
    case ESP_RST_INT_WDT:
      return "interrupt_watchdog";
    case ESP_RST_TASK_WDT:
      return "task_watchdog";
    case ESP_RST_WDT:
      return "watchdog";
    case ESP_RST_DEEPSLEEP:
      return "deep_sleep";
    case ESP_RST_BROWNOUT:
      return "brown_out";
#if ESP_IDF_VERSION >= ESP_IDF_VERSION_VAL(5, 3, 0)
    case ESP_RST_PWR_GLITCH:
      return "brown_out";
    case ESP_RST_CPU_LOCKUP:  // an exception within the handling of one
      return "panic";
#endif
    default:
      return "other";
  }
}

std::int32_t whole(std::size_t count) {
  return static_cast<std::int32_t>(std::min<std::size_t>(count, std::numeric_limits<std::int32_t>::max()));
}

}  // namespace

std::string_view reset_reason() { return name_of(esp_reset_reason()); }

BoardHealth::BoardHealth(device::KeyValueStore& store) {
  std::array<std::uint8_t, 4> bytes{};
  std::uint32_t before = 0;
  if (const auto got = store.get(kBootsKey, bytes); got && *got == bytes.size()) before = Reader{bytes}.u32();
  boots_ = static_cast<std::int32_t>(std::min<std::uint32_t>(before, 0x7FFF'FFFE) + 1);
  Writer out{bytes};
  out.u32(static_cast<std::uint32_t>(boots_));
  static_cast<void>(store.set(kBootsKey, out.written()));  // without room the count stands still; nothing else suffers
}

climate::Health BoardHealth::look() {
  constexpr std::uint32_t kInternal = MALLOC_CAP_INTERNAL | MALLOC_CAP_8BIT;
  return {.reset_reason = tercet::idf::reset_reason(),
          .boot_count = boots_,
          .heap_low = whole(heap_caps_get_minimum_free_size(kInternal)),
          .heap_block = whole(heap_caps_get_largest_free_block(kInternal)),
          .stack_low = whole(uxTaskGetStackHighWaterMark(nullptr))};  // bytes, unlike elsewhere in FreeRTOS
}

}  // namespace tercet::idf
