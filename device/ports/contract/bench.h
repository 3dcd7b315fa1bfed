#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "tercet/base/time.h"
#include "tercet/base/triple.h"
#include "tercet/device/port.h"

namespace tercet::contract {

/// The other ends that a port is tried against. Those with TLS have certificates for their host, from a root that the
/// port was told to believe, valid from half a year before Bench::good_time() to half a year after, unless said so.
enum class PeerKind : std::uint8_t {
  tls_echo,           ///< sends back what it gets
  tls_echo_late,      ///< the same, but reads nothing at first, so that writers have to wait
  tls_silent,         ///< reads everything, says nothing
  tls_stuck,          ///< completes the handshake and then neither reads nor writes
  tls_goodbye,        ///< says "goodbye" and ends the session in order
  tls_cut,            ///< says "goodbye" and ends the connection without a TLS goodbye
  tls_cut_handshake,  ///< hangs up when it has heard the client's first message
  tls_untrusted,      ///< certificate from a root that nobody knows
  tls_self_signed,    ///< certificate signed by itself
  tls_expired,        ///< since a month before good_time()
  tls_not_yet,        ///< valid from a month after good_time()
  tls_other_name,     ///< certificate for another host
  tcp_echo,           ///< as tls_echo, without TLS
  tcp_goodbye,        ///< as tls_goodbye, without TLS
  tcp_hang_up,        ///< accepts and closes
  tcp_mute,           ///< accepts and says nothing
  tcp_plain,          ///< speaks a text protocol
  refused,            ///< a port without a listener
  unknown_name,       ///< a host name that does not exist
  udp_echo,           ///< sends back each datagram
  udp_silent,         ///< answers nothing
  udp_impostor,       ///< the answer comes from another port
};
inline constexpr std::size_t kPeerKinds = 22;

struct Peer {
  std::string_view host;  ///< lives as long as the bench
  std::uint16_t port = 0;
};

/// A port with what the suite needs around it. One for each kind of board; see docs in README.md. What a bench cannot
/// do it says so (nullopt, false), and the promises that need it are skipped.
class Bench {
 public:
  virtual ~Bench() = default;

  /// The parts under test, the same until restart(). The suite erases Port::flash and writes to Port::store.
  virtual device::Port port() = 0;
  /// Lets time go by: until the network may have something, or `at_most`.
  virtual void wait(Millis at_most) = 0;
  /// As after a reset of the board: port() then has new parts over what was stored.
  virtual bool restart() = 0;

  /// Asked before each connection.
  virtual std::optional<Peer> peer(PeerKind kind) = 0;
  virtual UnixMillis good_time() const = 0;
  /// How much is sent through the echo: as much as makes a writer wait.
  virtual std::size_t bulk_bytes() const { return 64 * 1024; }

  /// Microseconds that calls have made their caller wait so far; the difference over one call is held against the 50 ms
  /// of port.h. Zero for ever: this bench cannot tell.
  virtual std::int64_t waited_us() { return 0; }

  /// The triple that SecretStore has. nullopt: no provisioned device.
  virtual std::optional<Triple> provisioned() = 0;
  /// Lets others than the owner read the secret, or hides it again.
  virtual bool expose_secret(bool exposed) = 0;
  /// From now on a write to the store breaks off before its end, as when the disk is full or the supply fails.
  virtual bool break_store(bool broken) = 0;
};

}  // namespace tercet::contract
