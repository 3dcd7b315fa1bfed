#include <sdkconfig.h>

#include "ports/esp-idf/network.h"

#ifdef CONFIG_TERCET_NETWORK_WIFI
#include <esp_event.h>
#include <esp_log.h>
#include <esp_mac.h>
#include <esp_netif.h>
#include <esp_random.h>
#include <esp_timer.h>
#include <esp_wifi.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstring>

namespace tercet::idf {
namespace {

constexpr const char* kTag = "tercet";
constexpr std::uint32_t kFirstMs = 1'000, kLimitMs = 60'000;

/// What ESP-IDF's event task and the retry timer work on. One radio, hence one.
struct Radio {
  NetworkState* state = nullptr;
  esp_timer_handle_t retry = nullptr;
  bool open = false, wanted = false, has_access_point = false;
  std::atomic<std::uint32_t> backoff_ms{kFirstMs};
};
Radio radio;

/// Full jitter: boards that lost one access point together do not come back together.
void retry_later() {
  const std::uint32_t most_ms = radio.backoff_ms, wait_ms = 100 + esp_random() % most_ms;
  radio.backoff_ms = std::min(most_ms * 2, kLimitMs);
  esp_timer_stop(radio.retry);
  esp_timer_start_once(radio.retry, std::uint64_t{wait_ms} * 1000);
}

/// An attempt that does not even begin brings no event: it is made again by the timer.
void connect() {
  if (radio.wanted && !radio.state->has_link() && esp_wifi_connect() != ESP_OK) retry_later();
}

void try_again(void*) { connect(); }

void on_radio(void*, esp_event_base_t, std::int32_t event, void* data) {
  switch (event) {
    case WIFI_EVENT_STA_START:
      return connect();
    case WIFI_EVENT_STA_CONNECTED:
      radio.backoff_ms = kFirstMs;
      return radio.state->link_is(true);
    case WIFI_EVENT_STA_DISCONNECTED: {
      const auto& lost = *static_cast<const wifi_event_sta_disconnected_t*>(data);
      radio.state->link_is(false);
      radio.state->address_is(false);
      ESP_LOGW(kTag, "wi-fi: no connection (reason %u)", static_cast<unsigned>(lost.reason));
      if (radio.wanted) retry_later();
      return;
    }
    default:
      return;
  }
}

Result<void> open_radio(NetworkState& state) {
  if (radio.open) return {};
  if (!state.is_prepared()) return fail(Error::no_space);  // ESP-IDF would abort
  radio.state = &state;
  if (esp_netif_create_default_wifi_sta() == nullptr) return fail(Error::no_space);
  wifi_init_config_t defaults = WIFI_INIT_CONFIG_DEFAULT();
  esp_timer_create_args_t timer{};
  timer.callback = try_again;
  timer.name = "tercet wi-fi";
  if (esp_wifi_init(&defaults) != ESP_OK || esp_timer_create(&timer, &radio.retry) != ESP_OK ||
      esp_event_handler_register(WIFI_EVENT, ESP_EVENT_ANY_ID, on_radio, nullptr) != ESP_OK)
    return fail(Error::no_space);
  esp_wifi_set_storage(WIFI_STORAGE_RAM);  // what is stored is our provisioning
  radio.open = true;
  return {};
}

template <std::size_t N>
bool put(std::uint8_t (&into)[N], std::string_view text) {
  if (text.size() > N) return false;
  std::memset(into, 0, N);
  std::memcpy(into, text.data(), text.size());
  return true;
}

}  // namespace

Result<void> start_wifi(NetworkState& state, std::string_view ssid, std::string_view password) {
  if (const auto opened = open_radio(state); !opened) return opened;
  wifi_config_t config{};
  if (ssid.empty() || !put(config.sta.ssid, ssid) || !put(config.sta.password, password))
    return fail(Error::bad_argument);
  config.sta.threshold.authmode = password.empty() ? WIFI_AUTH_OPEN : WIFI_AUTH_WPA_PSK;
  config.sta.pmf_cfg.capable = true;
  config.sta.scan_method = WIFI_ALL_CHANNEL_SCAN;  // of several access points of that name the strongest
  config.sta.sort_method = WIFI_CONNECT_AP_BY_SIGNAL;
  radio.wanted = true;
  radio.backoff_ms = kFirstMs;
  if (esp_wifi_set_mode(radio.has_access_point ? WIFI_MODE_APSTA : WIFI_MODE_STA) != ESP_OK ||
      esp_wifi_set_config(WIFI_IF_STA, &config) != ESP_OK || esp_wifi_start() != ESP_OK)
    return fail(Error::no_space);
#ifndef CONFIG_TERCET_WIFI_POWER_SAVE
  esp_wifi_set_ps(WIFI_PS_NONE);
#endif
  return {};
}

std::string_view access_point_name() {
  static char name[16];
  if (name[0] == 0) {
    std::uint8_t address[6] = {};
    esp_read_mac(address, ESP_MAC_WIFI_STA);
    std::snprintf(name, sizeof name, "Tercet-%02X%02X", address[4], address[5]);
  }
  return name;
}

Result<void> open_access_point(NetworkState& state, std::string_view password) {
  if (const auto opened = open_radio(state); !opened) return opened;
  if (radio.has_access_point) return {};
  static const esp_netif_t* const interface = esp_netif_create_default_wifi_ap();
  if (interface == nullptr) return fail(Error::no_space);
  wifi_config_t config{};
  if (password.size() < 8 || !put(config.ap.ssid, access_point_name()) || !put(config.ap.password, password))
    return fail(Error::bad_argument);
  config.ap.ssid_len = static_cast<std::uint8_t>(access_point_name().size());
  config.ap.authmode = WIFI_AUTH_WPA2_PSK;
  config.ap.max_connection = 2;
  if (esp_wifi_set_mode(WIFI_MODE_APSTA) != ESP_OK || esp_wifi_set_config(WIFI_IF_AP, &config) != ESP_OK ||
      esp_wifi_start() != ESP_OK)
    return fail(Error::no_space);
  radio.has_access_point = true;
  return {};
}

void close_access_point() {
  if (!radio.has_access_point) return;
  radio.has_access_point = false;
  esp_wifi_set_mode(WIFI_MODE_STA);
}

}  // namespace tercet::idf
#else
namespace tercet::idf {
Result<void> start_wifi(NetworkState&, std::string_view, std::string_view) { return fail(Error::unsupported); }
Result<void> open_access_point(NetworkState&, std::string_view) { return fail(Error::unsupported); }
void close_access_point() {}
std::string_view access_point_name() { return {}; }
}  // namespace tercet::idf
#endif
