#include "platform/runtime/tls_stream.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "tercet/base/check.h"

namespace tercet::runtime {
namespace {

using Kind = StreamFailure::Kind;
constexpr std::size_t kRecord = 16384;  // the most that one TLS record carries

bool begins_tls(std::uint8_t byte) { return byte == 0x16 || (byte & 0x80) != 0; }  // a handshake, or an SSLv2 hello

Kind kind_of_alert(int alert) {
  if (alert == SSL_AD_UNKNOWN_CA) return Kind::tls_alert_unknown_ca;
  if (alert == SSL_AD_CERTIFICATE_EXPIRED) return Kind::tls_alert_certificate_expired;
  return Kind::tls_alert_other;
}

Kind kind_of_verify(long result) {
  switch (result) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return Kind::server_expired;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return Kind::server_wrong_host;
    default:
      return Kind::server_untrusted;
  }
}

std::string not_tls_detail(std::uint8_t first) {
  char text[96];
  const char* looks_like = "";
  if (first == 0x10) looks_like = ", as of an MQTT CONNECT without TLS";
  if (first == 'G' || first == 'P' || first == 'H') looks_like = ", as of HTTP without TLS";
  std::snprintf(text, sizeof text, "the first byte is 0x%02x%s", first, looks_like);
  return text;
}

}  // namespace

// --- between OpenSSL and the inner stream ---

bio_method_st* TlsStream::bio_method() {
  static bio_method_st* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "tercet stream");
    TERCET_CHECK(made != nullptr);
    BIO_meth_set_read(made, &TlsStream::bio_read);
    BIO_meth_set_write(made, &TlsStream::bio_write);
    BIO_meth_set_ctrl(made, &TlsStream::bio_control);
    return made;
  }();
  return method;
}

int TlsStream::bio_read(BIO* bio, char* into, int size) {
  BIO_clear_retry_flags(bio);
  auto& self = *static_cast<TlsStream*>(BIO_get_data(bio));
  const int got = self.take_inner({reinterpret_cast<std::uint8_t*>(into), static_cast<std::size_t>(size)});
  if (got < 0 && self.read_blocked_) BIO_set_retry_read(bio);
  return got;
}

int TlsStream::bio_write(BIO* bio, const char* from, int size) {
  BIO_clear_retry_flags(bio);
  auto& self = *static_cast<TlsStream*>(BIO_get_data(bio));
  const int sent = self.give_inner({reinterpret_cast<const std::uint8_t*>(from), static_cast<std::size_t>(size)});
  if (sent < 0 && self.write_blocked_) BIO_set_retry_write(bio);
  return sent;
}

long TlsStream::bio_control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

int TlsStream::take_inner(MutableBytes into) {
  if (early_ != nullptr && early_->initial_used < early_->initial.size()) {
    const std::size_t n = std::min(into.size(), early_->initial.size() - early_->initial_used);
    std::memcpy(into.data(), early_->initial.data() + early_->initial_used, n);
    early_->initial_used += n;
    return static_cast<int>(n);
  }
  read_blocked_ = inner_state_ == Io::State::drained;  // it has said so in this call: asking again is a wasted recv
  if (read_blocked_) return -1;
  const Io io = inner_->read(into);
  inner_state_ = io.state;
  if (io.bytes != 0) {
    if (!any_byte_) first_byte_ = into[0];
    any_byte_ = true;
    return static_cast<int>(io.bytes);
  }
  read_blocked_ = io.state == Io::State::drained;
  return io.state == Io::State::closed ? 0 : -1;
}

int TlsStream::give_inner(Bytes from) {
  const Io io = inner_->write(from);
  if (io.bytes != 0) return static_cast<int>(io.bytes);
  if (io.state == Io::State::failed) {
    inner_state_ = Io::State::failed;
    return -1;
  }
  write_blocked_ = true;
  return -1;
}

// --- life ---

TlsStream::TlsStream(std::unique_ptr<Stream> inner, SSL* ssl, Bytes initial) : inner_(std::move(inner)), ssl_(ssl) {
  BIO* bio = BIO_new(bio_method());
  TERCET_CHECK(bio != nullptr);
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_, bio, bio);
  if (initial.empty()) return;
  early_ = std::make_unique<Early>();
  early_->initial.assign(initial.begin(), initial.end());
  any_byte_ = true;
  first_byte_ = initial[0];
}

void TlsStream::use_psk(const PskSource& source) {
  psk_ = std::make_unique<Psk>();
  psk_->source = &source;
  SSL_set_app_data(ssl_, this);
  SSL_set_psk_server_callback(ssl_, &TlsStream::psk_server);
}

void TlsStream::offer_psk(std::string identity, std::string key) {
  psk_ = std::make_unique<Psk>();
  psk_->identity = std::move(identity);
  psk_->key = std::move(key);
  SSL_set_app_data(ssl_, this);
  SSL_set_psk_client_callback(ssl_, &TlsStream::psk_client);
}

unsigned TlsStream::psk_client(SSL* ssl, const char*, char* identity, unsigned identity_room, unsigned char* key,
                               unsigned room) {
  const auto* const self = static_cast<const TlsStream*>(SSL_get_app_data(ssl));
  if (self == nullptr || self->psk_ == nullptr) return 0;
  const Psk& psk = *self->psk_;
  if (psk.identity.size() >= identity_room || psk.key.size() > room) return 0;
  std::memcpy(identity, psk.identity.c_str(), psk.identity.size() + 1);
  std::memcpy(key, psk.key.data(), psk.key.size());
  return static_cast<unsigned>(psk.key.size());
}

/// Called by OpenSSL in the middle of a handshake.
unsigned TlsStream::psk_server(SSL* ssl, const char* identity, unsigned char* key, unsigned room) {
  auto* const self = static_cast<TlsStream*>(SSL_get_app_data(ssl));
  if (self == nullptr || self->psk_ == nullptr || identity == nullptr || SSL_version(ssl) != TLS1_2_VERSION) return 0;
  PskAnswer answer;
  try {
    answer = (*self->psk_->source)(identity);
  } catch (...) {
    answer = {};
  }
  Psk& psk = *self->psk_;
  psk.asked = true;
  psk.kind = answer.kind;
  psk.name = std::move(answer.name);
  psk.identity.assign(identity, std::min<std::size_t>(std::strlen(identity), 128));
  unsigned size = static_cast<unsigned>(answer.key.size());
  if (answer.kind == PskAnswer::Kind::known && size != 0 && size <= room) {
    std::memcpy(key, answer.key.data(), size);
    OPENSSL_cleanse(answer.key.data(), answer.key.size());
    return size;
  }
  size = std::min(room, 32U);  // nobody has this one
  return RAND_bytes(key, static_cast<int>(size)) == 1 ? size : 0;
}

/// The failure of a handshake in which a pre-shared key was asked for: its key is wrong, or there is none.
std::optional<StreamFailure> TlsStream::psk_failure() const {
  if (psk_ == nullptr || !psk_->asked) return std::nullopt;
  const Kind kind = psk_->kind == PskAnswer::Kind::known       ? Kind::tls_psk_wrong_key
                    : psk_->kind == PskAnswer::Kind::malformed ? Kind::tls_psk_malformed
                                                               : Kind::tls_psk_unknown;
  return StreamFailure{kind, "identity " + psk_->identity, psk_->name};
}

TlsStream::~TlsStream() { SSL_free(ssl_); }

/// True once the handshake is done.
bool TlsStream::step_handshake() {
  if (phase_ == Phase::open) return true;
  if (phase_ != Phase::handshake) return false;
  ERR_clear_error();
  write_blocked_ = false;
  const int result = SSL_do_handshake(ssl_);
  if (result != 1) {
    note_end(result);
    return false;
  }
  phase_ = Phase::open;
  psk_.reset();
  const auto early = std::move(early_);
  if (early != nullptr && early->initial_used < early->initial.size()) {  // more than the handshake came with the sniff
    early_ = std::make_unique<Early>();
    early_->initial.assign(early->initial.begin() + static_cast<std::ptrdiff_t>(early->initial_used),
                           early->initial.end());
  }
  if (early != nullptr && !early->outgoing.empty()) {
    const Io io = write(early->outgoing);
    TERCET_CHECK(io.bytes == early->outgoing.size() || phase_ != Phase::open);
  }
  return phase_ == Phase::open;
}

/// False while a record that write() has taken, or one of OpenSSL's own, is still waiting for the socket.
bool TlsStream::flush_pending() {
  if (unsent_ == 0) {
    if (!write_blocked_) return true;
    // The answer to a KeyUpdate did not fit: OpenSSL goes on where it stopped.
    write_blocked_ = false;
    const int done = SSL_do_handshake(ssl_);
    if (done > 0) return true;
    note_end(done);
    return phase_ == Phase::open && !write_blocked_;
  }
  write_blocked_ = false;
  static const std::uint8_t kEncryptedAlready = 0;  // the record exists; OpenSSL looks at the length only
  const int sent = SSL_write(ssl_, &kEncryptedAlready, unsent_);
  if (sent <= 0) {
    note_end(sent);
    return false;
  }
  unsent_ = 0;
  return true;
}

Io TlsStream::stopped() {
  if (phase_ == Phase::failed) return {Io::State::failed, 0};
  if (phase_ == Phase::closed) return {Io::State::closed, 0};
  return {Io::State::drained, 0};
}

Io TlsStream::read(MutableBytes into) {
  inner_state_ = Io::State::more;
  if (!step_handshake()) return stopped();
  if (unsent_ != 0 && !flush_pending() && phase_ != Phase::open) return stopped();
  std::size_t total = 0;
  while (total < into.size()) {
    const int room = static_cast<int>(std::min<std::size_t>(into.size() - total, 1U << 30));
    const int got = SSL_read(ssl_, into.data() + total, room);
    if (got <= 0) {
      note_end(got);
      if (phase_ == Phase::open || total != 0) break;
      return stopped();
    }
    total += static_cast<std::size_t>(got);
    if (early_ != nullptr && early_->initial_used == early_->initial.size()) early_.reset();
    if (inner_state_ == Io::State::drained && SSL_has_pending(ssl_) == 0) break;
  }
  // A close or failure found behind bytes is told by the next read, which the readiness that stays will ask for.
  const bool drained = total < into.size() && phase_ == Phase::open;
  return {drained ? Io::State::drained : Io::State::more, total};
}

Io TlsStream::write(Bytes from) {
  if (phase_ == Phase::handshake && !step_handshake() && phase_ == Phase::handshake) {
    if (early_ == nullptr) early_ = std::make_unique<Early>();
    const std::size_t n = std::min(from.size(), kRecord - early_->outgoing.size());
    early_->outgoing.insert(early_->outgoing.end(), from.begin(), from.begin() + static_cast<std::ptrdiff_t>(n));
    return {n == from.size() ? Io::State::more : Io::State::drained, n};
  }
  if (phase_ != Phase::open) return {Io::State::failed, 0};
  std::size_t total = 0;
  if (!flush_pending()) return phase_ == Phase::open ? Io{Io::State::drained, 0} : Io{Io::State::failed, 0};
  while (total < from.size()) {
    const std::size_t n = std::min(from.size() - total, kRecord);
    write_blocked_ = false;
    const int sent = SSL_write(ssl_, from.data() + total, static_cast<int>(n));
    if (sent <= 0) {
      note_end(sent);
      if (phase_ != Phase::open) return {Io::State::failed, total};
      // The answer to a KeyUpdate goes first and found no room: nothing of ours is encrypted yet.
      if (SSL_in_init(ssl_) != 0) return {Io::State::drained, total};
      unsent_ = static_cast<std::uint16_t>(n);  // encrypted and ours now; flush_pending sends the rest
      return {total + n < from.size() ? Io::State::drained : Io::State::more, total + n};
    }
    total += static_cast<std::size_t>(sent);
  }
  return {Io::State::more, total};
}

void TlsStream::shut_down() {
  if (phase_ == Phase::open) {
    ERR_clear_error();
    (void)SSL_shutdown(ssl_);
    ERR_clear_error();
  }
  inner_->shut_down();
}

bool TlsStream::has_buffered() const {
  return (early_ != nullptr && early_->initial_used < early_->initial.size()) || SSL_has_pending(ssl_) == 1;
}

std::string TlsStream::tls_description() const {
  if (SSL_is_init_finished(ssl_) == 0) return {};
  return std::string(SSL_get_version(ssl_)) + " " + SSL_get_cipher_name(ssl_);
}

std::optional<PeerCertificate> TlsStream::peer_certificate() const {
  if (SSL_is_init_finished(ssl_) == 0 || SSL_is_server(ssl_) == 0) return std::nullopt;
  const X509* const shown = SSL_get0_peer_certificate(ssl_);
  if (shown == nullptr) return std::nullopt;
  return facts_of(*shown);
}

// --- how it ended ---

StreamFailure TlsStream::failure() const { return failure_ != nullptr ? *failure_ : StreamFailure{}; }

void TlsStream::fail_as(Kind kind, std::string detail) {
  phase_ = Phase::failed;
  failure_ = std::make_unique<StreamFailure>(StreamFailure{kind, std::move(detail), {}});
}

/// After a call of OpenSSL gave no result: nothing to note when it only waits for the inner stream.
void TlsStream::note_end(int result) {
  if (result > 0) return;
  const bool waits = (SSL_want_read(ssl_) != 0 && read_blocked_) || (SSL_want_write(ssl_) != 0 && write_blocked_);
  if (waits) return;
  write_blocked_ = false;
  const bool in_handshake = phase_ == Phase::handshake;
  const bool error = ERR_GET_LIB(ERR_peek_last_error()) == ERR_LIB_SSL;
  if (inner_state_ == Io::State::failed) {
    const StreamFailure inner = inner_->failure();
    fail_as(inner.kind == Kind::none ? Kind::reset : inner.kind, inner.detail);
  } else if (const auto psk = in_handshake ? psk_failure() : std::nullopt; psk && error) {
    fail_as(psk->kind, psk->detail);
    failure_->claimed = psk->claimed;
  } else if (error) {
    StreamFailure failure = classify();
    fail_as(failure.kind, std::move(failure.detail));
  } else if (in_handshake && any_byte_) {
    const bool tls = begins_tls(first_byte_);
    fail_as(tls ? Kind::tls_handshake : Kind::tls_not_tls,
            tls ? "the peer closed during the handshake" : not_tls_detail(first_byte_));
    phase_ = Phase::closed;
  } else {
    phase_ = Phase::closed;
  }
  ERR_clear_error();
}

StreamFailure TlsStream::classify() const {
  const unsigned long error = ERR_peek_last_error();
  const int reason = ERR_GET_REASON(error);
  const bool server = SSL_is_server(ssl_) != 0;
  if (phase_ == Phase::handshake && any_byte_ && !begins_tls(first_byte_) && (server || first_byte_ != 0x15))
    return {Kind::tls_not_tls, not_tls_detail(first_byte_)};
  if (reason >= SSL_AD_REASON_OFFSET) {
    const int alert = reason - SSL_AD_REASON_OFFSET;
    return {kind_of_alert(alert), SSL_alert_desc_string_long(alert)};
  }
  if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
    const long verdict = SSL_get_verify_result(ssl_);
    return {kind_of_verify(verdict), X509_verify_cert_error_string(verdict)};
  }
  const char* text = ERR_reason_error_string(error);
  std::string detail = text != nullptr ? text : "handshake failed";
  if (server && phase_ == Phase::handshake) detail += offered();
  return {Kind::tls_handshake, std::move(detail)};
}

/// What the client offered, for a refusal that a person will read.
std::string TlsStream::offered() const {
  std::string text;
  const int version = SSL_client_version(ssl_);
  if (version != 0 && version < TLS1_2_VERSION)
    text += "; the client offers at most " + std::string(version == TLS1_1_VERSION ? "TLSv1.1"
                                                         : version == TLS1_VERSION ? "TLSv1"
                                                                                   : "SSLv3");
  const STACK_OF(SSL_CIPHER)* ciphers = SSL_get_client_ciphers(ssl_);
  for (int i = 0; i < std::min(sk_SSL_CIPHER_num(ciphers), 8); ++i)
    text += std::string(i == 0 ? "; the client offers " : " ") + SSL_CIPHER_get_name(sk_SSL_CIPHER_value(ciphers, i));
  return text;
}

}  // namespace tercet::runtime
