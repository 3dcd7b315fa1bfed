#include "ports/contract/peers/certificates.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace tercet::contract {

Key::Key() : key_(EVP_EC_gen("P-256")) {}
Key::~Key() { EVP_PKEY_free(key_); }

Certificate::Certificate(const CertificateText& text, const Certificate* issuer) : x509_(X509_new()) {
  static long serial = 0;
  X509_set_version(x509_, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(x509_), ++serial);
  ASN1_TIME_set(X509_getm_notBefore(x509_), text.from);
  ASN1_TIME_set(X509_getm_notAfter(x509_), text.until);
  X509_set_pubkey(x509_, key_.get());
  X509_NAME* subject = X509_get_subject_name(x509_);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(text.name.c_str()), -1,
                             -1, 0);
  X509_set_issuer_name(x509_, issuer != nullptr ? X509_get_subject_name(issuer->get()) : subject);
  extend(NID_basic_constraints, text.is_root ? "critical,CA:TRUE" : "CA:FALSE");
  const bool is_address = text.name.find_first_not_of("0123456789.") == std::string::npos;
  if (!text.is_root) extend(NID_subject_alt_name, ((is_address ? "IP:" : "DNS:") + text.name).c_str());
  X509_sign(x509_, (issuer != nullptr ? issuer->key() : key_).get(), EVP_sha256());
}

Certificate::~Certificate() { X509_free(x509_); }

void Certificate::extend(int nid, const char* value) {
  X509_EXTENSION* made = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value);
  X509_add_ext(x509_, made, -1);
  X509_EXTENSION_free(made);
}

std::string Certificate::pem() const {
  BIO* out = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(out, x509_);
  char* text = nullptr;
  const long size = BIO_get_mem_data(out, &text);
  std::string made(text, static_cast<std::size_t>(size));
  BIO_free(out);
  return made;
}

}  // namespace tercet::contract
