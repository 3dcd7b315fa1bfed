#include "ports/posix/tls.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "tercet/auth/psk.h"
#include "tercet/base/check.h"

namespace tercet::posix {
namespace {

/// A socket BIO that never raises SIGPIPE.
int bio_write(BIO* bio, const char* from, int size) {
  BIO_clear_retry_flags(bio);
  const auto fd = static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
  const ssize_t sent = ::send(fd, from, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) BIO_set_retry_write(bio);
  return static_cast<int>(sent);
}
int bio_read(BIO* bio, char* into, int size) {
  BIO_clear_retry_flags(bio);
  const auto fd = static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
  const ssize_t got = ::recv(fd, into, static_cast<std::size_t>(size), 0);
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) BIO_set_retry_read(bio);
  if (got == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  return static_cast<int>(got);
}
long bio_control(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

const BIO_METHOD* bio_method() {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "tercet socket");
    BIO_meth_set_write(made, bio_write);
    BIO_meth_set_read(made, bio_read);
    BIO_meth_set_ctrl(made, bio_control);
    return made;
  }();
  return method;
}

std::string last_error() {
  const unsigned long code = ERR_peek_last_error();
  const char* reason = code != 0 ? ERR_reason_error_string(code) : nullptr;
  return reason != nullptr ? reason : "";
}

bool is_address(const std::string& host) {
  std::uint8_t buffer[16];
  return inet_pton(AF_INET, host.c_str(), buffer) == 1 || inet_pton(AF_INET6, host.c_str(), buffer) == 1;
}

/// Adds every certificate of a PEM text; how many there were.
int add_certificates(X509_STORE* store, const std::string& pem) {
  BIO* in = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  int count = 0;
  while (X509* certificate = PEM_read_bio_X509(in, nullptr, nullptr, nullptr)) {
    X509_STORE_add_cert(store, certificate);
    X509_free(certificate);
    ++count;
  }
  BIO_free(in);
  ERR_clear_error();
  return count;
}

std::string text_of(const ASN1_TIME* time) {
  BIO* out = BIO_new(BIO_s_mem());
  ASN1_TIME_print(out, time);
  char buffer[64];
  const int size = BIO_read(out, buffer, sizeof buffer);
  BIO_free(out);
  return size > 0 ? std::string(buffer, static_cast<std::size_t>(size)) : "?";
}

std::string subject_of(X509* certificate) {
  char buffer[256] = "";
  if (certificate != nullptr) X509_NAME_oneline(X509_get_subject_name(certificate), buffer, sizeof buffer);
  return buffer;
}

/// The server's own certificate; OpenSSL keeps it even when it was not believed.
X509* certificate_of(const SSL* session) { return SSL_get0_peer_certificate(session); }

/// Which certificate the verification stopped at, remembered by the callback, because the session does not say.
thread_local std::string stopped_at;

int remember_where(int believed, X509_STORE_CTX* store) {
  if (believed == 0) {
    X509* at = X509_STORE_CTX_get_current_cert(store);
    stopped_at = subject_of(at);
    if (at != nullptr && X509_STORE_CTX_get_error(store) == X509_V_ERR_CERT_HAS_EXPIRED)
      stopped_at += ", valid until " + text_of(X509_get0_notAfter(at));
    if (at != nullptr && X509_STORE_CTX_get_error(store) == X509_V_ERR_CERT_NOT_YET_VALID)
      stopped_at += ", valid from " + text_of(X509_get0_notBefore(at));
  }
  return believed;
}

/// The first to expire of the chain the server sent.
std::optional<UnixMillis> expiry_of(const SSL* session) {
  std::optional<UnixMillis> first;
  const STACK_OF(X509)* chain = SSL_get_peer_cert_chain(session);
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    std::tm parts{};
    if (ASN1_TIME_to_tm(X509_get0_notAfter(sk_X509_value(chain, i)), &parts) != 1) continue;
    const UnixMillis end{static_cast<std::int64_t>(::timegm(&parts)) * 1000};
    if (!first || end.ms < first->ms) first = end;
  }
  return first;
}

}  // namespace

std::shared_ptr<TlsContext> TlsContext::make() {
  SSL_CTX* made = SSL_CTX_new(TLS_client_method());
  TERCET_CHECK(made != nullptr);
  std::shared_ptr<TlsContext> context(new TlsContext(made));
  SSL_CTX_set_min_proto_version(made, TLS1_2_VERSION);
  SSL_CTX_set_mode(made,
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  return context;
}

Result<std::shared_ptr<TlsContext>> TlsContext::open(const Trust& trust, std::string& problem) {
  std::shared_ptr<TlsContext> context = make();
  SSL_CTX* made = context->get();
  context->pins_ = trust.pins;
  SSL_CTX_set_session_cache_mode(made, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
  SSL_CTX_sess_set_new_cb(made, &TlsSession::new_session);
  // The answer to a certificate that is not believed is the same with pins: they are looked at after the handshake.
  SSL_CTX_set_verify(made, trust.pins.empty() ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, remember_where);
  X509_STORE* store = SSL_CTX_get_cert_store(made);
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);  // a root of ours need not be self-signed
  for (const std::string& file : trust.files) {
    if (X509_STORE_load_file(store, file.c_str()) == 1) continue;
    problem = file + ": " + (last_error().empty() ? "no certificate in it" : last_error());
    ERR_clear_error();
    return fail(Error::bad_argument);
  }
  for (const std::string& directory : trust.directories) X509_STORE_load_path(store, directory.c_str());
  if (!trust.pem.empty() && add_certificates(store, trust.pem) == 0) {
    problem = "the PEM text has no readable certificate";
    return fail(Error::bad_argument);
  }
  if (trust.system) SSL_CTX_set_default_verify_paths(made);
  const bool anybody =
      !trust.files.empty() || !trust.directories.empty() || !trust.pem.empty() || trust.system || !trust.pins.empty();
  if (!anybody) {
    problem = "no root certificate was given";
    return fail(Error::bad_argument);
  }
  if (!trust.certificate.empty() && SSL_CTX_use_certificate_chain_file(made, trust.certificate.c_str()) != 1) {
    problem = trust.certificate + ": " + last_error();
    return fail(Error::bad_argument);
  }
  if (!trust.key.empty() && SSL_CTX_use_PrivateKey_file(made, trust.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    problem = trust.key + ": " + last_error();
    return fail(Error::bad_argument);
  }
  return context;
}

Result<std::shared_ptr<TlsContext>> TlsContext::open_unverified() {
  std::shared_ptr<TlsContext> context = make();
  SSL_CTX_set_verify(context->get(), SSL_VERIFY_NONE, nullptr);
  return context;
}

Result<std::shared_ptr<TlsContext>> TlsContext::open_psk() {
  std::shared_ptr<TlsContext> context = make();
  SSL_CTX_set_max_proto_version(context->get(), TLS1_2_VERSION);
  if (SSL_CTX_set_cipher_list(context->get(), auth::kPskCipher) != 1) return fail(Error::unsupported);
  return context;
}

TlsContext::~TlsContext() {
  forget_session();
  SSL_CTX_free(context_);
}

ssl_session_st* TlsContext::session_for(const std::string& host, UnixMillis now) const {
  const bool usable = session_ != nullptr && session_host_ == host && SSL_SESSION_is_resumable(session_) == 1 &&
                      (!session_expiry_ || now.ms < session_expiry_->ms);
  return usable ? session_ : nullptr;
}

void TlsContext::remember(const std::string& host, ssl_session_st* session, std::optional<UnixMillis> expiry) {
  forget_session();
  session_ = session;
  session_host_ = host;
  session_expiry_ = expiry;
}

void TlsContext::forget_session() {
  SSL_SESSION_free(session_);
  session_ = nullptr;
}

bool TlsContext::is_pinned(const std::array<std::uint8_t, 32>& key) const {
  return std::find(pins_.begin(), pins_.end(), key) != pins_.end();
}

TlsSession::TlsSession(std::shared_ptr<TlsContext> context, int socket, const std::string& host, UnixMillis now)
    : context_(std::move(context)), session_(SSL_new(context_->get())), host_(host) {
  attach(socket);
  if (SSL_SESSION* before = context_->session_for(host, now)) SSL_set_session(session_, before);
  X509_VERIFY_PARAM* verify = SSL_get0_param(session_);
  X509_VERIFY_PARAM_set_time(verify, now.ms / 1000);
  if (is_address(host)) {
    X509_VERIFY_PARAM_set1_ip_asc(verify, host.c_str());
  } else {
    X509_VERIFY_PARAM_set1_host(verify, host.c_str(), host.size());
    SSL_ctrl(session_, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, const_cast<char*>(host.c_str()));
  }
}

TlsSession::TlsSession(std::shared_ptr<TlsContext> context, int socket, const device::PreSharedKey& psk)
    : context_(std::move(context)), session_(SSL_new(context_->get())), psk_identity_(psk.identity), psk_key_(psk.key) {
  attach(socket);
  SSL_set_psk_client_callback(session_, &TlsSession::give_psk);
}

void TlsSession::attach(int socket) {
  TERCET_CHECK(session_ != nullptr);
  BIO* bio = BIO_new(bio_method());
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(socket)));
  BIO_set_init(bio, 1);
  SSL_set_bio(session_, bio, bio);
  SSL_set_connect_state(session_);
  SSL_set_app_data(session_, this);
}

TlsSession::~TlsSession() {
  OPENSSL_cleanse(psk_key_.data(), psk_key_.size());
  SSL_free(session_);
}

/// OpenSSL has a session to go on with later: after the handshake, with TLS 1.3 some time after it.
int TlsSession::new_session(SSL* ssl, SSL_SESSION* session) {
  auto* const self = static_cast<TlsSession*>(SSL_get_app_data(ssl));
  if (self == nullptr || self->host_.empty()) return 0;
  self->context_->remember(self->host_, session, self->chain_expiry());
  return 1;  // ours now
}

unsigned TlsSession::give_psk(SSL* ssl, const char*, char* identity, unsigned identity_room, unsigned char* key,
                              unsigned room) {
  const auto* const self = static_cast<const TlsSession*>(SSL_get_app_data(ssl));
  if (self->psk_identity_.size() >= identity_room || self->psk_key_.size() > room) return 0;
  std::memcpy(identity, self->psk_identity_.c_str(), self->psk_identity_.size() + 1);
  std::memcpy(key, self->psk_key_.data(), self->psk_key_.size());
  return static_cast<unsigned>(self->psk_key_.size());
}

std::optional<UnixMillis> TlsSession::chain_expiry() const { return expiry_of(session_); }

Result<void> TlsSession::shake_hands() {
  ERR_clear_error();
  wants_write_ = false;
  stopped_at.clear();
  const int result = SSL_do_handshake(session_);
  if (result != 1) {
    const Error error = explain(result);
    if (error != Error::would_block) context_->forget_session();  // next time from the beginning
    return fail(error);
  }
  if (context_->has_pins() && !check_pin()) {
    context_->forget_session();
    detail_ = "the server's key is none of the pinned ones";
    return fail(Error::tls_untrusted);
  }
  detail_ = std::string(SSL_get_version(session_)) + ' ' + SSL_get_cipher_name(session_);
  if (SSL_session_reused(session_) == 1) detail_ += " resumed";
  return {};
}

bool TlsSession::check_pin() {
  X509* certificate = certificate_of(session_);
  if (certificate == nullptr) return false;
  std::uint8_t* encoded = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &encoded);
  if (size <= 0) return false;
  std::array<std::uint8_t, 32> digest{};
  EVP_Digest(encoded, static_cast<std::size_t>(size), digest.data(), nullptr, EVP_sha256(), nullptr);
  OPENSSL_free(encoded);
  return context_->is_pinned(digest);
}

Result<std::size_t> TlsSession::read(MutableBytes into) {
  ERR_clear_error();
  std::size_t got = 0;
  const int result = SSL_read_ex(session_, into.data(), into.size(), &got);
  if (result == 1) return got;
  return fail(explain(result));
}

Result<std::size_t> TlsSession::write(Bytes from) {
  ERR_clear_error();
  wants_write_ = false;
  std::size_t sent = 0;
  const int result = SSL_write_ex(session_, from.data(), from.size(), &sent);
  if (result == 1) return sent;
  return fail(explain(result));
}

void TlsSession::say_goodbye() {
  ERR_clear_error();
  if (SSL_is_init_finished(session_) != 0) SSL_shutdown(session_);
  ERR_clear_error();
}

/// What a call that did not succeed means.
Error TlsSession::explain(int result) {
  switch (SSL_get_error(session_, result)) {
    case SSL_ERROR_WANT_READ:
      return Error::would_block;
    case SSL_ERROR_WANT_WRITE:
      wants_write_ = true;
      return Error::would_block;
    case SSL_ERROR_ZERO_RETURN:
      return Error::closed;
    case SSL_ERROR_SYSCALL:
      detail_ = errno != 0 ? std::strerror(errno) : "the peer closed the connection";
      return errno == 0 || errno == ECONNRESET || errno == EPIPE ? Error::closed : Error::io_failed;
    default:
      break;
  }
  const unsigned long code = ERR_peek_last_error();
  const int reason = ERR_GET_REASON(code);
  detail_ = last_error();
  if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) return explain_verification(SSL_get_verify_result(session_));
  if (!psk_key_.empty() && (reason == SSL_R_SSLV3_ALERT_BAD_RECORD_MAC || reason == SSL_R_TLSV1_ALERT_DECRYPT_ERROR)) {
    detail_ = "the pre-shared key is not the one the platform has: check the triple";
    return Error::denied;
  }
  if (reason == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
    detail_ = "the peer closed the connection";
    return Error::closed;
  }
  if (reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_PACKET_LENGTH_TOO_LONG)
    detail_ = "the peer does not speak TLS on this port";
  return Error::tls_failed;
}

Error TlsSession::explain_verification(long verdict) {
  detail_ = X509_verify_cert_error_string(verdict);
  if (!stopped_at.empty()) detail_ += " (" + stopped_at + ')';
  switch (verdict) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return Error::tls_expired;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return Error::tls_wrong_host;
    default:
      return Error::tls_untrusted;
  }
}

}  // namespace tercet::posix
