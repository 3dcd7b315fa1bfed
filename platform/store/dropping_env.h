#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "rocksdb/env.h"
#include "rocksdb/file_system.h"

namespace tercet::store {

/// A file system in memory for tests, as unkind as a disk may be: bytes survive a power cut only after a sync of their
/// file, names (made, renamed, removed) only after a sync of their directory.
class DroppingFileSystem final : public rocksdb::FileSystem {
 public:
  /// What would be on the disk after a power cut: directories, and files with their contents.
  struct Disk {
    std::set<std::string> folders;
    std::map<std::string, std::string> files;
  };
  explicit DroppingFileSystem(Disk disk = {});
  ~DroppingFileSystem() override;

  /// What a power cut now would leave. `torn_bytes` of what was appended to a file after its last sync survive too.
  Disk after_power_cut(std::size_t torn_bytes = 0) const;
  /// Called at the beginning of the n-th sync (0, 1, ...), on the thread that syncs, before it takes effect.
  void on_sync(std::function<void(std::uint64_t n)> watch);
  /// Called when a file is made, on the thread that makes it, before it is there.
  void on_create(std::function<void(const std::string& name)> watch);
  std::uint64_t syncs() const;
  /// From now on every write and sync fails with this.
  void fail_writes(rocksdb::IOStatus why);

  const char* Name() const override { return "DroppingFileSystem"; }
  using Options = rocksdb::IOOptions;
  using Debug = rocksdb::IODebugContext;
  rocksdb::IOStatus NewSequentialFile(const std::string& name, const rocksdb::FileOptions&,
                                      std::unique_ptr<rocksdb::FSSequentialFile>* file, Debug*) override;
  rocksdb::IOStatus NewRandomAccessFile(const std::string& name, const rocksdb::FileOptions&,
                                        std::unique_ptr<rocksdb::FSRandomAccessFile>* file, Debug*) override;
  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions&,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file, Debug*) override;
  rocksdb::IOStatus ReopenWritableFile(const std::string& name, const rocksdb::FileOptions&,
                                       std::unique_ptr<rocksdb::FSWritableFile>* file, Debug*) override;
  rocksdb::IOStatus NewDirectory(const std::string& name, const Options&, std::unique_ptr<rocksdb::FSDirectory>* folder,
                                 Debug*) override;
  rocksdb::IOStatus FileExists(const std::string& name, const Options&, Debug*) override;
  rocksdb::IOStatus GetChildren(const std::string& folder, const Options&, std::vector<std::string>* names,
                                Debug*) override;
  rocksdb::IOStatus DeleteFile(const std::string& name, const Options&, Debug*) override;
  rocksdb::IOStatus CreateDir(const std::string& name, const Options&, Debug*) override;
  rocksdb::IOStatus CreateDirIfMissing(const std::string& name, const Options&, Debug*) override;
  rocksdb::IOStatus DeleteDir(const std::string& name, const Options&, Debug*) override;
  rocksdb::IOStatus GetFileSize(const std::string& name, const Options&, std::uint64_t* size, Debug*) override;
  rocksdb::IOStatus GetFileModificationTime(const std::string& name, const Options&, std::uint64_t* time,
                                            Debug*) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to, const Options&, Debug*) override;
  rocksdb::IOStatus LockFile(const std::string& name, const Options&, rocksdb::FileLock** lock, Debug*) override;
  rocksdb::IOStatus UnlockFile(rocksdb::FileLock* lock, const Options&, Debug*) override;
  rocksdb::IOStatus GetTestDirectory(const Options&, std::string* name, Debug*) override;
  rocksdb::IOStatus GetAbsolutePath(const std::string& name, const Options&, std::string* absolute, Debug*) override;
  rocksdb::IOStatus IsDirectory(const std::string& name, const Options&, bool* is, Debug*) override;

  struct State;

 private:
  std::shared_ptr<State> state_;  // shared with the open files
};

/// An Env of the machine's threads and clock over the given file system.
std::unique_ptr<rocksdb::Env> make_dropping_env(const std::shared_ptr<DroppingFileSystem>& files);

}  // namespace tercet::store
