#include "ports/arduino/board.h"

#ifdef ESP_PLATFORM
#include <esp_netif.h>

#include <array>
#include <optional>

#include "ports/esp-idf/datagram.h"
#include "ports/esp-idf/health.h"
#include "ports/esp-idf/nvs.h"
#include "ports/esp-idf/partition_flash.h"
#include "ports/esp-idf/system.h"
#include "ports/esp-idf/transport.h"

namespace tercet::arduino {
namespace {

/// Whatever interface the sketch has brought up: Wi-Fi, Ethernet, a modem.
class AnyInterface final : public device::Network {
 public:
  bool has_link() const override {
    esp_netif_t* const netif = esp_netif_get_default_netif();
    return netif != nullptr && esp_netif_is_netif_up(netif);
  }
  bool has_address() const override {
    esp_netif_t* const netif = esp_netif_get_default_netif();
    esp_netif_ip_info_t address{};
    return has_link() && esp_netif_get_ip_info(netif, &address) == ESP_OK && address.ip.addr != 0;
  }
};

/// The parts of ports/esp-idf that do not need a configuration of their own.
class Esp32Board final : public Board {
 public:
  Result<void> open() override {
    if (const auto nvs = idf::open_nvs(); !nvs) return nvs;
    flash_ = idf::PartitionFlash::find("outbox");
    return {};
  }

  device::Port port() override {
    return {transport_, clock_,  random_, network_, secrets_,
            &datagram_, &store_, nullptr, nullptr,  flash_ ? &*flash_ : nullptr};
  }

  Result<void> trust(std::string_view text) override {
    if (!text.empty()) return transport_.trust().add(text);
    const auto provisioned = provisioning_.text("ca", trust_text_);
    return provisioned && !provisioned->empty() ? transport_.trust().add(*provisioned) : Result<void>{};
  }

  Result<DeviceId> provisioned_device() override { return provisioning_.device(); }
  Result<HostName> provisioned_host() override { return provisioning_.text("host"); }
  Result<std::uint16_t> provisioned_port() override { return provisioning_.port(); }
  std::string_view reset_reason() override { return idf::reset_reason(); }

 private:
  idf::SystemClock clock_;
  idf::SystemRandom random_;
  AnyInterface network_;
  idf::Provisioning provisioning_;
  idf::NvsSecrets secrets_{provisioning_};
  idf::NvsStore store_{"tercet_state"};
  idf::SocketTransport transport_;
  idf::SocketDatagram datagram_;
  std::optional<idf::PartitionFlash> flash_;
  std::array<std::uint8_t, 4'001> trust_text_{};
};

}  // namespace

Board& board() {
  // Never destroyed, as the parts of ports/esp-idf ask.
  static Esp32Board the_one;
  return the_one;
}

}  // namespace tercet::arduino
#endif
