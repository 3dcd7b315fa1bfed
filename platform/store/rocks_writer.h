#pragma once
#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "platform/store/rocks_engine.h"

namespace tercet::store {

/// The one thread that writes. States: running -> closing -> closed, or running -> failed -> closed.
class RocksStore::Writer {
 public:
  Writer(Engine& engine, const RocksOptions& options);
  ~Writer();

  Result<void> submit(runtime::Loop& origin, Mutations mutations, runtime::Task on_durable);
  void close();
  Counters counters() const;
  std::string failure() const;

 private:
  struct Submission {
    runtime::Loop* origin;
    Mutations mutations;
    runtime::Task on_durable;
  };
  /// Completions of one loop on their way to it. Shared with the posted task, so that a refused post loses nothing.
  struct Delivery {
    runtime::Loop* origin;
    std::shared_ptr<std::vector<runtime::Task>> tasks;
    bool run;  ///< false: the write failed, they are only destroyed
  };

  void work();
  bool take(std::vector<Submission>& group);
  void commit(std::vector<Submission>& group);
  void address(std::vector<Submission>& group, bool durable);
  void deliver();

  Engine& engine_;
  const std::size_t max_waiting_bytes_, max_group_bytes_;

  mutable std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Submission> waiting_;  // guarded by mutex_
  std::size_t waiting_bytes_ = 0;   // guarded; includes the group being written
  bool idle_ = false;               // guarded: the writer sleeps and wants to be woken
  bool closing_ = false;            // guarded
  std::string failure_;             // guarded

  std::deque<Delivery> deliveries_;  // writer's thread only
  rocksdb::WriteBatch batch_;        // writer's thread only
  std::atomic<std::uint64_t> commits_{0}, mutations_{0}, bytes_{0}, sync_micros_{0};
  std::thread thread_;
};

}  // namespace tercet::store
