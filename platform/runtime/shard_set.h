#pragma once
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "platform/runtime/epoll_loop.h"

namespace tercet::runtime {

/// The shards of a real process: a thread with an EpollLoop each. What lives on a shard is set up before start() or by
/// a posted task, and must outlive join(). The owner's thread calls everything but the loops' post().
class ShardSet final : public Shards {
 public:
  /// count: 1 to 64. Errors: io_failed, no descriptors left.
  static Result<std::unique_ptr<ShardSet>> open(std::size_t count, EpollLoop::Options options = {});
  ~ShardSet() override;  ///< stops and joins

  std::size_t count() const override { return loops_.size(); }
  EpollLoop& loop(std::size_t shard) override { return *loops_[shard]; }
  /// Starts the threads; they are called "shard-0" and so on in `top -H`.
  void start();
  /// Lets every loop end after its pass and waits for the threads. Again: nothing.
  void stop_and_join();

 private:
  ShardSet() = default;
  std::vector<std::unique_ptr<EpollLoop>> loops_;
  std::vector<std::thread> threads_;
};

/// Starts a thread that runs the loop under that name (at most 15 bytes). For the management loop.
std::thread run_in_thread(EpollLoop& loop, std::string name);

}  // namespace tercet::runtime
