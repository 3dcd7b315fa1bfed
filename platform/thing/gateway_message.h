#pragma once
#include <cstdint>
#include <string>

namespace tercet::thing {

/// What a gateway asks about its topology or about identities of sub-devices (device-protocol 9.1, 9.3), taken apart on
/// its shard. Whoever keeps the topology gets it (Wiring::gateways) and answers with Things::send.
struct GatewayMessage {
  enum class Kind : std::uint8_t {
    topo_add,
    topo_delete,
    topo_get,
    list_found,
    sub_register,
    sub_unregister,
    product_register,
  };
  Kind kind = Kind::topo_get;
  std::uint64_t device = 0;  ///< the gateway
  std::string product, name;
  std::string id;      ///< of the request, as it came
  std::string method;  ///< of the reply
  std::string topic;   ///< of the reply
  std::string params;  ///< JSON; "null" when there were none
  bool wants_reply = true;
  std::uint8_t qos = 0;
};

}  // namespace tercet::thing
