#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>
#include <memory>

#include "platform/runtime/pki.h"
#include "platform/runtime/tls_stream.h"

namespace tercet::runtime {
namespace {

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
using Names = std::unique_ptr<GENERAL_NAMES, Freer<GENERAL_NAMES_free>>;

Problem openssl_problem(const char* what) {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return {Error::internal, std::string(what) + ": " + (reason != nullptr ? reason : "failed")};
}

Key make_key(KeyKind kind) { return Key(kind == KeyKind::ecdsa_p256 ? EVP_EC_gen("P-256") : EVP_RSA_gen(2048)); }

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string pem(X509* certificate) {
  const Bio out(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(out.get(), certificate);
  return text_of(out.get());
}

std::string pem(EVP_PKEY* key) {
  const Bio out(BIO_new(BIO_s_secmem()));
  PEM_write_bio_PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  return text_of(out.get());
}

Certificate certificate_from(const std::string& text) {
  const Bio in(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  Certificate read(PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  return read;
}

Key key_from(const std::string& text) {
  const Bio in(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  Key read(PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  return read;
}

/// Everything but extensions, issuer and signature.
Certificate begin(EVP_PKEY* key, const std::string& common_name, UnixMillis now, int days) {
  Certificate made(X509_new());
  X509_set_version(made.get(), X509_VERSION_3);
  std::uint8_t serial[16];
  RAND_bytes(serial, sizeof serial);
  serial[0] = static_cast<std::uint8_t>((serial[0] & 0x7F) | 0x40);  // positive and of fixed length
  const std::unique_ptr<BIGNUM, Freer<BN_free>> number(BN_bin2bn(serial, sizeof serial, nullptr));
  BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(made.get()));
  ASN1_TIME_set(X509_getm_notBefore(made.get()), (now.ms - kDayMs) / 1000);
  ASN1_TIME_set(X509_getm_notAfter(made.get()), (now.ms + days * kDayMs) / 1000);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(common_name.data()),
                             static_cast<int>(std::min<std::size_t>(common_name.size(), 64)), -1, 0);
  X509_set_pubkey(made.get(), key);
  return made;
}

bool extend(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, Freer<X509_EXTENSION_free>> made(
      X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  return made != nullptr && X509_add_ext(certificate, made.get(), -1) == 1;
}

std::optional<std::vector<std::uint8_t>> address_bytes(const std::string& name) {
  std::vector<std::uint8_t> bytes(4);
  if (inet_pton(AF_INET, name.c_str(), bytes.data()) == 1) return bytes;
  bytes.resize(16);
  if (inet_pton(AF_INET6, name.c_str(), bytes.data()) == 1) return bytes;
  return std::nullopt;
}

bool is_dns_name(std::string_view name) {
  if (name.starts_with("*.")) name.remove_prefix(2);
  if (name.empty() || name.size() > 253 || name.front() == '.' || name.back() == '.') return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_';
  });
}

void add_name(GENERAL_NAMES* names, int type, Bytes value) {
  GENERAL_NAME* name = GENERAL_NAME_new();
  ASN1_STRING* text = type == GEN_DNS ? ASN1_IA5STRING_new() : ASN1_OCTET_STRING_new();
  ASN1_STRING_set(text, value.data(), static_cast<int>(value.size()));
  GENERAL_NAME_set0_value(name, type, text);
  sk_GENERAL_NAME_push(names, name);
}

bool add_names(X509* certificate, std::span<const std::string> names) {
  const Names list(GENERAL_NAMES_new());
  for (const std::string& name : names) {
    if (const auto address = address_bytes(name))
      add_name(list.get(), GEN_IPADD, *address);
    else
      add_name(list.get(), GEN_DNS, as_bytes(name));
  }
  return X509_add1_ext_i2d(certificate, NID_subject_alt_name, list.get(), 0, X509V3_ADD_DEFAULT) == 1;
}

UnixMillis time_of(const ASN1_TIME* at) {
  std::tm parts{};
  ASN1_TIME_to_tm(at, &parts);
  return {static_cast<std::int64_t>(::timegm(&parts)) * 1000};
}

std::string common_name(const X509_NAME* name) {
  char text[256] = {};
  const int size = X509_NAME_get_text_by_NID(const_cast<X509_NAME*>(name), NID_commonName, text, sizeof text);
  return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : std::string();
}

std::string text_of(const GENERAL_NAME* name) {
  int type = 0;
  const auto* value = static_cast<const ASN1_STRING*>(GENERAL_NAME_get0_value(name, &type));
  const auto* data = ASN1_STRING_get0_data(value);
  const auto size = static_cast<std::size_t>(ASN1_STRING_length(value));
  if (type == GEN_DNS) return {reinterpret_cast<const char*>(data), size};
  char text[INET6_ADDRSTRLEN] = {};
  if (type == GEN_IPADD) inet_ntop(size == 4 ? AF_INET : AF_INET6, data, text, sizeof text);
  return text;
}

}  // namespace

Outcome<TlsIdentity> make_authority(KeyKind kind, const std::string& name, UnixMillis now) {
  const Key key = make_key(kind);
  if (key == nullptr) return openssl_problem("make a key");
  const Certificate made = begin(key.get(), name, now, kAuthorityDays);
  X509* root = made.get();
  X509_set_issuer_name(root, X509_get_subject_name(root));
  const bool good = extend(root, root, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
                    extend(root, root, NID_key_usage, "critical,keyCertSign,cRLSign") &&
                    extend(root, root, NID_subject_key_identifier, "hash") &&
                    X509_sign(root, key.get(), EVP_sha256()) > 0;
  if (!good) return openssl_problem("make a root certificate");
  return TlsIdentity{pem(root), pem(key.get())};
}

Outcome<TlsIdentity> make_server_identity(const TlsIdentity& authority, KeyKind kind,
                                          std::span<const std::string> names, UnixMillis now, int days) {
  if (names.empty()) return Problem{Error::bad_argument, "a server certificate needs a name"};
  for (const std::string& name : names)
    if (!address_bytes(name) && !is_dns_name(name))
      return Problem{Error::bad_argument, "\"" + name + "\" is neither a host name nor an address"};
  const Certificate root = certificate_from(authority.chain_pem);
  const Key root_key = key_from(authority.key_pem);
  if (root == nullptr || root_key == nullptr) return Problem{Error::malformed, "the CA's certificate or key"};
  const Key key = make_key(kind);
  if (key == nullptr) return openssl_problem("make a key");
  const Certificate made = begin(key.get(), names[0], now, days);
  X509* leaf = made.get();
  X509_set_issuer_name(leaf, X509_get_subject_name(root.get()));
  const char* usage =
      kind == KeyKind::rsa_2048 ? "critical,digitalSignature,keyEncipherment" : "critical,digitalSignature";
  const bool good = extend(leaf, root.get(), NID_basic_constraints, "critical,CA:FALSE") &&
                    extend(leaf, root.get(), NID_key_usage, usage) &&
                    extend(leaf, root.get(), NID_ext_key_usage, "serverAuth") &&
                    extend(leaf, root.get(), NID_subject_key_identifier, "hash") &&
                    extend(leaf, root.get(), NID_authority_key_identifier, "keyid:always") && add_names(leaf, names) &&
                    X509_sign(leaf, root_key.get(), EVP_sha256()) > 0;
  if (!good) return openssl_problem("make a server certificate");
  return TlsIdentity{pem(leaf), pem(key.get())};
}

Outcome<TlsIdentity> make_device_identity(const TlsIdentity& authority, KeyKind kind, const std::string& name,
                                          UnixMillis now, int days) {
  const Certificate root = certificate_from(authority.chain_pem);
  const Key root_key = key_from(authority.key_pem);
  if (root == nullptr || root_key == nullptr) return Problem{Error::malformed, "the CA's certificate or key"};
  const Key key = make_key(kind);
  if (key == nullptr) return openssl_problem("make a key");
  const Certificate made = begin(key.get(), name, now, days);
  X509* leaf = made.get();
  X509_set_issuer_name(leaf, X509_get_subject_name(root.get()));
  const bool good = extend(leaf, root.get(), NID_basic_constraints, "critical,CA:FALSE") &&
                    extend(leaf, root.get(), NID_key_usage, "critical,digitalSignature") &&
                    extend(leaf, root.get(), NID_ext_key_usage, "clientAuth") &&
                    extend(leaf, root.get(), NID_subject_key_identifier, "hash") &&
                    extend(leaf, root.get(), NID_authority_key_identifier, "keyid:always") &&
                    X509_sign(leaf, root_key.get(), EVP_sha256()) > 0;
  if (!good) return openssl_problem("make a device's certificate");
  return TlsIdentity{pem(leaf), pem(key.get())};
}

PeerCertificate facts_of(const X509& certificate) {
  PeerCertificate facts;
  std::uint8_t digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (X509_digest(&certificate, EVP_sha256(), digest, &size) == 1) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    for (unsigned i = 0; i < size; ++i) facts.sha256.append({kDigits[digest[i] >> 4], kDigits[digest[i] & 15]});
  }
  const std::unique_ptr<BIGNUM, Freer<BN_free>> number(
      ASN1_INTEGER_to_BN(X509_get0_serialNumber(&certificate), nullptr));
  if (char* digits = number ? BN_bn2hex(number.get()) : nullptr; digits != nullptr) {
    facts.serial = digits;
    OPENSSL_free(digits);
  }
  facts.subject = common_name(X509_get_subject_name(&certificate));
  facts.not_before = time_of(X509_get0_notBefore(&certificate));
  facts.not_after = time_of(X509_get0_notAfter(&certificate));
  if (const int length = i2d_X509(&certificate, nullptr); length > 0) {
    facts.der.resize(static_cast<std::size_t>(length));
    auto* at = reinterpret_cast<unsigned char*>(facts.der.data());
    i2d_X509(&certificate, &at);
  }
  return facts;
}

Outcome<CertificateFacts> read_certificate(const std::string& text) {
  const Certificate certificate = certificate_from(text);
  if (certificate == nullptr) return Problem{Error::malformed, "not a certificate in PEM"};
  CertificateFacts facts;
  static_cast<PeerCertificate&>(facts) = facts_of(*certificate);
  facts.issuer = common_name(X509_get_issuer_name(certificate.get()));
  const Names names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate.get(), NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names.get()); ++i)
    facts.names.push_back(text_of(sk_GENERAL_NAME_value(names.get(), i)));
  return facts;
}

Outcome<SigningAuthority> SigningAuthority::read(const std::string& text) {
  SigningAuthority made;
  auto facts = read_certificate(text);
  if (!facts) return facts.problem();
  made.facts_ = std::move(*facts);
  made.certificate_ = certificate_from(text);
  if (X509_check_ca(made.certificate_.get()) != 1)
    return Problem{Error::bad_argument, "\"" + made.facts_.subject +
                                            "\" is no authority: its certificate lacks basicConstraints CA:TRUE, or "
                                            "its key usage lacks keyCertSign"};
  if (X509_get0_pubkey(made.certificate_.get()) == nullptr)
    return Problem{Error::malformed, "the key of the certificate cannot be read"};
  return made;
}

bool SigningAuthority::has_signed(const PeerCertificate& certificate) const {
  const auto* at = reinterpret_cast<const unsigned char*>(certificate.der.data());
  const Certificate leaf(d2i_X509(nullptr, &at, static_cast<long>(certificate.der.size())));
  int digest = NID_undef;
  const bool is_so = leaf != nullptr &&
                     X509_NAME_cmp(X509_get_issuer_name(leaf.get()), X509_get_subject_name(certificate_.get())) == 0 &&
                     X509_get_signature_info(leaf.get(), &digest, nullptr, nullptr, nullptr) == 1 &&
                     digest != NID_md5 && digest != NID_sha1 &&
                     X509_verify(leaf.get(), X509_get0_pubkey(certificate_.get())) == 1;
  ERR_clear_error();
  return is_so;
}

}  // namespace tercet::runtime
