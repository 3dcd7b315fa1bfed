#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "tercet/base/bytes.h"
#include "tercet/base/time.h"

namespace tercet::runtime {

/// Where a peer is: an IPv4 or IPv6 address and a port. Sixteen bytes hold both (IPv4 as ::ffff:a.b.c.d).
struct Address {
  std::uint8_t ip[16] = {};
  std::uint16_t port = 0;
  bool is_loopback() const;
  std::string ip_text() const;  ///< "192.0.2.1" or "2001:db8::1"
  std::string text() const;     ///< with the port: "192.0.2.1:1883", "[2001:db8::1]:1883"
  friend bool operator==(const Address&, const Address&) = default;
};

/// What one non-blocking read or write did.
struct Io {
  enum class State : std::uint8_t {
    more,     ///< bytes moved, and calling again may move more at once
    drained,  ///< bytes moved (or none); wait for the next readiness event
    closed,   ///< the peer has closed its side; nothing more will come
    failed,   ///< the connection is gone: reset, or TLS broke (Stream::failure() says why)
  };
  State state = State::drained;
  std::size_t bytes = 0;
};

/// Why a stream failed, for the refusal journal. Empty text when it did not.
struct StreamFailure {
  enum class Kind : std::uint8_t {
    none,
    reset,
    tls_alert_unknown_ca,           ///< the client does not trust our CA
    tls_alert_certificate_expired,  ///< the client's clock says our certificate has expired or is not yet valid
    tls_alert_other,                ///< another alert the client sent; detail names it
    tls_not_tls,                    ///< the first bytes are not a TLS record
    tls_psk_malformed,              ///< the pre-shared key's identity is none that this server understands
    tls_psk_unknown,                ///< nobody of that identity may come in
    tls_psk_wrong_key,              ///< the client's key is another than the identity's
    tls_handshake,                  ///< no shared cipher, version, or a malformed handshake; detail names it
    web_socket_refused,             ///< the request for a WebSocket is none that is granted; detail says why
    web_socket_broken,              ///< a frame that RFC 6455 or MQTT forbids; detail names it
    // what only the connecting side sees
    connect_refused,    ///< nobody listens there, or there is no way there; detail names it
    server_untrusted,   ///< the server's chain does not end in a known root
    server_expired,     ///< a certificate of the server's chain has expired, or is not valid yet
    server_wrong_host,  ///< the server's certificate is for another name
  };
  Kind kind = Kind::none;
  std::string detail;
  std::string claimed = {};  ///< tls_psk_*: whom the identity names, as PskAnswer has it
};

/// The certificate that a TLS client has shown, and whose key it has proved to hold. Nobody has vouched for it.
struct PeerCertificate {
  std::string sha256;   ///< of the certificate's DER: 64 lower-case hexadecimal digits
  std::string serial;   ///< upper-case hexadecimal digits
  std::string subject;  ///< common name
  UnixMillis not_before{}, not_after{};
  std::string der{};  ///< the whole of it, to look for who has signed it
};

/// A connected, non-blocking stream of bytes: a TCP socket, a TLS session over one, or their twin in memory.
/// One owner, one loop at a time; may be moved to another loop between events (detach, post, attach).
/// Destroying it closes it at once; when bytes from the peer are still unread this resets the connection, and what was
/// sent last may be lost. After `closed` or `failed` detach it: its readiness would be announced in every pass.
class Stream {
 public:
  virtual ~Stream() = default;
  /// A TLS stream carries its handshake inside read(): until it is done, reads give no bytes.
  virtual Io read(MutableBytes into) = 0;
  /// May take fewer bytes than given, and then says `drained`: ask with Loop::want_write when to go on. A TLS stream
  /// that wants_write() goes on with write() of anything, also of nothing.
  virtual Io write(Bytes from) = 0;
  /// Sends what TLS wants to say last and stops sending; the peer sees an orderly close.
  virtual void shut_down() = 0;
  virtual const Address& peer() const = 0;
  virtual bool is_tls() const { return false; }
  virtual bool is_web_socket() const { return false; }
  /// TLS only: true while a handshake flight or record is waiting for the socket to take it; want_write then.
  virtual bool wants_write() const { return false; }
  /// TLS only: "TLSv1.3 TLS_AES_128_GCM_SHA256", empty before the handshake is done.
  virtual std::string tls_description() const { return {}; }
  /// TLS only, of the accepting side and after the handshake: what the client has shown, where it was asked for one.
  virtual std::optional<PeerCertificate> peer_certificate() const { return std::nullopt; }
  virtual StreamFailure failure() const { return {}; }
  /// Bytes wait inside (TLS has read ahead) that no readiness event would announce; Loop::attach then announces them.
  virtual bool has_buffered() const { return false; }
  /// The socket, or its twin, at the bottom: what a loop watches.
  virtual Stream& transport() { return *this; }
};

}  // namespace tercet::runtime
