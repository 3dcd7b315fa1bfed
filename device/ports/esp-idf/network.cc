#include "ports/esp-idf/network.h"

#include <esp_event.h>
#include <esp_netif.h>

namespace tercet::idf {
namespace {

void on_address(void* to, esp_event_base_t, std::int32_t event, void*) {
  auto& state = *static_cast<NetworkState*>(to);
  switch (event) {
    case IP_EVENT_STA_GOT_IP:
    case IP_EVENT_ETH_GOT_IP:
    case IP_EVENT_GOT_IP6:
      return state.address_is(true);
    case IP_EVENT_STA_LOST_IP:
    case IP_EVENT_ETH_LOST_IP:
      return state.address_is(false);
    default:
      return;
  }
}

}  // namespace

Result<void> open_network(NetworkState& state) {
  if (esp_netif_init() != ESP_OK) return fail(Error::no_space);
  const esp_err_t loop = esp_event_loop_create_default();
  if (loop != ESP_OK && loop != ESP_ERR_INVALID_STATE) return fail(Error::no_space);  // an application may have made it
  if (esp_event_handler_register(IP_EVENT, ESP_EVENT_ANY_ID, on_address, &state) != ESP_OK)
    return fail(Error::no_space);
  state.prepared();
  return {};
}

}  // namespace tercet::idf
