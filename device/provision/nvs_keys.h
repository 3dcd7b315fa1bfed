#pragma once
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "provision/nvs_format.h"
#include "tercet/base/result.h"

namespace tercet::provision {

/// The two AES-256 keys of an encrypted NVS partition: for the data, then for the tweak. Wiped when they go out of
/// scope.
class NvsKeys {
 public:
  static constexpr std::size_t kBytes = 64;

  /// From 64 random bytes. Errors: bad_argument, both halves alike, which XTS does not allow; take new bytes.
  static Result<NvsKeys> from(Bytes random);
  /// From the image of an NVS key partition (keys, checksum, blank to its end). Errors: malformed, `problem` says why.
  static Result<NvsKeys> parse(Bytes partition, std::string& problem);
  NvsKeys(const NvsKeys&) = default;
  NvsKeys& operator=(const NvsKeys&) = default;
  ~NvsKeys();

  /// The image of the key partition: 4,096 bytes. Secret.
  std::vector<std::uint8_t> partition() const;
  Bytes bytes() const { return bytes_; }

 private:
  NvsKeys() = default;
  std::array<std::uint8_t, kBytes> bytes_{};
};

/// XTS-AES-256 as NVS uses it: an entry is one data unit, its number is where it begins in the partition. OpenSSL's
/// types stay in the source file.
class NvsCipher {
 public:
  explicit NvsCipher(const NvsKeys& keys);
  NvsCipher(NvsCipher&&) noexcept;
  ~NvsCipher();

  void encrypt(std::size_t offset, Entry& entry);
  void decrypt(std::size_t offset, Entry& entry);

 private:
  struct Contexts;
  std::unique_ptr<Contexts> contexts_;
};

}  // namespace tercet::provision
