#pragma once
#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "platform/store/stream_store.h"

namespace tercet::store {

struct MemoryOptions {
  Millis sync_delay{2};  ///< virtual time from a group's start to its completions
  std::size_t max_waiting_bytes = std::size_t{64} << 20;
};

/// The StreamStore's twin in memory, for tests and simulation: groups form, sync one at a time and complete as in
/// RocksStore, on the virtual time of the loop that began the first of them. One thread; loops outlive the store, or
/// are destroyed after close() or crash().
class MemoryStore final : public StreamStore {
 public:
  explicit MemoryStore(MemoryOptions options = {});
  ~MemoryStore() override;

  Result<void> submit(runtime::Loop& origin, Mutations mutations, runtime::Task on_durable) override;
  Result<std::string> get(Family family, std::string_view key) override;  ///< sees what is durable, as RocksStore
  Result<void> scan(Family family, std::string_view from, std::string_view to, Order order,
                    const Visit& visit) override;
  void close() override;  ///< what was submitted becomes durable now, its completions are posted
  Counters counters() const override { return counters_; }
  std::string failure() const override { return failure_; }

  /// The power goes: everything unsynced is lost and no completion of it runs. The store then stands as it would after
  /// a restart, also after close() or fail().
  void crash();
  /// The disk breaks: from now on nothing becomes durable.
  void fail(std::string why);

 private:
  using Table = std::map<std::string, std::string, std::less<>>;
  struct Submission {
    runtime::Loop* origin;
    Mutations mutations;
    runtime::Task on_durable;
  };
  void begin_sync(runtime::Loop& running);
  void end_sync();
  void apply(const Mutations& mutations);

  MemoryOptions options_;
  std::array<Table, kFamilies> tables_;
  std::vector<Submission> syncing_, gathering_;
  runtime::Timer synced_;
  runtime::Loop* syncing_on_ = nullptr;
  std::size_t waiting_bytes_ = 0;
  bool closed_ = false;
  Counters counters_;
  std::string failure_;
};

}  // namespace tercet::store
