#include "cli/advise_certificates.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <filesystem>

#include "platform/runtime/atomic_file.h"
#include "platform/runtime/pki.h"
#include "platform/runtime/tls_stream.h"

namespace tercet::cli::advise {
namespace {

using runtime::Outcome;
using runtime::Problem;
using runtime::TlsIdentity;

template <auto Free>
struct Freer {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Bio = std::unique_ptr<BIO, Freer<BIO_free_all>>;
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freer<X509_free>>;

/// Who signs.
struct Signer {
  Certificate certificate;
  Key key;
};

Outcome<Signer> read_signer(const TlsIdentity& identity) {
  const Bio certificate(BIO_new_mem_buf(identity.chain_pem.data(), static_cast<int>(identity.chain_pem.size())));
  const Bio key(BIO_new_mem_buf(identity.key_pem.data(), static_cast<int>(identity.key_pem.size())));
  Signer read{Certificate(PEM_read_bio_X509(certificate.get(), nullptr, nullptr, nullptr)),
              Key(PEM_read_bio_PrivateKey(key.get(), nullptr, nullptr, nullptr))};
  ERR_clear_error();
  if (read.certificate == nullptr || read.key == nullptr)
    return Problem{Error::malformed, "the CA's certificate or key"};
  return read;
}

Outcome<TlsIdentity> open_authority(const std::string& directory, UnixMillis now) {
  const std::string certificate_path = directory + "/ca.pem", key_path = directory + "/ca.key";
  auto certificate = runtime::read_file(certificate_path), key = runtime::read_file(key_path);
  if (certificate && key) return TlsIdentity{std::move(*certificate), std::move(*key)};
  auto made = runtime::make_authority(runtime::KeyKind::rsa_2048, "Tercet advisor CA", now);
  if (!made) return made;
  if (const auto saved = runtime::write_file_atomically(key_path, made->key_pem, runtime::FileMode::secret); !saved)
    return saved.problem();
  if (const auto saved = runtime::write_file_atomically(certificate_path, made->chain_pem, runtime::FileMode::shared);
      !saved)
    return saved.problem();
  return made;
}

struct Leaf {
  const Signer* signer;  ///< null: it signs itself
  std::span<const std::string> names;
  std::int64_t from_days, to_days;  ///< counted from now
  const EVP_MD* digest;
};

std::string alternative_names(std::span<const std::string> names) {
  std::string text;
  for (const std::string& name : names) {
    unsigned char bytes[16];
    const bool is_address =
        inet_pton(AF_INET, name.c_str(), bytes) == 1 || inet_pton(AF_INET6, name.c_str(), bytes) == 1;
    text += (text.empty() ? "" : ",") + std::string(is_address ? "IP:" : "DNS:") + name;
  }
  return text;
}

bool extend(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, Freer<X509_EXTENSION_free>> made(
      X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  return made != nullptr && X509_add_ext(certificate, made.get(), -1) == 1;
}

Certificate make_leaf(const Leaf& leaf, EVP_PKEY* key, std::int64_t serial, UnixMillis now) {
  Certificate made(X509_new());
  X509_set_version(made.get(), X509_VERSION_3);
  ASN1_INTEGER_set_int64(X509_get_serialNumber(made.get()), serial);
  ASN1_TIME_set(X509_getm_notBefore(made.get()), now.ms / 1000 + leaf.from_days * 86'400);
  ASN1_TIME_set(X509_getm_notAfter(made.get()), now.ms / 1000 + leaf.to_days * 86'400);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(leaf.names[0].c_str()), -1, -1, 0);
  X509_set_pubkey(made.get(), key);
  X509* issuer = leaf.signer != nullptr ? leaf.signer->certificate.get() : made.get();
  X509_set_issuer_name(made.get(), X509_get_subject_name(issuer));
  const bool good = extend(made.get(), issuer, NID_basic_constraints, "critical,CA:FALSE") &&
                    extend(made.get(), issuer, NID_key_usage, "critical,digitalSignature,keyEncipherment") &&
                    extend(made.get(), issuer, NID_ext_key_usage, "serverAuth") &&
                    extend(made.get(), issuer, NID_subject_key_identifier, "hash") &&
                    extend(made.get(), issuer, NID_subject_alt_name, alternative_names(leaf.names).c_str()) &&
                    X509_sign(made.get(), leaf.signer != nullptr ? leaf.signer->key.get() : key, leaf.digest) > 0;
  return good ? std::move(made) : nullptr;
}

runtime::SslContext make_context(X509* leaf, EVP_PKEY* key) {
  runtime::SslContext context(SSL_CTX_new(TLS_server_method()));
  SSL_CTX* ctx = context.get();
  SSL_CTX_set_security_level(ctx, 0);  // to be able to show a SHA-1 signature at all
  SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
  SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(ctx, 0);
  const bool good = SSL_CTX_set_cipher_list(ctx, "DEFAULT:@SECLEVEL=0") == 1 &&
                    SSL_CTX_use_certificate(ctx, leaf) == 1 && SSL_CTX_use_PrivateKey(ctx, key) == 1;
  return good ? std::move(context) : nullptr;
}

std::size_t index_of(Act act) {
  if (act < Act::expired || act > Act::sha1_leaf) return 0;
  return static_cast<std::size_t>(act) - static_cast<std::size_t>(Act::expired) + 1;
}

}  // namespace

Outcome<Certificates> Certificates::open(const std::string& directory, std::span<const std::string> names,
                                         UnixMillis now) {
  std::error_code ignored;
  std::filesystem::create_directories(directory, ignored);
  const auto authority = open_authority(directory, now);
  if (!authority) return authority.problem();
  const auto stranger_identity = runtime::make_authority(runtime::KeyKind::rsa_2048, "Tercet advisor CA", now);
  if (!stranger_identity) return stranger_identity.problem();
  auto ours = read_signer(*authority), stranger = read_signer(*stranger_identity);
  if (!ours) return Problem{Error::malformed, ours.problem().detail + " in " + directory};
  if (!stranger) return stranger.problem();
  const Key key(EVP_RSA_gen(2048));

  const std::string elsewhere[] = {"another-host.example"};
  const Signer* us = &*ours;
  const std::array<Leaf, kContexts> leaves{{{us, names, -1, 800, EVP_sha256()},
                                            {us, names, -400, -30, EVP_sha256()},
                                            {us, names, 30, 400, EVP_sha256()},
                                            {us, elsewhere, -1, 800, EVP_sha256()},
                                            {&*stranger, names, -1, 800, EVP_sha256()},
                                            {nullptr, names, -1, 800, EVP_sha256()},
                                            {us, names, -1, 800, EVP_sha1()}}};
  Certificates made;
  made.ca_path_ = directory + "/ca.pem";
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    const auto leaf = make_leaf(leaves[i], key.get(), now.ms * 8 + static_cast<std::int64_t>(i), now);
    if (leaf != nullptr) made.contexts_[i] = make_context(leaf.get(), key.get());
    ERR_clear_error();
    if (made.contexts_[i] == nullptr)
      return Problem{Error::internal,
                     "certificate " + std::to_string(i) + " could not be made; is a --name malformed?"};
  }
  return made;
}

std::unique_ptr<runtime::Stream> Certificates::wrap(Act act, std::unique_ptr<runtime::Stream> inner,
                                                    Bytes initial) const {
  SSL* ssl = SSL_new(contexts_[index_of(act)].get());
  TERCET_CHECK(ssl != nullptr);
  SSL_set_accept_state(ssl);
  return std::make_unique<runtime::TlsStream>(std::move(inner), ssl, initial);
}

}  // namespace tercet::cli::advise
