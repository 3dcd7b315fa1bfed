#include <arpa/inet.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <ctime>
#include <tuple>
#include <utility>

#include "platform/runtime/tls.h"
#include "platform/runtime/tls_stream.h"
#include "tercet/base/check.h"

namespace tercet::runtime {
namespace {

constexpr const char* kSuites13 = "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384";
constexpr const char* kModern =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:"
    "ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384";
constexpr const char* kAlsoCompatible = ":AES128-GCM-SHA256:AES128-SHA256:AES128-SHA:AES256-SHA";
constexpr const char* kPsk = "PSK-AES128-CBC-SHA";  // the vendor's SDKs offer no other (tercet/auth/psk.h)

using Bio = std::unique_ptr<BIO, decltype(&BIO_free_all)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

Bio reader(const std::string& text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free_all};
}
Certificate next_certificate(BIO* in) { return {PEM_read_bio_X509(in, nullptr, nullptr, nullptr), &X509_free}; }

Problem problem(Error code, std::string what) {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  if (reason != nullptr) what += std::string(": ") + reason;
  ERR_clear_error();
  return {code, std::move(what)};
}

SslContext make_context(const SSL_METHOD* method) {
  SslContext context(SSL_CTX_new(method));
  TERCET_CHECK(context != nullptr);
  SSL_CTX* ctx = context.get();
  SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
  SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET |
                               SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_CIPHER_SERVER_PREFERENCE |
                               SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);  // of the server's; tickets are kept by the clients
  SSL_CTX_set_num_tickets(ctx, 0);
  SSL_CTX_set_read_ahead(ctx, 1);  // header and body of all records that have come, in one recv
  TERCET_CHECK(SSL_CTX_set_ciphersuites(ctx, kSuites13) == 1);
  TERCET_CHECK(SSL_CTX_set1_groups_list(ctx, "X25519:P-256:P-384") == 1);
  return context;
}

Outcome<void> use_identity(SSL_CTX* ctx, const TlsIdentity& identity) {
  const Bio chain = reader(identity.chain_pem);
  const Certificate leaf = next_certificate(chain.get());
  if (leaf == nullptr) return problem(Error::malformed, "certificate");
  const Bio key_text = reader(identity.key_pem);
  const Key key(PEM_read_bio_PrivateKey(key_text.get(), nullptr, nullptr, nullptr), &EVP_PKEY_free);
  if (key == nullptr) return problem(Error::malformed, "private key");
  STACK_OF(X509)* others = sk_X509_new_null();
  while (Certificate more = next_certificate(chain.get())) sk_X509_push(others, more.release());
  ERR_clear_error();  // the end of the text is an error to OpenSSL
  const bool used = SSL_CTX_use_cert_and_key(ctx, leaf.get(), key.get(), others, 1) == 1;
  sk_X509_pop_free(others, X509_free);
  if (!used)
    return problem(Error::malformed, "certificate and private key do not belong together, or the key is too weak");
  return {};
}

bool trust(SSL_CTX* ctx, const std::string& roots_pem) {
  if (roots_pem.empty()) return SSL_CTX_set_default_verify_paths(ctx) == 1;
  const Bio in = reader(roots_pem);
  int count = 0;
  while (const Certificate root = next_certificate(in.get()))
    count += X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), root.get());
  ERR_clear_error();
  return count > 0;
}

bool is_address(const std::string& host) {
  unsigned char bytes[16];
  return inet_pton(AF_INET, host.c_str(), bytes) == 1 || inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

/// Seals or opens a session ticket for OpenSSL.
int use_ticket_key(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                   int sealing) {
  auto* const keys = static_cast<TicketKeys*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  const UnixMillis now{static_cast<std::int64_t>(std::time(nullptr)) * 1000};
  std::optional<TicketKeys::Found> found;
  // A pre-shared key is asked for at each handshake, so that a device that was disabled does not come back.
  if (sealing == 1 && SSL_CIPHER_get_kx_nid(SSL_get_current_cipher(ssl)) == NID_kx_psk) return 0;
  if (sealing == 1 && SSL_get0_peer_certificate(ssl) != nullptr) return 0;  // nor is who has shown a certificate
  if (sealing == 1) {
    if (const auto current = keys->current(now)) found = TicketKeys::Found{*current, false};
    if (!found || RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1) return -1;
    std::copy(found->key.name.begin(), found->key.name.end(), name);
  } else {
    found = keys->find({name, std::tuple_size_v<decltype(TicketKeys::Key::name)>}, now);
    if (!found) return 0;  // a full handshake
  }
  TicketKeys::Key& key = found->key;
  char digest[] = "SHA256";
  const OSSL_PARAM how[] = {OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.mac.data(), key.mac.size()),
                            OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                            OSSL_PARAM_construct_end()};
  const bool ready = EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.cipher.data(), iv, sealing) == 1 &&
                     EVP_MAC_CTX_set_params(mac, how) == 1;
  OPENSSL_cleanse(&key, sizeof key);
  if (!ready) return -1;
  return found->renew ? 2 : 1;
}

/// Who a certificate stands for is decided with CONNECT, and there its dates are looked at, so that the journal can say
/// what is wrong. That the client has its key OpenSSL checks anyway.
int take_any_certificate(int, X509_STORE_CTX*) { return 1; }
constexpr long kLongestClientChain = 16 * 1024;

}  // namespace

void FreeSslContext::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }

Outcome<TlsServerContext> TlsServerContext::open(TlsProfile profile, std::span<const TlsIdentity> identities,
                                                 PskSource psk, AskForCertificates ask) {
  SslContext context = make_context(TLS_server_method());
  auto tickets = std::make_unique<TicketKeys>();
  SSL_CTX_clear_options(context.get(), SSL_OP_NO_TICKET);
  SSL_CTX_set_app_data(context.get(), tickets.get());
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context.get(), &use_ticket_key);
  SSL_CTX_set_timeout(context.get(), TicketKeys::kLife.count());
  std::string ciphers = kModern;
  if (profile == TlsProfile::compatible) ciphers += kAlsoCompatible;
  if (profile == TlsProfile::compatible && psk) ciphers += std::string(":") + kPsk;
  TERCET_CHECK(SSL_CTX_set_cipher_list(context.get(), ciphers.c_str()) == 1);
  if (identities.empty()) return Problem{Error::bad_argument, "a TLS listener needs a certificate"};
  for (const TlsIdentity& identity : identities)
    if (const auto used = use_identity(context.get(), identity); !used) return used.problem();
  return TlsServerContext(std::move(context), std::move(psk), std::move(ask), std::move(tickets));
}

std::unique_ptr<Stream> TlsServerContext::wrap(std::unique_ptr<Stream> inner, Bytes initial) const {
  SSL* ssl = SSL_new(context_.get());
  TERCET_CHECK(ssl != nullptr);
  SSL_set_accept_state(ssl);
  // Sessions of clients that were not asked are not resumed by one that is: it would not be asked then.
  const bool asks = ask_ && ask_();
  SSL_set_session_id_context(ssl, reinterpret_cast<const unsigned char*>(asks ? "asked" : "plain"), 5);
  if (asks) {
    SSL_set_verify(ssl, SSL_VERIFY_PEER, &take_any_certificate);
    SSL_set_max_cert_list(ssl, kLongestClientChain);
  }
  auto stream = std::make_unique<TlsStream>(std::move(inner), ssl, initial);
  if (psk_ != nullptr) stream->use_psk(*psk_);
  return stream;
}

Outcome<TlsClientContext> TlsClientContext::open(const Options& options) {
  SslContext context = make_context(TLS_client_method());
  SSL_CTX* ctx = context.get();
  const bool psk = !options.psk_identity.empty();
  if (options.tls12_only || psk) SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
  if (SSL_CTX_set_cipher_list(ctx, !options.ciphers.empty() ? options.ciphers.c_str() : psk ? kPsk : kModern) != 1)
    return problem(Error::bad_argument, "ciphers");
  if (psk) {
    auto pair = std::make_shared<const Psk>(Psk{options.psk_identity, options.psk_key});
    return TlsClientContext(std::move(context), false, std::move(pair));
  }
  if (options.identity)
    if (const auto used = use_identity(ctx, *options.identity); !used) return used.problem();
  SSL_CTX_set_verify(ctx, options.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (options.verify && !trust(ctx, options.roots_pem)) return problem(Error::malformed, "trusted roots");
  if (options.at) X509_VERIFY_PARAM_set_time(SSL_CTX_get0_param(ctx), options.at->ms / 1000);
  return TlsClientContext(std::move(context), options.verify, nullptr);
}

std::unique_ptr<Stream> TlsClientContext::wrap(std::unique_ptr<Stream> inner, const std::string& host) const {
  SSL* ssl = SSL_new(context_.get());
  TERCET_CHECK(ssl != nullptr);
  SSL_set_connect_state(ssl);
  if (is_address(host)) {
    if (verify_) X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str());
  } else if (!host.empty()) {
    SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, const_cast<char*>(host.c_str()));  // SNI
    if (verify_) SSL_set1_host(ssl, host.c_str());
  }
  auto stream = std::make_unique<TlsStream>(std::move(inner), ssl, Bytes{});
  if (psk_ != nullptr) stream->offer_psk(psk_->identity, psk_->key);
  return stream;
}

}  // namespace tercet::runtime
