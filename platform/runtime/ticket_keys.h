#pragma once
#include <array>
#include <cstdint>
#include <mutex>
#include <optional>

#include "tercet/base/bytes.h"
#include "tercet/base/time.h"

namespace tercet::runtime {

/// The keys under which a TLS listener hands its sessions to the clients (session tickets, RFC 5077), so that a board
/// that comes back needs no certificate arithmetic. They live in memory only and change by themselves: who learns a key
/// can read the sessions of kLife, no more. A restart makes new ones, and clients shake hands from the beginning.
/// Any thread.
class TicketKeys {
 public:
  static constexpr Seconds kUse{12 * 3600};   ///< a key makes new tickets for so long
  static constexpr Seconds kLife = 2 * kUse;  ///< and reads them until then

  struct Key {
    std::array<std::uint8_t, 16> name{};
    std::array<std::uint8_t, 32> cipher{};  ///< AES-256
    std::array<std::uint8_t, 32> mac{};     ///< HMAC-SHA256
    UnixMillis made{};
  };
  struct Found {
    Key key;
    bool renew = false;  ///< give the client a new ticket
  };

  TicketKeys() = default;
  ~TicketKeys();
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;

  /// For a new ticket. Nothing when the system has no random bytes.
  std::optional<Key> current(UnixMillis now);
  /// For a ticket that a client brings. Nothing: too old, or not ours.
  std::optional<Found> find(Bytes name, UnixMillis now);

 private:
  bool turn(UnixMillis now);
  std::mutex mutex_;
  std::optional<Key> newest_, before_;
};

}  // namespace tercet::runtime
