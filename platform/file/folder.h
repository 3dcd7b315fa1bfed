#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>

#include "platform/runtime/problem.h"
#include "tercet/base/bytes.h"

namespace tercet::file {

/// A file being read. Any part, any number of times; the file may be deleted meanwhile.
class Reader {
 public:
  ~Reader();
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  std::uint64_t bytes() const { return bytes_; }
  /// Bytes read: all of `into`, or up to the end. 0 also when the disk does not give them.
  std::size_t read(std::uint64_t offset, MutableBytes into) const;

 private:
  friend class Folder;
  Reader(int file, std::uint64_t bytes) : file_(file), bytes_(bytes) {}
  int file_;
  std::uint64_t bytes_;
};

/// The bytes of files by number: `7.part` while it grows, `7` once it is whole. One thread. Calls block for a disk's
/// time.
class Folder {
 public:
  /// Makes the folder. Problems: io_failed.
  static runtime::Outcome<Folder> open(const std::filesystem::path& folder);

  /// Writes at `offset`, which is where a growing file ends; what stands behind is cut off. The first one makes it.
  /// Not synced: after a power cut the file may be shorter, never wrong. Problems: no_space, io_failed, with the
  /// remedy.
  runtime::Outcome<void> write(std::uint64_t number, std::uint64_t offset, Bytes bytes) const;
  /// Synced and given its name: from now on it is there, also after a power cut. Problems as write().
  runtime::Outcome<void> keep(std::uint64_t number) const;
  /// Bytes of a growing file; nothing when there is none.
  std::optional<std::uint64_t> growing(std::uint64_t number) const;
  /// Null: there is none. `is_growing`: the one that is not whole yet.
  std::shared_ptr<const Reader> read(std::uint64_t number, bool is_growing = false) const;
  /// Whole or not.
  void remove(std::uint64_t number) const;
  /// Removes what no number of these has.
  void keep_only(const std::set<std::uint64_t>& numbers) const;

 private:
  explicit Folder(std::filesystem::path folder) : folder_(std::move(folder)) {}
  std::filesystem::path whole(std::uint64_t number) const { return folder_ / std::to_string(number); }
  std::filesystem::path part(std::uint64_t number) const { return folder_ / (std::to_string(number) + ".part"); }
  std::filesystem::path folder_;
};

}  // namespace tercet::file
