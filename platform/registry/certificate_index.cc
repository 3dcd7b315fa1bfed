#include "platform/registry/certificate_index.h"

#include <mutex>
#include <utility>

namespace tercet::registry {
namespace {

constexpr std::size_t kMostSerial = 40;  // digits: RFC 5280, 4.1.2.2

}  // namespace

std::string CertificateIndex::key_of(std::string_view authority_sha256, std::string_view serial) {
  return std::string(authority_sha256).append("/").append(serial);
}

void CertificateIndex::put(std::string_view key, Bound bound) {
  const std::unique_lock held(lock_);
  bound_.insert_or_assign(std::string(key), std::move(bound));
  in_use_.store(true, std::memory_order_relaxed);
}

std::optional<CertificateIndex::Bound> CertificateIndex::find(std::string_view key) const {
  const std::shared_lock held(lock_);
  const auto found = bound_.find(key);
  if (found == bound_.end()) return std::nullopt;
  return found->second;
}

std::optional<CertificateIndex::Bound> CertificateIndex::find(const runtime::PeerCertificate& shown) const {
  if (auto known = find(shown.sha256)) return known;
  const std::shared_lock held(lock_);
  for (const runtime::SigningAuthority& one : authorities_) {
    const auto found = bound_.find(key_of(one.facts().sha256, shown.serial));
    if (found == bound_.end() || !one.has_signed(shown)) continue;
    Bound bound = found->second;
    bound.authority_ends = one.facts().not_after;
    return bound;
  }
  return std::nullopt;
}

void CertificateIndex::put_authority(runtime::SigningAuthority authority) {
  const std::unique_lock held(lock_);
  authorities_.push_back(std::move(authority));
  in_use_.store(true, std::memory_order_relaxed);
}

void CertificateIndex::drop_authority(std::string_view sha256) {
  const std::unique_lock held(lock_);
  std::erase_if(authorities_, [sha256](const runtime::SigningAuthority& one) { return one.facts().sha256 == sha256; });
}

std::optional<std::string> normal_serial(std::string_view text) {
  if (text.starts_with("0x") || text.starts_with("0X")) text.remove_prefix(2);
  std::string digits;
  for (const char c : text) {
    if (c == ':' || c == ' ') continue;
    if (c >= '0' && c <= '9')
      digits += c;
    else if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))
      digits += static_cast<char>(c & ~0x20);
    else
      return std::nullopt;
  }
  digits.erase(0, digits.find_first_not_of('0'));
  if (digits.size() % 2 != 0) digits.insert(digits.begin(), '0');
  if (digits.empty() || digits.size() > kMostSerial) return std::nullopt;
  return digits;
}

}  // namespace tercet::registry
