#pragma once
#include <filesystem>
#include <memory>
#include <string>

#include "platform/registry/secret_box.h"
#include "platform/runtime/problem.h"

namespace tercet::server {

/// The data directory: made 0700 at the first start, locked while a server uses it.
///   master.key  registry.db  journal.db  ota.db  ota/ (images)  files.db  files/ (of devices)  stream/ (RocksDB)  pki/
///   (CA and server certificates) lock
class DataDir {
 public:
  /// Problems: io_failed, already_exists (another server uses it), malformed (the registry is gone), each with its
  /// remedy.
  static runtime::Outcome<std::unique_ptr<DataDir>> open(const std::string& path);
  ~DataDir();
  DataDir(const DataDir&) = delete;
  DataDir& operator=(const DataDir&) = delete;

  std::filesystem::path file(const char* name) const { return path_ / name; }
  /// Whether this is the first start: nothing has been stored here yet.
  bool is_new() const { return is_new_; }
  /// The master key: the environment's, the file's, or at the first start a new file.
  runtime::Outcome<registry::SecretBox> master_key() const;

 private:
  DataDir(std::filesystem::path path, int lock, bool is_new) : path_(std::move(path)), lock_(lock), is_new_(is_new) {}
  std::filesystem::path path_;
  int lock_;
  bool is_new_;
};

}  // namespace tercet::server
