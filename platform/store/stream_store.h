#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "platform/runtime/loop.h"
#include "tercet/base/bytes.h"
#include "tercet/base/result.h"

namespace tercet::store {

/// The kinds of thing that stream. Each is a key space of its own; keys are compared as bytes.
enum class Family : std::uint8_t {
  meta,     ///< format version and counters
  history,  ///< property, event and service records by device and time
  state,    ///< last values of a device
  queue,    ///< messages waiting for a session that is offline
  session,  ///< what a persistent session remembers
  forward,  ///< messages on their way to applications, and what rules remember of devices
};
inline constexpr std::size_t kFamilies = 6;

/// Changes that become durable together. Built by one shard, moved into submit().
class Mutations {
 public:
  void put(Family family, std::string_view key, std::string_view value);
  void erase(Family family, std::string_view key);
  void erase_range(Family family, std::string_view from, std::string_view to);  ///< [from, to)
  bool empty() const { return count_ == 0; }
  std::size_t count() const { return count_; }
  std::size_t bytes() const { return ops_.size(); }
  const std::string& ops() const { return ops_; }  ///< encoded; read back with each()
  void append(const Mutations& other);
  void clear() { ops_.clear(), count_ = 0; }

  struct Op {
    enum class Kind : std::uint8_t { put, erase, erase_range } kind;
    Family family;
    std::string_view key;
    std::string_view value;  ///< put: the value; erase_range: the end of the range
  };
  template <typename Visit>
  void each(Visit&& visit) const {
    std::string_view in = ops_;
    while (!in.empty()) visit(next(in));
  }

 private:
  static Op next(std::string_view& in);
  void add(Op::Kind kind, Family family, std::string_view key, std::string_view value);
  std::string ops_;
  std::size_t count_ = 0;
};

/// How much of a promise "durable" is.
enum class Durability : std::uint8_t {
  synced,  ///< on_durable runs after fdatasync of a group that holds the mutations (the default)
  memory,  ///< on_durable runs once the engine has them; a power cut may lose the last moments
};

/// What streams: history, last values, offline queues, session state. One writer thread commits what all shards submit,
/// as large a group at a time as has gathered (group commit). The disk one is RocksStore, the memory twin MemoryStore.
class StreamStore {
 public:
  virtual ~StreamStore() = default;

  /// Takes the mutations; on_durable runs later on `origin`, in the order of submission per origin. Any loop's thread.
  /// Errors: no_space, more than the configured bytes are waiting for the disk: refuse the message, say so, try later
  /// (when nothing waits, anything is taken);
  /// io_failed, a write has failed before; closed, after close(). The completion is then destroyed, not run.
  virtual Result<void> submit(runtime::Loop& origin, Mutations mutations, runtime::Task on_durable) = 0;

  /// Reads. Blocking and safe from any thread; shards call them only at start, everyone else hands them to a worker.
  virtual Result<std::string> get(Family family, std::string_view key) = 0;  ///< errors: not_found, io_failed
  enum class Order : std::uint8_t { ascending, descending };
  using Visit = std::function<bool(std::string_view key, std::string_view value)>;  ///< false stops
  /// Visits keys of [from, to) in order. Errors: io_failed.
  virtual Result<void> scan(Family family, std::string_view from, std::string_view to, Order order,
                            const Visit& visit) = 0;

  /// Waits until everything submitted is durable, then stops the writer. Called once, by the server's main thread.
  virtual void close() = 0;

  struct Counters {
    std::uint64_t commits = 0, mutations = 0, bytes = 0, sync_micros = 0;
  };
  virtual Counters counters() const = 0;
  /// "" while all is well. After a failed write: why; nothing is acknowledged from then on and submit gives io_failed.
  virtual std::string failure() const { return {}; }
};

}  // namespace tercet::store
