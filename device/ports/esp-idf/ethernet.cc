#include <sdkconfig.h>

#include "ports/esp-idf/network.h"

#ifdef CONFIG_TERCET_NETWORK_ETHERNET
#include <esp_eth.h>
#include <esp_event.h>
#include <esp_idf_version.h>
#include <esp_netif.h>
#ifdef CONFIG_TERCET_ETHERNET_OPENETH
#include <esp_mac.h>
#endif

namespace tercet::idf {
namespace {

void on_cable(void* to, esp_event_base_t, std::int32_t event, void*) {
  auto& state = *static_cast<NetworkState*>(to);
  if (event == ETHERNET_EVENT_CONNECTED) state.link_is(true);
  if (event == ETHERNET_EVENT_DISCONNECTED || event == ETHERNET_EVENT_STOP) {
    state.link_is(false);
    state.address_is(false);
  }
}

esp_eth_mac_t* make_mac() {
  eth_mac_config_t common = ETH_MAC_DEFAULT_CONFIG();
#ifdef CONFIG_TERCET_ETHERNET_OPENETH
  return esp_eth_mac_new_openeth(&common);
#else
  eth_esp32_emac_config_t emac = ETH_ESP32_EMAC_DEFAULT_CONFIG();
#if ESP_IDF_VERSION >= ESP_IDF_VERSION_VAL(5, 3, 0)
  emac.smi_gpio.mdc_num = CONFIG_TERCET_ETHERNET_MDC_GPIO;
  emac.smi_gpio.mdio_num = CONFIG_TERCET_ETHERNET_MDIO_GPIO;
#else
  emac.smi_mdc_gpio_num = CONFIG_TERCET_ETHERNET_MDC_GPIO;
  emac.smi_mdio_gpio_num = CONFIG_TERCET_ETHERNET_MDIO_GPIO;
#endif
  return esp_eth_mac_new_esp32(&emac, &common);
#endif
}

esp_eth_phy_t* make_phy() {
  eth_phy_config_t config = ETH_PHY_DEFAULT_CONFIG();
#ifdef CONFIG_TERCET_ETHERNET_OPENETH
  config.phy_addr = 1;
  config.reset_gpio_num = -1;
  config.autonego_timeout_ms = 100;  // QEMU's does not negotiate
#else
  config.phy_addr = CONFIG_TERCET_ETHERNET_PHY_ADDRESS;
  config.reset_gpio_num = CONFIG_TERCET_ETHERNET_RESET_GPIO;
#endif
#if ESP_IDF_VERSION >= ESP_IDF_VERSION_VAL(6, 0, 0)
  return esp_eth_phy_new_generic(&config);  // the makers' own drivers are in the component registry from 6.0 on
#elif defined(CONFIG_TERCET_ETHERNET_OPENETH)
  return esp_eth_phy_new_dp83848(&config);
#elif defined(CONFIG_TERCET_ETHERNET_PHY_IP101)
  return esp_eth_phy_new_ip101(&config);
#elif defined(CONFIG_TERCET_ETHERNET_PHY_RTL8201)
  return esp_eth_phy_new_rtl8201(&config);
#else
  return esp_eth_phy_new_lan87xx(&config);
#endif
}

}  // namespace

Result<void> start_ethernet(NetworkState& state) {
  esp_netif_config_t defaults = ESP_NETIF_DEFAULT_ETH();
  esp_netif_t* interface = esp_netif_new(&defaults);
  esp_eth_mac_t* mac = make_mac();
  esp_eth_phy_t* phy = make_phy();
  if (interface == nullptr || mac == nullptr || phy == nullptr) return fail(Error::no_space);
  esp_eth_config_t config = ETH_DEFAULT_CONFIG(mac, phy);
  esp_eth_handle_t driver = nullptr;
  if (esp_eth_driver_install(&config, &driver) != ESP_OK) return fail(Error::not_found);
#ifdef CONFIG_TERCET_ETHERNET_OPENETH
  std::uint8_t address[6] = {};
  if (esp_read_mac(address, ESP_MAC_ETH) == ESP_OK) esp_eth_ioctl(driver, ETH_CMD_S_MAC_ADDR, address);
#endif
  if (esp_netif_attach(interface, esp_eth_new_netif_glue(driver)) != ESP_OK ||
      esp_event_handler_register(ETH_EVENT, ESP_EVENT_ANY_ID, on_cable, &state) != ESP_OK ||
      esp_eth_start(driver) != ESP_OK)
    return fail(Error::no_space);
  return {};
}

}  // namespace tercet::idf
#else
namespace tercet::idf {
Result<void> start_ethernet(NetworkState&) { return fail(Error::unsupported); }
}  // namespace tercet::idf
#endif
