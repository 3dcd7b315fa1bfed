#pragma once
#include <memory>
#include <string>

#include "tercet/device/port.h"

namespace tercet::posix {

/// A file that behaves as NOR flash: 4 KB sectors, erased bytes are 0xFF, programming only clears bits. On disk before
/// a call returns. For machines with files; where there is real flash (MTD) it is better used directly.
class FileFlash final : public device::Flash {
 public:
  static constexpr std::uint32_t kSectorBytes = 4096;

  /// Makes the file (0600, erased) and its directory (0700) where they are missing; one that is longer stays as long.
  /// Held by one process at a time. Errors: bad_argument, fewer than 2 sectors; would_block, another process holds it;
  /// denied, no_space, io_failed.
  static Result<std::unique_ptr<FileFlash>> open(const std::string& path, std::uint32_t sectors);
  ~FileFlash() override;
  FileFlash(const FileFlash&) = delete;
  FileFlash& operator=(const FileFlash&) = delete;

  Geometry geometry() const override { return {sectors_, kSectorBytes, 4}; }
  Result<void> read(std::uint32_t at, MutableBytes into) override;
  Result<void> program(std::uint32_t at, Bytes bytes) override;
  Result<void> erase(std::uint32_t sector) override;

 private:
  FileFlash(int file, std::uint32_t sectors) : file_(file), sectors_(sectors) {}
  bool has(std::uint32_t at, std::size_t size) const;
  int file_;
  std::uint32_t sectors_;
};

}  // namespace tercet::posix
