#pragma once
#include <cstdint>
#include <string_view>

#include "tercet/base/fixed_string.h"
#include "tercet/base/result.h"
#include "tercet/base/triple.h"

namespace tercet::auth {

/// Which generation of instance a host belongs to (1.1).
enum class HostKind : std::uint8_t {
  product,   ///< `${pk}.iot-as-mqtt.${region}.aliyuncs.com`: the old public instance
  instance,  ///< `${instanceId}.mqtt.iothub.aliyuncs.com`: enterprise, and public ones opened after July 2021
  x509,      ///< certificates instead of secrets
  itls,      ///< ID², proprietary
  other,     ///< anything else: a self-hosted platform
};

using HostName = FixedString<128>;
/// Errors: bad_argument, region or instance empty, too long, or with characters a host name cannot have.
Result<HostName> host_of_product(const ProductKey& product, std::string_view region);
Result<HostName> host_of_instance(std::string_view instance_id);

/// A host name taken apart. Views into it. A port, if any, is left off first.
struct Host {
  HostKind kind = HostKind::other;
  std::string_view name;      ///< without port
  std::string_view product;   ///< product and itls hosts
  std::string_view region;    ///< product hosts
  std::string_view instance;  ///< instance hosts; needed in dynamic registration
};
Host parse_host(std::string_view host);

inline constexpr std::uint16_t kPortTls = 8883;
inline constexpr std::uint16_t kPortAny = 1883;  ///< TLS or plain TCP, told apart by the first byte

}  // namespace tercet::auth
