#pragma once
#include <array>
#include <memory>

#include "platform/store/rocks_store.h"
#include "rocksdb/db.h"
#include "rocksdb/write_batch.h"

namespace tercet::store {

/// The RocksDB side of RocksStore: options, families, format version, reads, and one write at a time.
class RocksStore::Engine {
 public:
  static runtime::Outcome<std::unique_ptr<Engine>> open(const RocksOptions& options);
  ~Engine();

  rocksdb::ColumnFamilyHandle* family(Family family) const { return families_[static_cast<std::size_t>(family)]; }
  void add(rocksdb::WriteBatch& batch, const Mutations& mutations) const;
  /// After the first failure do not call it again.
  rocksdb::Status write(rocksdb::WriteBatch& batch);
  Result<std::string> get(Family family, std::string_view key) const;
  Result<void> scan(Family family, std::string_view from, std::string_view to, Order order, const Visit& visit) const;

 private:
  Engine() = default;
  runtime::Outcome<void> open_database(const RocksOptions& options);
  runtime::Outcome<void> check_format();

  rocksdb::WriteOptions write_options_;
  bool broken_ = false;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;  // owned; also those of families we do not know
  std::array<rocksdb::ColumnFamilyHandle*, kFamilies> families_{};
};

}  // namespace tercet::store
