#pragma once
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "platform/runtime/epoll_loop.h"
#include "platform/server/shard.h"
#include "platform/store/dropping_env.h"
#include "platform/store/rocks_store.h"
#include "tests/durability/posts.h"

namespace tercet::durability {

/// A machine from power-on to power cut: one shard of the real platform (broker, authenticator, things) on a real loop
/// and socket, over the RocksDB store on a disk that keeps only what was synced. Runs in the thread that made it; every
/// sync of the store's own threads waits at its beginning until that thread has let it pass, so that what the platform
/// says before a sync, and what it says after it, are known.
class Machine final : private registry::LoginEvents, private broker::Journal, private runtime::Shards {
 public:
  using Disk = store::DroppingFileSystem::Disk;
  /// The power goes at the beginning of that sync, counted from power-on, which never takes effect; so many unsynced
  /// bytes of each file reach the disk all the same.
  struct Cut {
    std::uint64_t sync = 0;
    std::size_t torn_bytes = 0;
  };
  Machine(const Disk& disk, std::optional<Cut> cut, int boards);
  ~Machine();

  /// Opens the store, restores the platform and listens. False when the power went meanwhile. A store that does not
  /// open, or a platform that does not start, fails the test.
  bool start();
  const runtime::Address& address() const { return address_; }
  runtime::EpollLoop& loop() { return *loop_; }

  /// One pass of the loop, waiting for something to do. Gives whether a sync is at its beginning: run idle passes until
  /// nothing moves any more, then let_syncs_pass().
  bool run_once();
  void run_idle() { loop_->run_once(Millis{0}); }
  /// The syncs that wait take effect, unless the power goes at one of them.
  void let_syncs_pass();

  /// The power goes now.
  void pull_plug();
  bool is_cut() const { return left_.has_value(); }
  const Disk& left() const { return *left_; }  ///< what is on the disk after the cut
  std::size_t refusals() const { return refusals_; }

  /// What the store and the things hold of a board, as queries see it. Before boards log in.
  Held held(int board);
  std::string failure() const { return store_->failure(); }

 private:
  // runtime::Shards
  std::size_t count() const override { return 1; }
  runtime::Loop& loop(std::size_t) override { return *loop_; }
  void on_first_login(std::uint64_t, UnixMillis) override {}
  void on_login(std::uint64_t, UnixMillis, const runtime::Address&) override {}
  void record(broker::Refusal) override { ++refusals_; }

  void on_sync(std::uint64_t number);
  void open_gate();

  const std::optional<Cut> cut_;
  const std::thread::id main_ = std::this_thread::get_id();
  std::shared_ptr<store::DroppingFileSystem> files_;
  std::unique_ptr<rocksdb::Env> env_;
  std::optional<Disk> left_;
  std::size_t refusals_ = 0;
  runtime::Address address_;

  std::mutex mutex_;
  std::condition_variable passed_;
  std::set<std::uint64_t> waiting_;  // syncs at their beginning
  bool gate_open_ = false;           // the machine is being torn down: nothing counts any more

  std::unique_ptr<runtime::EpollLoop> loop_;
  std::unique_ptr<store::RocksStore> store_;
  broker::BrokerConfig config_;
  registry::Directory directory_;
  std::unique_ptr<broker::ShardBrokers> brokers_;
  std::unique_ptr<server::Shard> shard_;
};

}  // namespace tercet::durability
