#include "platform/openapi/network.h"

#include <algorithm>

namespace tercet::openapi {

std::string network_of(const runtime::Address& address) {
  std::string text = address.ip_text();
  if (text.find(':') == std::string::npos) return text;
  runtime::Address network = address;
  std::fill(network.ip + 8, network.ip + 16, std::uint8_t{0});
  return network.ip_text() + "/64";
}

}  // namespace tercet::openapi
