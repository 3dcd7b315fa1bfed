#pragma once
#include <string>

#include "tercet/device/port.h"

namespace tercet::posix {

/// The whole file. Errors: not_found; denied; too_large, over `limit`; io_failed.
Result<std::string> read_file(const std::string& path, std::size_t limit = 1 << 20);
/// Whether group or others may read the file. Errors: not_found, io_failed.
Result<bool> is_readable_by_others(const std::string& path);

/// One file per key in one directory, mode 0600. A write goes to a new file that replaces the old one after it is on
/// disk, so a power cut leaves the old value or the new one.
class FileStore final : public device::KeyValueStore {
 public:
  /// Makes the directory (0700) at the first write.
  explicit FileStore(std::string directory) : directory_(std::move(directory)) {}
  Result<std::size_t> get(std::string_view key, MutableBytes into) override;
  Result<void> set(std::string_view key, Bytes value) override;
  Result<void> remove(std::string_view key) override;

 private:
  std::string path_of(std::string_view key) const;
  std::string directory_;
};

}  // namespace tercet::posix
