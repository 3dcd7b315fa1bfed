#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

#include "platform/runtime/loop.h"

namespace tercet::runtime {
namespace {

constexpr std::uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

bool is_ipv4(const Address& address) { return std::equal(std::begin(kMapped), std::end(kMapped), address.ip); }

}  // namespace

bool Address::is_loopback() const {
  if (is_ipv4(*this)) return ip[12] == 127;
  return std::all_of(ip, ip + 15, [](std::uint8_t byte) { return byte == 0; }) && ip[15] == 1;
}

std::string Address::ip_text() const {
  char text[INET6_ADDRSTRLEN] = {};
  if (is_ipv4(*this))
    inet_ntop(AF_INET, ip + 12, text, sizeof text);
  else
    inet_ntop(AF_INET6, ip, text, sizeof text);
  return text;
}

std::string Address::text() const {
  const std::string number = std::to_string(port);
  return is_ipv4(*this) ? ip_text() + ":" + number : "[" + ip_text() + "]:" + number;
}

Result<Address> make_address(std::string_view ip, std::uint16_t port) {
  const std::string text(ip);
  Address address;
  address.port = port;
  if (inet_pton(AF_INET, text.c_str(), address.ip + 12) == 1) {
    std::copy(std::begin(kMapped), std::end(kMapped), address.ip);
    return address;
  }
  if (inet_pton(AF_INET6, text.c_str(), address.ip) == 1) return address;
  return fail(Error::malformed);
}

}  // namespace tercet::runtime
