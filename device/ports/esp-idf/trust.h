#pragma once
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "tercet/base/fixed_string.h"
#include "tercet/base/result.h"
#include "tercet/base/time.h"

namespace tercet::idf {

/// Whom TLS believes: a set of root certificates, or public keys by their digest, or, where neither was given,
/// ESP-IDF's bundle of public roots (the cloud's are in it). Never everybody.
class Trust {
 public:
  static constexpr std::size_t kMaxPins = 4;

  Trust();
  ~Trust();
  Trust(const Trust&) = delete;
  Trust& operator=(const Trust&) = delete;

  /// Takes certificates in PEM and lines `pin-sha256:<64 hexadecimal digits>` (SHA-256 of the server's
  /// SubjectPublicKeyInfo), in any mixture; more than one call adds. With a pin the chain, the dates and the name do
  /// not matter: the key is the identity. Allocates, once. Errors: bad_argument, text that is neither, or more than
  /// kMaxPins.
  Result<void> add(std::string_view text);
  /// Believes whom `other` does, then and later, and nobody else: for a second connection. `other` outlives this one.
  void share(const Trust& other) { shared_ = &other; }
  bool is_empty() const { return from().roots_ == 0 && from().pins_used_ == 0; }
  std::size_t roots() const { return roots_; }
  std::size_t pins() const { return pins_used_; }

  /// Makes a session's configuration verify by this trust. Errors: bad_argument, there is nobody to trust.
  Result<void> apply(mbedtls_ssl_config& config);
  /// About the certificate the last verification stopped at: "CN=x, valid until 2021-09-30".
  std::string_view objection() const { return objection_.str(); }
  /// When the first certificate of the last chain that was verified expires; nothing before, with pins, and with
  /// ESP-IDF's bundle, which does not let others look.
  std::optional<UnixMillis> chain_expiry() const { return expiry_; }

 private:
  const Trust& from() const { return shared_ != nullptr ? *shared_ : *this; }
  static int look(void* self, mbedtls_x509_crt* certificate, int depth, std::uint32_t* flags);
  int judge(const mbedtls_x509_crt& certificate, int depth, std::uint32_t& flags);
  void object(const mbedtls_x509_crt& certificate, std::uint32_t flags);
  Result<void> add_pins(std::string_view text);
  Result<void> add_certificates(std::string_view text);

  const Trust* shared_ = nullptr;   ///< whose roots and pins count instead of these
  mutable mbedtls_x509_crt chain_;  ///< mbedTLS takes it without const, and reads
  std::size_t roots_ = 0, pins_used_ = 0;
  std::array<std::array<std::uint8_t, 32>, kMaxPins> pins_{};
  FixedString<160> objection_;
  std::optional<UnixMillis> expiry_;
  bool chain_is_new_ = true;
};

}  // namespace tercet::idf
