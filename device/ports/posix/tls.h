#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tercet/base/bytes.h"
#include "tercet/base/result.h"
#include "tercet/base/time.h"
#include "tercet/device/port.h"

struct ssl_ctx_st;
struct ssl_session_st;
struct ssl_st;

namespace tercet::posix {

/// Whom to believe. A set of roots, never one: the vendor's change, and a fleet must survive that.
struct Trust {
  std::vector<std::string> files = {};        ///< PEM, any number of certificates each
  std::vector<std::string> directories = {};  ///< hashed as by `openssl rehash`
  std::string pem = {};                       ///< certificates in memory
  bool system = false;                        ///< the machine's own roots too
  /// SHA-256 of the server's public key (SubjectPublicKeyInfo). With one of these the chain, the dates and the name do
  /// not matter any more: the key is the identity.
  std::vector<std::array<std::uint8_t, 32>> pins = {};
  /// Files, PEM: what a server that asks for a certificate is shown, with what leads to its root, and its key. Both, or
  /// neither.
  std::string certificate = {}, key = {};
};

/// The client's half of TLS 1.2 and 1.3, shared by the sessions made from it.
class TlsContext {
 public:
  /// Errors: bad_argument, a file cannot be read or has no certificate, the key is another certificate's, or there is
  /// nobody to trust; problem says which.
  static Result<std::shared_ptr<TlsContext>> open(const Trust& trust, std::string& problem);
  /// Believes every certificate: for load generators on a test network, never for a board.
  static Result<std::shared_ptr<TlsContext>> open_unverified();
  /// Believes whoever has the pre-shared key, which the session is given.
  static Result<std::shared_ptr<TlsContext>> open_psk();
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  ssl_ctx_st* get() const { return context_; }
  bool is_pinned(const std::array<std::uint8_t, 32>& key) const;
  bool has_pins() const { return !pins_.empty(); }

  /// The last session with this host, to go on with instead of a full handshake; null when there is none, or when a
  /// certificate of it would have expired by `now`. The context keeps it.
  ssl_session_st* session_for(const std::string& host, UnixMillis now) const;
  void remember(const std::string& host, ssl_session_st* session, std::optional<UnixMillis> expiry);
  void forget_session();

 private:
  explicit TlsContext(ssl_ctx_st* context) : context_(context) {}
  static std::shared_ptr<TlsContext> make();
  ssl_ctx_st* context_;
  ssl_session_st* session_ = nullptr;
  std::string session_host_;
  std::optional<UnixMillis> session_expiry_;
  std::vector<std::array<std::uint8_t, 32>> pins_;
};

/// One TLS session over a connected, non-blocking socket that somebody else owns.
class TlsSession {
 public:
  /// host: the name or address the certificate must carry, sent as SNI if a name. now: the time to judge dates by.
  TlsSession(std::shared_ptr<TlsContext> context, int socket, const std::string& host, UnixMillis now);
  /// With a context of open_psk().
  TlsSession(std::shared_ptr<TlsContext> context, int socket, const device::PreSharedKey& psk);
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  /// Goes on with the handshake. Errors: would_block (wants_write() says for what); tls_untrusted, tls_expired,
  /// tls_wrong_host, tls_failed, closed; denied, the pre-shared key is not the server's.
  Result<void> shake_hands();
  Result<std::size_t> read(MutableBytes into);  ///< errors: would_block, closed, io_failed, tls_failed
  Result<std::size_t> write(Bytes from);        ///< the same
  void say_goodbye();
  bool wants_write() const { return wants_write_; }
  /// The failure in words, or protocol and cipher.
  const std::string& detail() const { return detail_; }
  /// When the first certificate of the server's chain expires; nothing without certificates.
  std::optional<UnixMillis> chain_expiry() const;

 private:
  Error explain(int result);
  Error explain_verification(long verdict);
  bool check_pin();
  void attach(int socket);
  static int new_session(ssl_st* ssl, ssl_session_st* session);
  static unsigned give_psk(ssl_st* ssl, const char* hint, char* identity, unsigned identity_room, unsigned char* key,
                           unsigned room);
  friend class TlsContext;
  std::shared_ptr<TlsContext> context_;
  ssl_st* session_;
  bool wants_write_ = false;
  std::string host_, detail_;
  std::string psk_identity_, psk_key_;
};

}  // namespace tercet::posix
