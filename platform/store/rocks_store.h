#pragma once
#include <chrono>
#include <filesystem>
#include <memory>

#include "platform/runtime/problem.h"
#include "platform/store/stream_store.h"

namespace rocksdb {
class Env;
}

namespace tercet::store {

struct RocksOptions {
  std::filesystem::path folder;
  Durability durability = Durability::synced;
  std::size_t max_waiting_bytes = std::size_t{64} << 20;  ///< submitted and not yet committed; beyond: no_space
  std::size_t max_group_bytes = std::size_t{512} << 10;   ///< one commit takes at most this much of what is waiting
  std::size_t cache_bytes = std::size_t{64} << 20;        ///< blocks read from disk
  std::size_t memtable_bytes = std::size_t{64} << 20;     ///< all families together; also bounds the log to replay
  bool accept_loss = false;     ///< opens a damaged log up to its damage; says in the process's log what it left out
  rocksdb::Env* env = nullptr;  ///< for tests; null = the machine's
};

/// The StreamStore on disk: RocksDB with one column family per Family and one writer thread. The writer takes all that
/// has been submitted, writes it as one batch, syncs, and posts the completions; while a sync runs the next group
/// gathers. Idle, a submission is committed at once.
/// After a failed write nothing more is acknowledged: completions are destroyed on their loop without being run, submit
/// gives io_failed, and failure() says why. The remedy is to mend the disk and start again.
class RocksStore final : public StreamStore {
 public:
  /// Problems: malformed (damaged: acknowledged data would be lost), unsupported (the folder was written by a newer
  /// version), no_space, io_failed; each with the file and the remedy. Of the first two the folder is left as it was.
  static runtime::Outcome<std::unique_ptr<RocksStore>> open(const RocksOptions& options);
  ~RocksStore() override;

  Result<void> submit(runtime::Loop& origin, Mutations mutations, runtime::Task on_durable) override;
  Result<std::string> get(Family family, std::string_view key) override;
  Result<void> scan(Family family, std::string_view from, std::string_view to, Order order,
                    const Visit& visit) override;
  void close() override;
  Counters counters() const override;
  std::string failure() const override;

  static constexpr int kFormatVersion = 1;

 private:
  class Engine;
  class Writer;
  RocksStore(std::unique_ptr<Engine> engine, std::unique_ptr<Writer> writer);
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Writer> writer_;
};

}  // namespace tercet::store
