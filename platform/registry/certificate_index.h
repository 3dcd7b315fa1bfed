#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace tercet::registry {

/// Which device a certificate stands for, by the SHA-256 of its DER. Changed on the management thread, asked by logins
/// on any. Of a device that was deleted an entry may be left: its number is never another's.
class CertificateIndex {
 public:
  struct Bound {
    std::uint64_t device = 0;
    std::string product, name;
    bool revoked = false;
  };

  void put(std::string_view sha256, Bound bound);
  std::optional<Bound> find(std::string_view sha256) const;
  /// Whether there was ever a certificate, and clients are to be asked for theirs.
  bool in_use() const { return in_use_.load(std::memory_order_relaxed); }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  mutable std::shared_mutex lock_;
  std::unordered_map<std::string, Bound, Hash, std::equal_to<>> bound_;
  std::atomic<bool> in_use_{false};
};

}  // namespace tercet::registry
