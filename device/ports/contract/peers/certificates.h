#pragma once
#include <memory>
#include <string>

struct evp_pkey_st;
struct x509_st;

namespace tercet::contract {

/// A key pair on P-256.
class Key {
 public:
  Key();
  ~Key();
  Key(const Key&) = delete;
  Key& operator=(const Key&) = delete;
  evp_pkey_st* get() const { return key_; }

 private:
  evp_pkey_st* key_;
};

/// What a certificate says. Times in seconds since 1970.
struct CertificateText {
  std::string name;  ///< a host name or an IPv4 address; of a root anything
  bool is_root = false;
  long long from = 0, until = 0;
};

class Certificate {
 public:
  /// issuer: null, it signs itself.
  Certificate(const CertificateText& text, const Certificate* issuer);
  ~Certificate();
  Certificate(const Certificate&) = delete;
  Certificate& operator=(const Certificate&) = delete;
  x509_st* get() const { return x509_; }
  const Key& key() const { return key_; }
  std::string pem() const;

 private:
  void extend(int nid, const char* value);
  Key key_;
  x509_st* x509_;
};

}  // namespace tercet::contract
