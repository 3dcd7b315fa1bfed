#include "platform/store/dropping_env.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <vector>

namespace tercet::store {
namespace {

using rocksdb::IOStatus;
using rocksdb::Slice;

std::string tidy(const std::string& name) {
  std::string made;
  for (const char c : name)
    if (c != '/' || made.empty() || made.back() != '/') made += c;
  if (made.size() > 1 && made.back() == '/') made.pop_back();
  return made;
}

std::string parent(const std::string& name) {
  const auto slash = name.rfind('/');
  return slash == std::string::npos || slash == 0 ? "/" : name.substr(0, slash);
}

IOStatus missing(const std::string& name) { return IOStatus::NotFound(name, "no such file"); }

struct Inode {
  std::string bytes;
  std::size_t synced = 0;  // so many of them are on the disk
};
using Names = std::map<std::string, std::shared_ptr<Inode>>;

}  // namespace

struct DroppingFileSystem::State {
  mutable std::mutex mutex;
  std::set<std::string> folders;
  Names names;    // as programs see them
  Names durable;  // as they are on the disk
  std::set<std::string> locks;
  std::optional<IOStatus> broken;
  std::function<void(std::uint64_t)> watch;
  std::function<void(const std::string&)> watch_new;
  std::atomic<std::uint64_t> syncs{0};

  IOStatus check() const { return broken ? *broken : IOStatus::OK(); }
  /// Runs the watcher outside the lock: it looks at the disk.
  void begin_sync() {
    std::function<void(std::uint64_t)> watcher;
    {
      const std::lock_guard lock(mutex);
      watcher = watch;
    }
    const auto n = syncs.fetch_add(1);
    if (watcher) watcher(n);
  }
};

namespace {

using State = DroppingFileSystem::State;

IOStatus read_at(const std::string& bytes, std::uint64_t offset, std::size_t n, Slice* result, char* scratch) {
  const std::size_t from = std::min<std::size_t>(offset, bytes.size());
  const std::size_t count = std::min(n, bytes.size() - from);
  std::copy_n(bytes.data() + from, count, scratch);
  *result = Slice(scratch, count);
  return IOStatus::OK();
}

class SequentialFile final : public rocksdb::FSSequentialFile {
 public:
  SequentialFile(std::shared_ptr<State> state, std::shared_ptr<Inode> inode)
      : state_(std::move(state)), inode_(std::move(inode)) {}
  IOStatus Read(std::size_t n, const rocksdb::IOOptions&, Slice* result, char* scratch,
                rocksdb::IODebugContext*) override {
    const std::lock_guard lock(state_->mutex);
    auto read = read_at(inode_->bytes, at_, n, result, scratch);
    at_ += result->size();
    return read;
  }
  IOStatus Skip(std::uint64_t n) override {
    at_ += n;
    return IOStatus::OK();
  }

 private:
  std::shared_ptr<State> state_;
  std::shared_ptr<Inode> inode_;
  std::uint64_t at_ = 0;
};

class RandomAccessFile final : public rocksdb::FSRandomAccessFile {
 public:
  RandomAccessFile(std::shared_ptr<State> state, std::shared_ptr<Inode> inode)
      : state_(std::move(state)), inode_(std::move(inode)) {}
  IOStatus Read(std::uint64_t offset, std::size_t n, const rocksdb::IOOptions&, Slice* result, char* scratch,
                rocksdb::IODebugContext*) const override {
    const std::lock_guard lock(state_->mutex);
    return read_at(inode_->bytes, offset, n, result, scratch);
  }

 private:
  std::shared_ptr<State> state_;
  std::shared_ptr<Inode> inode_;
};

class WritableFile final : public rocksdb::FSWritableFile {
 public:
  WritableFile(std::shared_ptr<State> state, std::shared_ptr<Inode> inode)
      : state_(std::move(state)), inode_(std::move(inode)) {}
  using FSWritableFile::Append;
  IOStatus Append(const Slice& data, const rocksdb::IOOptions&, rocksdb::IODebugContext*) override {
    const std::lock_guard lock(state_->mutex);
    if (auto ok = state_->check(); !ok.ok()) return ok;
    inode_->bytes.append(data.data(), data.size());
    return IOStatus::OK();
  }
  IOStatus Truncate(std::uint64_t size, const rocksdb::IOOptions&, rocksdb::IODebugContext*) override {
    const std::lock_guard lock(state_->mutex);
    if (auto ok = state_->check(); !ok.ok()) return ok;
    inode_->bytes.resize(size);
    inode_->synced = std::min(inode_->synced, inode_->bytes.size());
    return IOStatus::OK();
  }
  IOStatus Close(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Flush(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Sync(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override {
    state_->begin_sync();
    const std::lock_guard lock(state_->mutex);
    if (auto ok = state_->check(); !ok.ok()) return ok;
    inode_->synced = inode_->bytes.size();
    return IOStatus::OK();
  }
  std::uint64_t GetFileSize(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override {
    const std::lock_guard lock(state_->mutex);
    return inode_->bytes.size();
  }

 private:
  std::shared_ptr<State> state_;
  std::shared_ptr<Inode> inode_;
};

class Folder final : public rocksdb::FSDirectory {
 public:
  Folder(std::shared_ptr<State> state, std::string name) : state_(std::move(state)), name_(std::move(name)) {}
  IOStatus Fsync(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override {
    state_->begin_sync();
    const std::lock_guard lock(state_->mutex);
    if (auto ok = state_->check(); !ok.ok()) return ok;
    std::erase_if(state_->durable, [this](const auto& entry) { return parent(entry.first) == name_; });
    for (const auto& [name, inode] : state_->names)
      if (parent(name) == name_) state_->durable[name] = inode;
    return IOStatus::OK();
  }

 private:
  std::shared_ptr<State> state_;
  std::string name_;
};

class Lock final : public rocksdb::FileLock {
 public:
  explicit Lock(std::string held) : name(std::move(held)) {}
  const std::string name;
};

class DroppingEnv final : public rocksdb::EnvWrapper {
 public:
  explicit DroppingEnv(std::unique_ptr<rocksdb::Env> inner) : EnvWrapper(inner.get()), inner_(std::move(inner)) {}
  const char* Name() const override { return "DroppingEnv"; }

 private:
  std::unique_ptr<rocksdb::Env> inner_;
};

}  // namespace

DroppingFileSystem::DroppingFileSystem(Disk disk) : state_(std::make_shared<State>()) {
  state_->folders = std::move(disk.folders);
  state_->folders.insert("/");
  for (auto& [name, bytes] : disk.files) {
    const std::size_t size = bytes.size();
    state_->names[name] = std::make_shared<Inode>(Inode{std::move(bytes), size});
  }
  state_->durable = state_->names;
}

DroppingFileSystem::~DroppingFileSystem() = default;

DroppingFileSystem::Disk DroppingFileSystem::after_power_cut(std::size_t torn_bytes) const {
  const std::lock_guard lock(state_->mutex);
  Disk disk{state_->folders, {}};
  for (const auto& [name, inode] : state_->durable)
    disk.files[name] = inode->bytes.substr(0, std::min(inode->bytes.size(), inode->synced + torn_bytes));
  return disk;
}

void DroppingFileSystem::on_sync(std::function<void(std::uint64_t)> watch) {
  const std::lock_guard lock(state_->mutex);
  state_->watch = std::move(watch);
}

void DroppingFileSystem::on_create(std::function<void(const std::string& name)> watch) {
  const std::lock_guard lock(state_->mutex);
  state_->watch_new = std::move(watch);
}

std::uint64_t DroppingFileSystem::syncs() const { return state_->syncs.load(); }

void DroppingFileSystem::fail_writes(IOStatus why) {
  const std::lock_guard lock(state_->mutex);
  state_->broken = std::move(why);
}

IOStatus DroppingFileSystem::NewSequentialFile(const std::string& name, const rocksdb::FileOptions&,
                                               std::unique_ptr<rocksdb::FSSequentialFile>* file, Debug*) {
  const std::lock_guard lock(state_->mutex);
  const auto at = state_->names.find(tidy(name));
  if (at == state_->names.end()) return missing(name);
  *file = std::make_unique<SequentialFile>(state_, at->second);
  return IOStatus::OK();
}

IOStatus DroppingFileSystem::NewRandomAccessFile(const std::string& name, const rocksdb::FileOptions&,
                                                 std::unique_ptr<rocksdb::FSRandomAccessFile>* file, Debug*) {
  const std::lock_guard lock(state_->mutex);
  const auto at = state_->names.find(tidy(name));
  if (at == state_->names.end()) return missing(name);
  *file = std::make_unique<RandomAccessFile>(state_, at->second);
  return IOStatus::OK();
}

IOStatus DroppingFileSystem::NewWritableFile(const std::string& name, const rocksdb::FileOptions&,
                                             std::unique_ptr<rocksdb::FSWritableFile>* file, Debug*) {
  std::function<void(const std::string&)> watcher;
  {
    const std::lock_guard lock(state_->mutex);
    watcher = state_->watch_new;
  }
  if (watcher) watcher(name);
  const std::lock_guard lock(state_->mutex);
  if (auto ok = state_->check(); !ok.ok()) return ok;
  if (!state_->folders.contains(parent(tidy(name)))) return IOStatus::PathNotFound(name);
  auto& inode = state_->names[tidy(name)];
  inode = std::make_shared<Inode>();  // not the old one emptied: that may still be on the disk under this name
  *file = std::make_unique<WritableFile>(state_, inode);
  return IOStatus::OK();
}

IOStatus DroppingFileSystem::ReopenWritableFile(const std::string& name, const rocksdb::FileOptions&,
                                                std::unique_ptr<rocksdb::FSWritableFile>* file, Debug*) {
  const std::lock_guard lock(state_->mutex);
  if (auto ok = state_->check(); !ok.ok()) return ok;
  auto& inode = state_->names[tidy(name)];
  if (inode == nullptr) inode = std::make_shared<Inode>();
  *file = std::make_unique<WritableFile>(state_, inode);
  return IOStatus::OK();
}

IOStatus DroppingFileSystem::NewDirectory(const std::string& name, const Options&,
                                          std::unique_ptr<rocksdb::FSDirectory>* folder, Debug*) {
  const std::lock_guard lock(state_->mutex);
  if (!state_->folders.contains(tidy(name))) return IOStatus::PathNotFound(name);
  *folder = std::make_unique<Folder>(state_, tidy(name));
  return IOStatus::OK();
}

IOStatus DroppingFileSystem::FileExists(const std::string& name, const Options&, Debug*) {
  const std::lock_guard lock(state_->mutex);
  const std::string tidied = tidy(name);
  return state_->names.contains(tidied) || state_->folders.contains(tidied) ? IOStatus::OK() : missing(name);
}

IOStatus DroppingFileSystem::GetChildren(const std::string& folder, const Options&, std::vector<std::string>* names,
                                         Debug*) {
  const std::lock_guard lock(state_->mutex);
  const std::string tidied = tidy(folder);
  if (!state_->folders.contains(tidied)) return missing(folder);
  names->clear();
  for (const auto& [name, inode] : state_->names)
    if (parent(name) == tidied) names->push_back(name.substr(name.rfind('/') + 1));
  return IOStatus::OK();
}

IOStatus DroppingFileSystem::DeleteFile(const std::string& name, const Options&, Debug*) {
  const std::lock_guard lock(state_->mutex);
  return state_->names.erase(tidy(name)) == 1 ? IOStatus::OK() : missing(name);
}

IOStatus DroppingFileSystem::CreateDir(const std::string& name, const Options&, Debug*) {
  const std::lock_guard lock(state_->mutex);
  return state_->folders.insert(tidy(name)).second ? IOStatus::OK() : IOStatus::IOError(name, "exists");
}

IOStatus DroppingFileSystem::CreateDirIfMissing(const std::string& name, const Options&, Debug*) {
  const std::lock_guard lock(state_->mutex);
  state_->folders.insert(tidy(name));
  return IOStatus::OK();
}

IOStatus DroppingFileSystem::DeleteDir(const std::string& name, const Options&, Debug*) {
  const std::lock_guard lock(state_->mutex);
  return state_->folders.erase(tidy(name)) == 1 ? IOStatus::OK() : missing(name);
}

IOStatus DroppingFileSystem::GetFileSize(const std::string& name, const Options&, std::uint64_t* size, Debug*) {
  const std::lock_guard lock(state_->mutex);
  const auto at = state_->names.find(tidy(name));
  if (at == state_->names.end()) return missing(name);
  *size = at->second->bytes.size();
  return IOStatus::OK();
}

IOStatus DroppingFileSystem::GetFileModificationTime(const std::string&, const Options&, std::uint64_t* time, Debug*) {
  *time = 0;
  return IOStatus::OK();
}

IOStatus DroppingFileSystem::RenameFile(const std::string& from, const std::string& to, const Options&, Debug*) {
  const std::lock_guard lock(state_->mutex);
  if (auto ok = state_->check(); !ok.ok()) return ok;
  const auto at = state_->names.find(tidy(from));
  if (at == state_->names.end()) return missing(from);
  const auto inode = at->second;
  state_->names.erase(at);
  state_->names[tidy(to)] = inode;
  return IOStatus::OK();
}

IOStatus DroppingFileSystem::LockFile(const std::string& name, const Options&, rocksdb::FileLock** lock, Debug*) {
  const std::lock_guard guard(state_->mutex);
  if (!state_->locks.insert(tidy(name)).second) return IOStatus::IOError(name, "lock is held");
  *lock = new Lock(tidy(name));
  return IOStatus::OK();
}

IOStatus DroppingFileSystem::UnlockFile(rocksdb::FileLock* lock, const Options&, Debug*) {
  const std::lock_guard guard(state_->mutex);
  const std::unique_ptr<Lock> owned(static_cast<Lock*>(lock));
  state_->locks.erase(owned->name);
  return IOStatus::OK();
}

IOStatus DroppingFileSystem::GetTestDirectory(const Options&, std::string* name, Debug*) {
  *name = "/test";
  return IOStatus::OK();
}

IOStatus DroppingFileSystem::GetAbsolutePath(const std::string& name, const Options&, std::string* absolute, Debug*) {
  *absolute = name.starts_with('/') ? name : "/" + name;
  return IOStatus::OK();
}

IOStatus DroppingFileSystem::IsDirectory(const std::string& name, const Options&, bool* is, Debug*) {
  const std::lock_guard lock(state_->mutex);
  *is = state_->folders.contains(tidy(name));
  return IOStatus::OK();
}

std::unique_ptr<rocksdb::Env> make_dropping_env(const std::shared_ptr<DroppingFileSystem>& files) {
  return std::make_unique<DroppingEnv>(rocksdb::NewCompositeEnv(files));
}

}  // namespace tercet::store
