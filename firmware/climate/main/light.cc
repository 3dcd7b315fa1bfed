#include "light.h"

#include <driver/gpio.h>
#include <sdkconfig.h>

#include <cstdint>

namespace tercet::firmware {
namespace {

constexpr int kLight = CONFIG_CLIMATE_LED_GPIO, kButton = CONFIG_CLIMATE_BUTTON_GPIO;
#ifdef CONFIG_CLIMATE_LED_ACTIVE_LOW
constexpr bool kActiveLow = true;
#else
constexpr bool kActiveLow = false;
#endif

std::uint64_t mask_of(int pin) { return pin < 0 ? 0 : std::uint64_t{1} << pin; }
gpio_num_t number(int pin) { return static_cast<gpio_num_t>(pin); }

}  // namespace

Light::Light() {
  if (kLight < 0) return;
  gpio_config_t config{};
  config.pin_bit_mask = mask_of(kLight);
  config.mode = GPIO_MODE_OUTPUT;
  gpio_config(&config);
  gpio_set_level(number(kLight), kActiveLow ? 1 : 0);
}

void Light::show(bool on) {
  if (kLight < 0 || on == on_) return;
  on_ = on;
  gpio_set_level(number(kLight), on != kActiveLow ? 1 : 0);
}

Button::Button() {
  if (kButton < 0) return;
  gpio_config_t config{};
  config.pin_bit_mask = mask_of(kButton);
  config.mode = GPIO_MODE_INPUT;
  config.pull_up_en = GPIO_PULLUP_ENABLE;
  gpio_config(&config);
}

bool Button::is_pressed() const { return kButton >= 0 && gpio_get_level(number(kButton)) == 0; }

bool has_light_or_button() { return kLight >= 0 || kButton >= 0; }

}  // namespace tercet::firmware
