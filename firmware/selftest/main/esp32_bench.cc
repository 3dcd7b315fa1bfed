#include "esp32_bench.h"

#include <freertos/FreeRTOS.h>
#include <freertos/task.h>
#include <sdkconfig.h>

namespace tercet::firmware {
namespace {

// Of no device: it opens nothing.
constexpr std::string_view kProduct = "a1B2c3D4e5F", kDevice = "selftest",
                           kSecret = "0123456789abcdef0123456789abcdef";  // not-a-secret

}  // namespace

Esp32Bench::Esp32Bench(idf::Board& board) : board_(board) {
  auto& given = board.provisioning();
  if (given.has("pk") || given.has("dn") || given.has("ds")) return;
  has_test_triple_ = given.set_text("pk", kProduct) && given.set_text("dn", kDevice) && given.set_text("ds", kSecret);
}

Esp32Bench::~Esp32Bench() {
  if (!has_test_triple_) return;
  for (const char* key : {"pk", "dn", "ds"}) static_cast<void>(board_.provisioning().set_text(key, ""));
}

std::optional<contract::Peer> Esp32Bench::peer(contract::PeerKind kind) {
  if (kind == contract::PeerKind::unknown_name) return contract::Peer{"no-such-host.invalid", 8883};
  return contract::Peer{CONFIG_SELFTEST_PEERS_HOST,
                        static_cast<std::uint16_t>(CONFIG_SELFTEST_PEERS_PORT + static_cast<int>(kind))};
}

std::int64_t Esp32Bench::waited_us() { return static_cast<std::int64_t>(ulTaskGetIdleRunTimeCounter()); }

std::optional<Triple> Esp32Bench::provisioned() {
  if (!has_test_triple_) return std::nullopt;
  const auto product = ProductKey::parse(kProduct);
  const auto device = DeviceName::parse(kDevice);
  const auto secret = DeviceSecret::parse(kSecret);
  if (!product || !device || !secret) return std::nullopt;
  return Triple{{*product, *device}, *secret};
}

}  // namespace tercet::firmware
