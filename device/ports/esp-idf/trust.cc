#include "ports/esp-idf/trust.h"

#include <sdkconfig.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tercet/crypto/digest.h"
#include "tercet/crypto/encoding.h"
#ifdef CONFIG_TERCET_TRUST_BUNDLE
#include <esp_crt_bundle.h>
#endif

#ifdef CONFIG_MBEDTLS_DYNAMIC_FREE_CA_CERT
#error "MBEDTLS_DYNAMIC_FREE_CA_CERT would free the roots after the first handshake: switch it off"
#endif

namespace tercet::idf {
namespace {

constexpr std::string_view kPinPrefix = "pin-sha256:", kPemBegin = "-----BEGIN CERTIFICATE-----";

/// The proleptic Gregorian calendar; a certificate's dates are UTC.
UnixMillis unix_time(const mbedtls_x509_time& at) {
  const std::int64_t year = at.mon <= 2 ? at.year - 1 : at.year, era = (year >= 0 ? year : year - 399) / 400;
  const std::int64_t of_era = year - era * 400, month = at.mon > 2 ? at.mon - 3 : at.mon + 9;
  const std::int64_t day = of_era * 365 + of_era / 4 - of_era / 100 + (153 * month + 2) / 5 + at.day - 1;
  const std::int64_t days = era * 146'097 + day - 719'468;
  return {(((days * 24 + at.hour) * 60 + at.min) * 60 + at.sec) * 1000};
}

}  // namespace

Trust::Trust() { mbedtls_x509_crt_init(&chain_); }
Trust::~Trust() { mbedtls_x509_crt_free(&chain_); }

Result<void> Trust::add(std::string_view text) {
  const std::size_t roots_before = roots_, pins_before = pins_used_;
  if (const auto pins = add_pins(text); !pins) return pins;
  if (text.find(kPemBegin) != std::string_view::npos)
    if (const auto certificates = add_certificates(text); !certificates) return certificates;
  if (roots_ == roots_before && pins_used_ == pins_before) return fail(Error::bad_argument);
  return {};
}

Result<void> Trust::add_pins(std::string_view text) {
  for (std::size_t at = text.find(kPinPrefix); at != std::string_view::npos; at = text.find(kPinPrefix, at + 1)) {
    if (pins_used_ == kMaxPins) return fail(Error::bad_argument);
    const std::string_view digits = text.substr(at + kPinPrefix.size(), 64);
    const auto bytes = crypto::decode_hex(digits, pins_[pins_used_]);
    if (digits.size() != 64 || !bytes || bytes->size() != 32) return fail(Error::bad_argument);
    ++pins_used_;
  }
  return {};
}

Result<void> Trust::add_certificates(std::string_view text) {
  // mbedTLS wants the text with its zero.
  auto* copy = static_cast<unsigned char*>(std::malloc(text.size() + 1));
  if (copy == nullptr) return fail(Error::no_space);
  std::memcpy(copy, text.data(), text.size());
  copy[text.size()] = 0;
  const int refused = mbedtls_x509_crt_parse(&chain_, copy, text.size() + 1);
  std::free(copy);
  if (refused < 0) return fail(Error::bad_argument);
  roots_ = 0;
  for (const mbedtls_x509_crt* at = &chain_; at != nullptr && at->version != 0; at = at->next) ++roots_;
  return {};
}

Result<void> Trust::apply(mbedtls_ssl_config& config) {
  objection_.clear();
  chain_is_new_ = true;
  mbedtls_ssl_conf_authmode(&config, MBEDTLS_SSL_VERIFY_REQUIRED);
  if (is_empty()) {
#ifdef CONFIG_TERCET_TRUST_BUNDLE
    if (esp_crt_bundle_attach(&config) == ESP_OK) return {};
#endif
    return fail(Error::bad_argument);
  }
  // With pins alone the chain is an empty one, which ends no chain of the server's: look() has the last word.
  mbedtls_ssl_conf_ca_chain(&config, &from().chain_, nullptr);
  mbedtls_ssl_conf_verify(&config, &Trust::look, this);
  return {};
}

int Trust::look(void* self, mbedtls_x509_crt* certificate, int depth, std::uint32_t* flags) {
  return static_cast<Trust*>(self)->judge(*certificate, depth, *flags);
}

/// Called from the top of the chain down to the server's own certificate, depth 0.
int Trust::judge(const mbedtls_x509_crt& certificate, int depth, std::uint32_t& flags) {
  if (from().pins_used_ == 0) {
    const UnixMillis expiry = unix_time(certificate.valid_to);
    expiry_ = chain_is_new_ || !expiry_ ? expiry : std::min(*expiry_, expiry);
    chain_is_new_ = false;
    if (flags != 0 && objection_.empty()) object(certificate, flags);
    return 0;
  }
  flags = 0;
  if (depth != 0) return 0;
  const crypto::Digest key =
      crypto::hash(crypto::Algorithm::sha256, Bytes{certificate.pk_raw.p, certificate.pk_raw.len});
  for (std::size_t i = 0; i < from().pins_used_; ++i)
    if (crypto::equals(key.view(), from().pins_[i])) return 0;
  flags = MBEDTLS_X509_BADCERT_NOT_TRUSTED;
  object(certificate, flags);
  return 0;
}

void Trust::object(const mbedtls_x509_crt& certificate, std::uint32_t flags) {
  char subject[96] = "?", whole[160];
  mbedtls_x509_dn_gets(subject, sizeof subject, &certificate.subject);
  const mbedtls_x509_time* date = nullptr;
  const char* word = "";
  if ((flags & MBEDTLS_X509_BADCERT_EXPIRED) != 0) date = &certificate.valid_to, word = "until";
  if ((flags & MBEDTLS_X509_BADCERT_FUTURE) != 0) date = &certificate.valid_from, word = "from";
  if (date != nullptr)
    std::snprintf(whole, sizeof whole, "%s, valid %s %04d-%02d-%02d", subject, word, date->year, date->mon, date->day);
  else
    std::snprintf(whole, sizeof whole, "%s", subject);
  static_cast<void>(objection_.assign(whole));
}

}  // namespace tercet::idf
