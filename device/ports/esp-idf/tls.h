#pragma once
#include <mbedtls/ssl.h>

#include <cstdint>
#include <string_view>

#include "ports/esp-idf/record_head.h"
#include "ports/esp-idf/trust.h"
#include "tercet/base/bytes.h"
#include "tercet/base/fixed_string.h"
#include "tercet/base/result.h"
#include "tercet/device/port.h"

namespace tercet::idf {

/// One TLS session of mbedTLS over a connected, non-blocking socket that somebody else owns. mbedTLS is used directly
/// and not through esp_tls, which looks names up while its caller waits, does not say that a connection was refused,
/// and may go round in its read. The last session is kept, so that the next handshake with the same server is short;
/// not with dynamic buffers in ESP-IDF before 5.5.5 and in 6.0.0, which cannot do both.
class TlsSession {
 public:
  TlsSession();
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  /// `host` is the name the certificate must carry, sent as SNI; zero-terminated; copied.
  /// Errors: bad_argument, there is nobody to trust; no_space, of the heap.
  Result<void> begin(int socket, const char* host, Trust& trust);
  Result<void> begin(int socket, const device::PreSharedKey& key);

  /// Takes one step of the handshake; some are a second of arithmetic on a slow chip. Errors: would_block (is_busy():
  /// call again at once; wants_write(): what to wait for); tls_untrusted, tls_expired, tls_wrong_host, tls_failed,
  /// closed, io_failed.
  Result<void> shake_hands();
  Result<std::size_t> read(MutableBytes into);  ///< errors: would_block, closed, io_failed, tls_failed
  Result<std::size_t> write(Bytes from);        ///< the same
  /// Says goodbye if that needs no waiting, and frees the session's memory. Harmless when there is none.
  void end();
  /// The next handshake shall be a whole one: another server, or another trust.
  void forget_session();

  bool is_open() const { return open_; }
  /// There is more to do without waiting for the socket.
  bool is_busy() const { return busy_; }
  bool wants_write() const { return wants_write_; }
  /// The failure in words, or protocol and cipher.
  std::string_view detail() const { return detail_.str(); }

 private:
  static int send(void* self, const unsigned char* from, std::size_t size);
  static int receive(void* self, unsigned char* into, std::size_t size);
  int receive(unsigned char* into, std::size_t size);
  Result<void> configure(int socket);
  Result<void> attach(const char* host);
  Error explain(int code);
  void say(const char* what, int code);
  void greet();
  void keep_session();

  mbedtls_ssl_context session_;
  mbedtls_ssl_config config_;
  mbedtls_ssl_session kept_;
  Trust* trust_ = nullptr;
  int socket_ = -1;
  RecordHead head_;
  std::size_t unsent_ = 0;  ///< bytes of a write() that mbedTLS has taken and not sent: the same must come again
  bool open_ = false, done_ = false, busy_ = false, wants_write_ = false, has_kept_ = false;
  FixedString<160> detail_;
};

}  // namespace tercet::idf
