#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "platform/runtime/pki.h"

namespace tercet::registry {

/// Which device a certificate stands for. A certificate is known by the SHA-256 of its DER, or, when an authority that
/// was uploaded has signed it, by that authority and its serial number. Changed on the management thread, asked by
/// logins on any. Of a device that was deleted an entry may be left: its number is never another's.
class CertificateIndex {
 public:
  struct Bound {
    std::uint64_t device = 0;
    std::string product, name;
    bool revoked = false;
    std::optional<UnixMillis> authority_ends{};  ///< of one that is known by its authority
  };

  /// What a certificate of an authority is kept under; the serial number as normal_serial() writes it.
  static std::string key_of(std::string_view authority_sha256, std::string_view serial);

  /// key: the certificate's SHA-256, or key_of().
  void put(std::string_view key, Bound bound);
  std::optional<Bound> find(std::string_view key) const;
  /// By its SHA-256; else by who has signed it, which is looked at here.
  std::optional<Bound> find(const runtime::PeerCertificate& shown) const;

  void put_authority(runtime::SigningAuthority authority);
  void drop_authority(std::string_view sha256);

  /// Whether there was ever a certificate or an authority, and clients are to be asked for theirs.
  bool in_use() const { return in_use_.load(std::memory_order_relaxed); }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  mutable std::shared_mutex lock_;
  std::unordered_map<std::string, Bound, Hash, std::equal_to<>> bound_;
  std::vector<runtime::SigningAuthority> authorities_;
  std::atomic<bool> in_use_{false};
};

/// A serial number as certificates' facts have it, upper-case hexadecimal in whole bytes, out of what people paste:
/// colons, blanks, "0x" and small letters. Nothing: it is none of 1 to 20 bytes.
std::optional<std::string> normal_serial(std::string_view text);

}  // namespace tercet::registry
