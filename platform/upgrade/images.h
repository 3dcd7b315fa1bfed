#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "platform/runtime/problem.h"
#include "tercet/base/bytes.h"
#include "tercet/crypto/digest.h"

namespace tercet::upgrade {

/// What an image that has been stored is.
struct ImageFacts {
  std::uint64_t bytes = 0;
  std::string md5, sha256;  ///< hexadecimal, lower case
};

/// One image on its way into the folder: written under a temporary name, its digests computed as it comes. Destroyed
/// before keep(), it leaves nothing behind.
class ImageWriter {
 public:
  ~ImageWriter();
  ImageWriter(const ImageWriter&) = delete;
  ImageWriter& operator=(const ImageWriter&) = delete;

  /// Problems: too_large; no_space, io_failed, with the remedy.
  runtime::Outcome<void> add(Bytes bytes);
  /// Synced and given its name: from now on it is there, also after a power cut. Called once. Problems as add().
  runtime::Outcome<ImageFacts> keep();

 private:
  friend class Images;
  ImageWriter(std::filesystem::path path, int file, std::uint64_t most)
      : path_(std::move(path)), file_(file), most_(most) {}
  std::filesystem::path temporary() const;
  std::filesystem::path path_;
  int file_;
  std::uint64_t most_, bytes_ = 0, synced_ = 0;
  crypto::Hash md5_{crypto::Algorithm::md5}, sha256_{crypto::Algorithm::sha256};
};

/// An image being read. Any part, any number of times; the file may be deleted meanwhile.
class ImageReader {
 public:
  ~ImageReader();
  ImageReader(const ImageReader&) = delete;
  ImageReader& operator=(const ImageReader&) = delete;
  std::uint64_t bytes() const { return bytes_; }
  /// Bytes read: all of `into`, or up to the end. 0 also when the disk does not give them.
  std::size_t read(std::uint64_t offset, MutableBytes into) const;

 private:
  friend class Images;
  ImageReader(int file, std::uint64_t bytes) : file_(file), bytes_(bytes) {}
  int file_;
  std::uint64_t bytes_;
};

/// A folder of firmware images. One thread. Calls block for a disk's time, never longer than a piece takes.
class Images {
 public:
  /// Makes the folder; removes what an upload that was interrupted has left. Problems: io_failed.
  static runtime::Outcome<Images> open(const std::filesystem::path& folder);

  /// name: letters, digits, `.`, `-`, `_`. most: bytes that it may have. Problems: bad_argument; io_failed, no_space.
  runtime::Outcome<std::unique_ptr<ImageWriter>> write(std::string_view name, std::uint64_t most) const;
  /// Null: there is none.
  std::shared_ptr<const ImageReader> read(std::string_view name) const;
  void remove(std::string_view name) const;

 private:
  explicit Images(std::filesystem::path folder) : folder_(std::move(folder)) {}
  std::filesystem::path folder_;
};

}  // namespace tercet::upgrade
