#pragma once
#include <lwip/sockets.h>

#include <array>
#include <cstdint>
#include <string_view>

#include "ports/esp-idf/lock.h"
#include "tercet/base/fixed_string.h"
#include "tercet/base/result.h"

namespace tercet::idf {

/// An address with its port, as lwIP's socket calls want it.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
};
/// "192.0.2.1:8883".
FixedString<64> text_of(const SocketAddress& address);

/// Names to addresses without making the caller wait: lwIP's resolver is asked on its own task and answers there. One
/// owner, one look-up at a time. An answer may come after nobody wants it any more, so a resolver must never be
/// destroyed: make it static.
class Resolver {
 public:
  Resolver() = default;
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  /// Drops an earlier look-up and begins this one. Errors: bad_argument, longer than a name may be.
  Result<void> begin(std::string_view host, std::uint16_t port);
  /// The name's first address, as the resolver prefers. Errors: would_block; dns_failed.
  Result<SocketAddress> poll();
  /// A look-up has been begun and its answer not been taken.
  bool is_pending() const;

 private:
  enum class State : std::uint8_t { idle, wanted, asked, found, failed };
  static void ask(void* self);
  static void answered(const char* name, const void* address, void* self);
  void settle(std::string_view name, const void* address);

  mutable Lock lock_;  ///< guards what follows: lwIP's task writes it too
  State state_ = State::idle;
  FixedString<128> host_;
  SocketAddress address_;
  std::uint16_t port_ = 0;
};

}  // namespace tercet::idf
