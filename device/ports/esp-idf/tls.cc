#include "ports/esp-idf/tls.h"

#include <mbedtls/error.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/version.h>
#include <sdkconfig.h>
#if MBEDTLS_VERSION_MAJOR >= 4 || defined(MBEDTLS_PSA_CRYPTO_C)
#include <psa/crypto.h>
#endif
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#ifdef CONFIG_MBEDTLS_DYNAMIC_BUFFER
#include <esp_idf_version.h>
#endif

#if MBEDTLS_VERSION_MAJOR < 4
#include <esp_random.h>
#endif

namespace tercet::idf {
namespace {

#if MBEDTLS_VERSION_MAJOR < 4
int fill_random(void*, unsigned char* into, std::size_t size) {
  esp_fill_random(into, size);
  return 0;
}
#endif

#ifdef CONFIG_TERCET_SECURITY_PSK
static_assert(MBEDTLS_PSK_MAX_LEN >= 64,
              "the platform's key has 64 characters: idf_build_set_property(COMPILE_DEFINITIONS "
              "\"MBEDTLS_PSK_MAX_LEN=64\" APPEND) in the project's CMakeLists.txt before project()");
/// The one suite that the vendor's SDKs offer with a pre-shared key.
constexpr int kPskSuites[] = {MBEDTLS_TLS_PSK_WITH_AES_128_CBC_SHA, 0};
#endif

#if MBEDTLS_VERSION_MAJOR < 3  // the tests on Linux; no ESP-IDF that we support has it
bool is_over(const mbedtls_ssl_context& session) { return session.state == MBEDTLS_SSL_HANDSHAKE_OVER; }
[[maybe_unused]] void only_tls12(mbedtls_ssl_config& config) {
  mbedtls_ssl_conf_max_version(&config, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
}
#else
bool is_over(mbedtls_ssl_context& session) { return mbedtls_ssl_is_handshake_over(&session) != 0; }
[[maybe_unused]] void only_tls12(mbedtls_ssl_config& config) {
  mbedtls_ssl_conf_max_tls_version(&config, MBEDTLS_SSL_VERSION_TLS1_2);
}
#endif

/// ESP-IDF's dynamic buffers before 5.5.5 and in 6.0.0: a resumed handshake keeps the buffer that was measured for the
/// ServerHello, and the first longer record is written beyond its end (components/mbedtls/port/dynamic/esp_ssl_cli.c
/// frees by the state before the present one, which is another when the certificates are skipped).
#if !defined(CONFIG_TERCET_TLS_RESUMPTION)
constexpr bool kResumes = false;
#elif defined(CONFIG_MBEDTLS_DYNAMIC_BUFFER)
constexpr bool kResumes =
    ESP_IDF_VERSION >= ESP_IDF_VERSION_VAL(5, 5, 5) && ESP_IDF_VERSION != ESP_IDF_VERSION_VAL(6, 0, 0);
#else
constexpr bool kResumes = true;
#endif

bool would_block(int code) { return code == EAGAIN || code == EWOULDBLOCK || code == EINTR; }

}  // namespace

TlsSession::TlsSession() {
  mbedtls_ssl_init(&session_);
  mbedtls_ssl_config_init(&config_);
  mbedtls_ssl_session_init(&kept_);
}

TlsSession::~TlsSession() {
  end();
  mbedtls_ssl_session_free(&kept_);
}

int TlsSession::send(void* self, const unsigned char* from, std::size_t size) {
  const int socket = static_cast<TlsSession*>(self)->socket_;
  const auto sent = ::send(socket, from, size, 0);
  if (sent >= 0) return static_cast<int>(sent);
  if (would_block(errno)) return MBEDTLS_ERR_SSL_WANT_WRITE;
  return errno == EPIPE || errno == ECONNRESET ? MBEDTLS_ERR_NET_CONN_RESET : MBEDTLS_ERR_NET_SEND_FAILED;
}

int TlsSession::receive(void* self, unsigned char* into, std::size_t size) {
  auto& session = *static_cast<TlsSession*>(self);
  return session.head_.receive(into, size,
                               [&session](unsigned char* to, std::size_t most) { return session.receive(to, most); });
}

int TlsSession::receive(unsigned char* into, std::size_t size) {
  const auto got = ::recv(socket_, into, size, 0);
  if (got >= 0) return static_cast<int>(got);
  if (would_block(errno)) return MBEDTLS_ERR_SSL_WANT_READ;
  return errno == EPIPE || errno == ECONNRESET ? MBEDTLS_ERR_NET_CONN_RESET : MBEDTLS_ERR_NET_RECV_FAILED;
}

Result<void> TlsSession::configure(int socket) {
  end();
  socket_ = socket;
  head_.clear();
  open_ = true;
  detail_.clear();
#if MBEDTLS_VERSION_MAJOR >= 4 || defined(MBEDTLS_PSA_CRYPTO_C)
  if (psa_crypto_init() != PSA_SUCCESS) return fail(Error::no_space);
#endif
  if (const int code = mbedtls_ssl_config_defaults(&config_, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
                                                   MBEDTLS_SSL_PRESET_DEFAULT);
      code != 0) {
    say("the configuration was refused", code);
    return fail(Error::no_space);
  }
#if MBEDTLS_VERSION_MAJOR < 4
  mbedtls_ssl_conf_rng(&config_, fill_random, nullptr);
#endif
#ifdef MBEDTLS_SSL_MAX_FRAGMENT_LENGTH
  // A server that agrees never needs more of our memory than this for one record.
  mbedtls_ssl_conf_max_frag_len(&config_, MBEDTLS_SSL_MAX_FRAG_LEN_4096);
#endif
  return {};
}

Result<void> TlsSession::begin(int socket, const char* host, Trust& trust) {
  if (const auto made = configure(socket); !made) return made;
  trust_ = &trust;
  if (const auto applied = trust.apply(config_); !applied) {
    say("no root certificate and no pin was given", 0);
    return applied;
  }
  return attach(host);
}

Result<void> TlsSession::begin([[maybe_unused]] int socket, [[maybe_unused]] const device::PreSharedKey& key) {
#ifdef CONFIG_TERCET_SECURITY_PSK
  if (const auto made = configure(socket); !made) return made;
  trust_ = nullptr;
  mbedtls_ssl_conf_ciphersuites(&config_, kPskSuites);
  only_tls12(config_);
  const int code = mbedtls_ssl_conf_psk(&config_, as_bytes(key.key).data(), key.key.size(),
                                        as_bytes(key.identity).data(), key.identity.size());
  if (code != 0) {
    say("the pre-shared key was refused", code);
    return fail(Error::no_space);
  }
  return attach(nullptr);
#else
  return fail(Error::unsupported);
#endif
}

Result<void> TlsSession::attach(const char* host) {
  int code = mbedtls_ssl_setup(&session_, &config_);
  if (code == 0) code = mbedtls_ssl_set_hostname(&session_, host);
  if (code != 0) {
    say("no memory for a session", code);
    return fail(Error::no_space);
  }
  // Refused: a whole handshake. With a pre-shared key that is short anyway, and must fail when the key is another one.
  if (has_kept_ && trust_ != nullptr) static_cast<void>(mbedtls_ssl_set_session(&session_, &kept_));
  mbedtls_ssl_set_bio(&session_, this, &TlsSession::send, &TlsSession::receive, nullptr);
  busy_ = true;
  return {};
}

Result<void> TlsSession::shake_hands() {
  busy_ = wants_write_ = false;
  const int code = mbedtls_ssl_handshake_step(&session_);
  if (code == 0) {
    if (!is_over(session_)) {
      busy_ = true;
      return fail(Error::would_block);
    }
    done_ = true;
    greet();
    keep_session();
    return {};
  }
  if (code == MBEDTLS_ERR_SSL_WANT_READ || code == MBEDTLS_ERR_SSL_WANT_WRITE) {
    wants_write_ = code == MBEDTLS_ERR_SSL_WANT_WRITE;
    return fail(Error::would_block);
  }
  forget_session();
  return fail(explain(code));
}

Result<std::size_t> TlsSession::read(MutableBytes into) {
  busy_ = false;
  const int code = mbedtls_ssl_read(&session_, into.data(), into.size());
  if (code > 0) {
    busy_ = mbedtls_ssl_check_pending(&session_) != 0;
    return static_cast<std::size_t>(code);
  }
  if (code == MBEDTLS_ERR_SSL_WANT_READ || code == MBEDTLS_ERR_SSL_WANT_WRITE) return fail(Error::would_block);
#ifdef MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET
  if (code == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET) {  // TLS 1.3: no data, but the session may be kept now
    keep_session();
    busy_ = true;
    return fail(Error::would_block);
  }
#endif
  return fail(explain(code));
}

/// What mbedTLS has taken once must be offered again as it was, though the caller may have more by then.
Result<std::size_t> TlsSession::write(Bytes from) {
  wants_write_ = false;
  const std::size_t size = unsent_ != 0 ? std::min(unsent_, from.size()) : from.size();
  const int code = mbedtls_ssl_write(&session_, from.data(), size);
  if (code > 0) {
    unsent_ = 0;
    return static_cast<std::size_t>(code);
  }
  if (code == MBEDTLS_ERR_SSL_WANT_READ || code == MBEDTLS_ERR_SSL_WANT_WRITE) {
    unsent_ = size;
    wants_write_ = code == MBEDTLS_ERR_SSL_WANT_WRITE;
    return fail(Error::would_block);
  }
  unsent_ = 0;
  return fail(explain(code));
}

void TlsSession::end() {
  if (open_ && done_ && unsent_ == 0) static_cast<void>(mbedtls_ssl_close_notify(&session_));
  mbedtls_ssl_free(&session_);
  mbedtls_ssl_config_free(&config_);
  mbedtls_ssl_init(&session_);
  mbedtls_ssl_config_init(&config_);
  open_ = done_ = busy_ = wants_write_ = false;
  unsent_ = 0;
}

void TlsSession::keep_session() {
  if (!kResumes || trust_ == nullptr) return;
  mbedtls_ssl_session_free(&kept_);
  mbedtls_ssl_session_init(&kept_);
  has_kept_ = mbedtls_ssl_get_session(&session_, &kept_) == 0;
}

void TlsSession::forget_session() {
  mbedtls_ssl_session_free(&kept_);
  mbedtls_ssl_session_init(&kept_);
  has_kept_ = false;
}

void TlsSession::greet() {
  char text[96];
  std::snprintf(text, sizeof text, "%s %s", mbedtls_ssl_get_version(&session_), mbedtls_ssl_get_ciphersuite(&session_));
  static_cast<void>(detail_.assign(text));
}

void TlsSession::say(const char* what, int code) {
  char text[160];
  if (code != 0)
    std::snprintf(text, sizeof text, "%s (mbedTLS -0x%04x)", what, static_cast<unsigned>(-code));
  else
    std::snprintf(text, sizeof text, "%s", what);
  static_cast<void>(detail_.assign(text));
}

Error TlsSession::explain(int code) {
  switch (code) {
    case 0:
    case MBEDTLS_ERR_SSL_CONN_EOF:
    case MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY:
    case MBEDTLS_ERR_NET_CONN_RESET:
      say("the server closed", 0);
      return Error::closed;
    case MBEDTLS_ERR_NET_SEND_FAILED:
    case MBEDTLS_ERR_NET_RECV_FAILED:
      say("the socket failed", 0);
      return Error::io_failed;
    case MBEDTLS_ERR_X509_CERT_VERIFY_FAILED:
      break;
    case MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE:
      if (trust_ == nullptr) {  // a key that is not the board's: the alert differs from library to library
        say("the platform does not know this key", code);
        return Error::denied;
      }
      say("the server refused the handshake", code);
      return Error::tls_failed;
    case MBEDTLS_ERR_SSL_ALLOC_FAILED:
      say("not enough heap for a handshake", code);
      return Error::tls_failed;
    default:
      say("TLS failed", code);
      return Error::tls_failed;
  }
  const std::uint32_t flags = mbedtls_ssl_get_verify_result(&session_);
  detail_.clear();
  if (trust_ != nullptr) static_cast<void>(detail_.assign(trust_->objection()));
  if ((flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED) != 0) return Error::tls_untrusted;
  if ((flags & (MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE)) != 0) return Error::tls_expired;
  if ((flags & MBEDTLS_X509_BADCERT_CN_MISMATCH) != 0) return Error::tls_wrong_host;
  return Error::tls_untrusted;
}

}  // namespace tercet::idf
