#include "ports/posix/resolver.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <system_error>
#include <thread>

namespace tercet::posix {

struct Resolver::Lookup {
  std::string host, service;
  int socket_type = SOCK_STREAM;
  int event_fd = -1;
  std::vector<SocketAddress> addresses;
  int error = 0;
  std::atomic<bool> ready{false};

  ~Lookup() {
    if (event_fd >= 0) ::close(event_fd);
  }

  void run(System system, int flags) {
    addrinfo hints{};
    hints.ai_socktype = socket_type;
    hints.ai_flags = flags;
    addrinfo* list = nullptr;
    error = system(host.c_str(), service.c_str(), &hints, &list);
    for (const addrinfo* at = list; at != nullptr && addresses.size() < 8; at = at->ai_next) {
      SocketAddress& address = addresses.emplace_back();
      std::memcpy(&address.storage, at->ai_addr, at->ai_addrlen);
      address.size = at->ai_addrlen;
    }
    if (list != nullptr) freeaddrinfo(list);
    if (error == 0 && addresses.empty()) error = EAI_NONAME;
  }
  void announce() {
    ready.store(true, std::memory_order_release);
    const std::uint64_t one = 1;
    if (event_fd >= 0) static_cast<void>(!::write(event_fd, &one, sizeof one));
  }
};

std::string SocketAddress::text() const {
  char host[INET6_ADDRSTRLEN] = "?";
  if (family() == AF_INET) {
    const auto* in = reinterpret_cast<const sockaddr_in*>(&storage);
    inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
    return std::string(host) + ':' + std::to_string(ntohs(in->sin_port));
  }
  const auto* in = reinterpret_cast<const sockaddr_in6*>(&storage);
  inet_ntop(AF_INET6, &in->sin6_addr, host, sizeof host);
  return '[' + std::string(host) + "]:" + std::to_string(ntohs(in->sin6_port));
}

Resolver::Resolver(System system) : system_(system) {}
Resolver::~Resolver() = default;

void Resolver::begin(std::string_view host, std::uint16_t port, int socket_type) {
  lookup_ = std::make_shared<Lookup>();
  error_text_.clear();
  unknown_ = false;
  lookup_->host = host;
  lookup_->service = std::to_string(port);
  lookup_->socket_type = socket_type;
  lookup_->event_fd = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  lookup_->run(system_, AI_NUMERICHOST | AI_NUMERICSERV);
  if (lookup_->error == 0) return lookup_->announce();
  try {
    std::thread([lookup = lookup_, system = system_] {
      lookup->run(system, AI_NUMERICSERV);
      lookup->announce();
    }).detach();
  } catch (const std::system_error&) {
    lookup_->error = EAI_AGAIN;
    lookup_->announce();
  }
}

Result<std::vector<SocketAddress>> Resolver::poll() {
  if (!lookup_) return fail(Error::dns_failed);
  if (!lookup_->ready.load(std::memory_order_acquire)) return fail(Error::would_block);
  if (lookup_->error != 0) {
    unknown_ = lookup_->error == EAI_NONAME || lookup_->error == EAI_NODATA;
    error_text_ = lookup_->host + ": " + gai_strerror(lookup_->error);
    lookup_.reset();
    return fail(Error::dns_failed);
  }
  auto addresses = std::move(lookup_->addresses);
  lookup_.reset();
  return addresses;
}

int Resolver::event_fd() const { return lookup_ ? lookup_->event_fd : -1; }

}  // namespace tercet::posix
