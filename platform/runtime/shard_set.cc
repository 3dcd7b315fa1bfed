#include "platform/runtime/shard_set.h"

#include <pthread.h>

#include "tercet/base/check.h"

namespace tercet::runtime {

std::size_t Shards::home_of(std::string_view identity) const {
  std::uint64_t hash = 0xCBF29CE484222325ULL;  // FNV-1a, then mixed: its low bits alone are poor
  for (const char c : identity) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  hash = (hash ^ (hash >> 33)) * 0xFF51AFD7ED558CCDULL;
  return static_cast<std::size_t>((hash ^ (hash >> 33)) % count());
}

std::thread run_in_thread(EpollLoop& loop, std::string name) {
  std::thread thread([&loop] { loop.run(); });
  pthread_setname_np(thread.native_handle(), name.substr(0, 15).c_str());
  return thread;
}

Result<std::unique_ptr<ShardSet>> ShardSet::open(std::size_t count, EpollLoop::Options options) {
  TERCET_CHECK(count >= 1 && count <= 64);
  std::unique_ptr<ShardSet> set(new ShardSet);
  for (std::size_t i = 0; i < count; ++i) {
    auto loop = EpollLoop::open(options);
    if (!loop) return fail(loop.error());
    set->loops_.push_back(std::move(*loop));
  }
  return set;
}

ShardSet::~ShardSet() { stop_and_join(); }

void ShardSet::start() {
  TERCET_CHECK(threads_.empty());
  for (std::size_t i = 0; i < loops_.size(); ++i)
    threads_.push_back(run_in_thread(*loops_[i], "shard-" + std::to_string(i)));
}

void ShardSet::stop_and_join() {
  for (const auto& loop : loops_) loop->stop();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

}  // namespace tercet::runtime
