#pragma once
#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "platform/runtime/problem.h"
#include "tercet/base/bytes.h"
#include "tercet/base/result.h"

namespace tercet::registry {

/// Encrypts secrets at rest: AES-256-GCM under the master key, a fresh random nonce per value, bound to the row it
/// belongs to (associated data), so that a secret copied to another row does not open. Management thread.
/// A sealed value is: version 1, nonce (12), ciphertext, tag (16).
class SecretBox {
 public:
  static constexpr std::size_t kKeyBytes = 32;
  using Key = std::array<std::uint8_t, kKeyBytes>;

  explicit SecretBox(const Key& key) : key_(key) {}
  SecretBox(const SecretBox&) = default;
  SecretBox& operator=(const SecretBox&) = default;
  ~SecretBox();

  /// The key of the environment variable TERCET_MASTER_KEY (64 hex digits) when it is set, else of the file, which must
  /// be the caller's own and 0600. Problems: not_found, denied (permissions), malformed; each with its remedy.
  static runtime::Outcome<SecretBox> from_environment_or(const std::filesystem::path& file);
  static runtime::Outcome<SecretBox> from_file(const std::filesystem::path& file);
  static runtime::Outcome<SecretBox> from_hex(std::string_view hex);
  /// Makes a new key file, 0600, synced. Problems: already_exists, io_failed.
  static runtime::Outcome<void> create_file(const std::filesystem::path& file);

  std::string seal(std::string_view plain, std::string_view belongs_to) const;
  /// For golden tests: a nonce must never be used twice under a key.
  std::string seal_with_nonce(std::string_view plain, std::string_view belongs_to,
                              const std::array<std::uint8_t, 12>& nonce) const;
  /// Errors: unsupported (a newer version of the format), unauthenticated (damaged, another row's, another key's).
  Result<std::string> open(std::string_view sealed, std::string_view belongs_to) const;

 private:
  Key key_;
};

}  // namespace tercet::registry
