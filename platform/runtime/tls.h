#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "platform/runtime/problem.h"
#include "platform/runtime/stream.h"
#include "platform/runtime/ticket_keys.h"
#include "tercet/base/bytes.h"
#include "tercet/base/time.h"

struct ssl_ctx_st;  // OpenSSL's types stay inside tls*.cc

namespace tercet::runtime {

struct FreeSslContext {
  void operator()(ssl_ctx_st* context) const;
};
using SslContext = std::unique_ptr<ssl_ctx_st, FreeSslContext>;

/// A certificate with the ones that lead to its root (the root itself may be left out), and its key. PEM.
struct TlsIdentity {
  std::string chain_pem;
  std::string key_pem;
};

/// Whom a listener is for.
enum class TlsProfile : std::uint8_t {
  modern,      ///< TLS 1.3, and 1.2 with ECDHE and AEAD; ECDSA certificate, RSA beside it
  compatible,  ///< also TLS 1.2 with RSA key exchange and AES-CBC or AES-GCM, as the vendor's C SDK wants; RSA
               ///< certificate
};

/// What a pre-shared key's identity comes to.
struct PskAnswer {
  enum class Kind : std::uint8_t { known, unknown, malformed };
  Kind kind = Kind::malformed;
  std::string key;   ///< when known: the bytes of the key; wiped after use
  std::string name;  ///< whom the identity names, for the journal
};
/// Asked during a TLS 1.2 handshake, on the thread of the stream; answers at once. A handshake whose identity is not
/// known goes on with a random key, so that a stranger cannot find out which devices there are.
using PskSource = std::function<PskAnswer(std::string_view identity)>;
/// Whether clients are asked for certificates just now. Asked before each handshake, on any thread; answers at once.
using AskForCertificates = std::function<bool()>;

/// What a TLS listener needs. Nothing below TLS 1.2, no 3DES, no RC4, no renegotiation, no compression. Clients of
/// TLS 1.2, which boards are, may come back with a session ticket (ticket_keys.h) and save their part of the
/// certificate arithmetic; TLS 1.3 gets none, and nothing is cached here. Any thread may wrap.
class TlsServerContext {
 public:
  /// One identity or several of different kinds of key; the client's abilities choose. Problems: malformed (PEM that
  /// does not parse, key of another certificate).
  /// `psk`: with the compatible profile, also TLS_PSK_WITH_AES_128_CBC_SHA of TLS 1.2; without it none.
  /// `ask`: a client that is asked may show a certificate, of whatever issuer, or none: Stream::peer_certificate() has
  /// it, and who it stands for is decided there. Empty: nobody is asked.
  static Outcome<TlsServerContext> open(TlsProfile profile, std::span<const TlsIdentity> identities, PskSource psk = {},
                                        AskForCertificates ask = {});
  /// The inner stream may be attached to a loop and stays so. `initial`: bytes read from it already; copied.
  std::unique_ptr<Stream> wrap(std::unique_ptr<Stream> inner, Bytes initial = {}) const;

 private:
  TlsServerContext(SslContext context, PskSource psk, AskForCertificates ask, std::unique_ptr<TicketKeys> tickets)
      : tickets_(std::move(tickets)),
        context_(std::move(context)),
        psk_(psk ? std::make_unique<const PskSource>(std::move(psk)) : nullptr),
        ask_(std::move(ask)) {}
  std::unique_ptr<TicketKeys> tickets_;
  SslContext context_;
  std::unique_ptr<const PskSource> psk_;
  AskForCertificates ask_;
};

/// The connecting side: doctor, fleet, tests.
class TlsClientContext {
 public:
  struct Options {
    std::string roots_pem;         ///< trusted roots; empty: those of the system
    bool verify = true;            ///< false only to look at a server that cannot be trusted
    std::optional<UnixMillis> at;  ///< the time certificates are judged at; none: the wall clock
    std::string ciphers;           ///< TLS 1.2 suites by OpenSSL's names; empty: the modern ones
    bool tls12_only = false;
    std::optional<TlsIdentity> identity;  ///< shown to a server that asks for a certificate
    std::string psk_identity, psk_key;    ///< not empty: a pre-shared key instead of certificates, TLS 1.2
  };
  static Outcome<TlsClientContext> open(const Options& options);
  /// host: a DNS name (sent as SNI) or an address; the certificate must be for it. Empty: neither sent nor checked.
  /// Up to 16 KB may be written before the handshake is done; they leave right after it.
  std::unique_ptr<Stream> wrap(std::unique_ptr<Stream> inner, const std::string& host) const;

 private:
  struct Psk {
    std::string identity, key;
  };
  TlsClientContext(SslContext context, bool verify, std::shared_ptr<const Psk> psk)
      : context_(std::move(context)), verify_(verify), psk_(std::move(psk)) {}
  SslContext context_;
  bool verify_;
  std::shared_ptr<const Psk> psk_;
};

}  // namespace tercet::runtime
