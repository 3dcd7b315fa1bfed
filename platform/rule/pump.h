#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "platform/rule/sink.h"
#include "platform/runtime/loop.h"
#include "platform/store/stream_store.h"

namespace tercet::rule {

/// How patient a destination is.
struct PumpSettings {
  std::uint32_t per_second = 0;  ///< records a second at most; 0: as fast as it goes
  Millis first_pause{1'000};     ///< after a failure; doubled each time, with jitter
  Millis longest_pause{60'000};
  std::uint32_t failures_to_open = 5;  ///< in a row, then the circuit is open: one record at a time is tried
  Millis give_up_after{std::chrono::hours{24 * 7}};  ///< a record older than that becomes a dead letter instead
  std::uint64_t max_dead = 10'000;                   ///< dead letters kept; the oldest go
};

struct PumpState {
  enum class Status : std::uint8_t {
    idle,  ///< nothing waits
    sending,
    pausing,  ///< the last try failed
    open      ///< the circuit: several have
  } status = Status::idle;
  std::uint64_t sent = 0, dead = 0, failures = 0;
  std::uint32_t failures_in_row = 0;
  std::int64_t oldest = 0;  ///< time of the record at the front, milliseconds since 1970; 0: none waits
  std::string cause;        ///< of the last failure; "" after a success
};
std::string_view name(PumpState::Status status);  ///< "idle", "sending", "pausing", "open"

/// Carries a destination's queue from the store to its sink, a batch at a time: what the sink has taken is erased, what
/// it rejects becomes a dead letter, what fails is tried again after a pause. Order within a shard is kept: nothing
/// overtakes a record that is being tried again. After a crash what was not erased is sent again.
///
///   idle -wake-> sending -taken-> sending ... -nothing left-> idle
///                sending -retry-> pausing -time-> sending      (open after several; closed by a success)
///
/// On its own loop, which runs nothing else that must not wait: a sink may block.
class Pump {
 public:
  /// drained: records of a shard have left the queue; called on this loop.
  using Drained = std::function<void(std::uint16_t shard, std::uint64_t records, std::uint64_t bytes)>;
  Pump(runtime::Loop& loop, store::StreamStore& store, std::uint64_t destination, std::uint16_t shards,
       std::unique_ptr<Sink> sink, const PumpSettings& settings, Drained drained);
  Pump(const Pump&) = delete;
  Pump& operator=(const Pump&) = delete;

  /// Told of each record that is given up, with what is written down of it; may add to that. Set before the first wake.
  using Buried = std::function<void(const Queued& record, std::string_view cause, store::Mutations& mutations)>;
  /// `durable` is called when what it has added can be read.
  void on_buried(Buried buried, std::function<void()> durable) {
    buried_ = std::move(buried);
    buried_durable_ = std::move(durable);
  }
  /// There is something new in the queue, or something was in it at the start.
  void wake();
  /// The same, in a lane that may be a new one: what other pumps have given up.
  void wake_all();
  /// Puts dead letters back into the queue, oldest first. Gives how many; they go to the end of the line.
  std::uint64_t replay(std::uint64_t most);
  void discard_dead();
  const PumpState& state() const { return state_; }

  /// Visits dead letters, oldest first, until `visit` says false. Blocking.
  static Result<void> each_dead(store::StreamStore& store, std::uint64_t destination,
                                const std::function<bool(const QueueKey&, const DeadLetter&)>& visit);

 private:
  /// Dead letters that are sent again have a lane of their own, behind those of the shards.
  static constexpr std::uint16_t kReplayLane = 0xFFFF;
  struct Read {
    QueueKey key;
    std::string bytes;
    Queued record;
  };
  struct Lane {
    std::uint16_t shard;
    std::uint64_t next;  ///< the first sequence that has not been dealt with
  };
  void find_lanes();
  void count_dead();
  void go();
  void go_soon();
  bool read_batch(std::vector<Read>& batch, std::size_t most);
  bool read_lane(Lane& lane, std::vector<Read>& batch, std::size_t most);
  std::size_t bury_expired(const std::vector<Read>& batch);
  void finish(std::span<const Read> records, std::string_view dead_cause);
  void fail(const Sent& sent);
  void put_dead(const Read& read, std::string_view cause);
  void trim_dead();
  std::size_t allowed();
  void flush();
  static void on_timer(void* self) { static_cast<Pump*>(self)->go(); }

  runtime::Loop& loop_;
  store::StreamStore& store_;
  std::uint64_t destination_;
  std::uint16_t shards_;
  std::unique_ptr<Sink> sink_;
  PumpSettings settings_;
  Drained drained_;
  Buried buried_;
  std::function<void()> buried_durable_;
  bool has_buried_ = false;  ///< in what is to be stored next
  PumpState state_;
  runtime::Timer timer_;
  std::vector<Lane> lanes_;
  std::size_t turn_ = 0;  ///< the lane to look at first
  std::uint64_t replay_next_ = 1, dead_next_ = 1, dead_first_ = 1;
  store::Mutations pending_;  ///< what is to be erased and buried, until the store takes it
  bool is_posted_ = false;
  const std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);  ///< for tasks that outlive the pump
  Millis pause_{0};
  std::int64_t not_before_ = 0;  ///< wall: of a pause
  double tokens_ = 1;
  std::int64_t filled_ = 0;  ///< wall, when tokens_ were counted
};

}  // namespace tercet::rule
