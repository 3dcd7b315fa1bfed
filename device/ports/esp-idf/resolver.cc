#include "ports/esp-idf/resolver.h"

#include <lwip/dns.h>
#include <lwip/inet.h>
#include <lwip/tcpip.h>

#include <cstdio>
#include <cstring>

namespace tercet::idf {
namespace {

SocketAddress socket_address(const ip_addr_t& from, std::uint16_t port) {
  SocketAddress made;
#if LWIP_IPV6
  if (IP_IS_V6_VAL(from)) {
    auto& in = reinterpret_cast<sockaddr_in6&>(made.storage);
    in.sin6_family = AF_INET6;
    in.sin6_port = lwip_htons(port);
    inet6_addr_from_ip6addr(&in.sin6_addr, ip_2_ip6(&from));
    made.size = sizeof in;
    return made;
  }
#endif
  auto& in = reinterpret_cast<sockaddr_in&>(made.storage);
  in.sin_family = AF_INET;
  in.sin_port = lwip_htons(port);
  inet_addr_from_ip4addr(&in.sin_addr, ip_2_ip4(&from));
  made.size = sizeof in;
  return made;
}

}  // namespace

FixedString<64> text_of(const SocketAddress& address) {
  char host[48] = "?", whole[64];
  std::uint16_t port = 0;
  if (address.family() == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(address.storage);
    lwip_inet_ntop(AF_INET, &in.sin_addr, host, sizeof host);
    port = lwip_ntohs(in.sin_port);
  }
#if LWIP_IPV6
  if (address.family() == AF_INET6) {
    const auto& in = reinterpret_cast<const sockaddr_in6&>(address.storage);
    lwip_inet_ntop(AF_INET6, &in.sin6_addr, host, sizeof host);
    port = lwip_ntohs(in.sin6_port);
  }
#endif
  std::snprintf(whole, sizeof whole, "%s:%u", host, static_cast<unsigned>(port));
  FixedString<64> text;
  static_cast<void>(text.assign(whole));
  return text;
}

Result<void> Resolver::begin(std::string_view host, std::uint16_t port) {
  const Holding lock(lock_);
  if (const auto fits = host_.assign(host); !fits || host.empty()) return fail(Error::bad_argument);
  port_ = port;
  state_ = State::wanted;
  return {};
}

bool Resolver::is_pending() const {
  const Holding lock(lock_);
  return state_ != State::idle;
}

Result<SocketAddress> Resolver::poll() {
  bool to_ask = false;
  {
    const Holding lock(lock_);
    if (state_ == State::found) {
      state_ = State::idle;
      return address_;
    }
    if (state_ == State::failed || state_ == State::idle) {
      state_ = State::idle;
      return fail(Error::dns_failed);
    }
    to_ask = state_ == State::wanted;
    if (to_ask) state_ = State::asked;
  }
  if (to_ask && tcpip_try_callback(&Resolver::ask, this) != ERR_OK) {  // its queue is full: the next call tries again
    const Holding lock(lock_);
    if (state_ == State::asked) state_ = State::wanted;
  }
  return fail(Error::would_block);
}

/// On lwIP's task. The lock is not held while lwIP is asked: it may answer from inside the call.
void Resolver::ask(void* self) {
  auto& me = *static_cast<Resolver*>(self);
  char name[129];
  {
    const Holding lock(me.lock_);
    if (me.state_ != State::asked) return;
    std::memcpy(name, me.host_.str().data(), me.host_.size());
    name[me.host_.size()] = 0;
  }
  ip_addr_t address{};
  const err_t said = dns_gethostbyname(
      name, &address, [](const char* of, const ip_addr_t* found, void* to) { Resolver::answered(of, found, to); },
      self);
  if (said == ERR_INPROGRESS) return;
  me.settle(name, said == ERR_OK ? &address : nullptr);
}

void Resolver::answered(const char* name, const void* address, void* self) {
  static_cast<Resolver*>(self)->settle(name, address);
}

void Resolver::settle(std::string_view name, const void* address) {
  const Holding lock(lock_);
  if (state_ != State::asked || !(host_ == name)) return;  // an answer to an earlier question
  state_ = address == nullptr ? State::failed : State::found;
  if (address != nullptr) address_ = socket_address(*static_cast<const ip_addr_t*>(address), port_);
}

}  // namespace tercet::idf
