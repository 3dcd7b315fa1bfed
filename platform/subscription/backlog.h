#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "platform/rule/queue.h"
#include "platform/runtime/loop.h"
#include "platform/store/stream_store.h"

namespace tercet::subscription {

struct BacklogSettings {
  std::size_t most_in_flight = 20'000;  ///< records that consumers have and have not answered
  Millis keep{std::chrono::hours{24}};  ///< older ones are dropped, as in the cloud
  Millis again_after{60'000};           ///< a record that a consumer has given back comes again after that
  Millis answer_within{60'000};         ///< one that nobody answers comes again, too
  Millis expire_every{60'000};
};

/// A consumer group's messages: read from its queue in the store, handed out, and erased once a consumer has accepted
/// them. What is given back, or never answered, is handed out again; what has waited too long is dropped. After a
/// restart everything that was not accepted is handed out again, so a message may come twice, with the same messageId.
///
///   stored -next()-> in flight -accept()-> gone
///                    in flight -give_back(), no answer-> waiting -time-> in flight ...
///
/// New messages of a shard go in order; those that come again do not hold them up. On one loop.
class Backlog {
 public:
  /// drained: records of a shard have left the queue.
  using Drained = std::function<void(std::uint16_t shard, std::uint64_t records, std::uint64_t bytes)>;
  Backlog(runtime::Loop& loop, store::StreamStore& store, std::uint64_t destination, std::uint16_t shards,
          const BacklogSettings& settings, Drained drained, std::function<void()> ready);
  Backlog(const Backlog&) = delete;
  Backlog& operator=(const Backlog&) = delete;

  struct Taken {
    std::uint64_t token = 0;
    rule::Queued record;  ///< views into `bytes`
    std::string bytes;
    std::uint32_t tries = 0;  ///< how often it was handed out before
  };
  /// The next record for a consumer; false: none now. Blocking read of the store.
  bool next(Taken& taken);
  /// A consumer has it for good. Gives when the message was made, milliseconds since 1970; 0 for a token that is not
  /// known any more.
  std::int64_t accept(std::uint64_t token);
  /// A consumer does not want it (after `again_after`), or has gone (at once).
  void give_back(std::uint64_t token, bool at_once);
  /// There is something new in the queue.
  void wake() { has_more_ = lanes_due_ = true; }

  /// Drops everything that is there now; then(records) when it is done.
  void clear(std::function<void(std::uint64_t records)> then);

  struct Counts {
    std::uint64_t taken = 0, accepted = 0, given_back = 0, unanswered = 0, expired = 0;
  };
  const Counts& counts() const { return counts_; }
  std::size_t in_flight() const { return flights_.size(); }

 private:
  struct Lane {
    std::uint16_t shard;
    std::uint64_t next;         ///< the first sequence that has not been read
    std::uint64_t clear_until;  ///< up to here nothing is handed out any more; 0 mostly
  };
  struct Read {
    std::size_t lane;
    std::uint64_t sequence;
    std::string bytes;
  };
  struct Flight {
    std::uint16_t shard;
    std::uint64_t sequence;
    std::uint64_t bytes;
    std::int64_t time;  ///< of the message
    std::uint32_t tries;
    bool is_out;  ///< a consumer has it; else it waits for its time
    Instant due;  ///< is_out: answered by then; else: handed out again from then on
  };
  struct Due {
    Instant at;
    std::uint64_t token;
  };
  bool next_again(Taken& taken);
  bool take_again(std::uint64_t token, Taken& taken);
  bool next_new(Taken& taken);
  bool read_ahead();
  void find_lanes();
  void gone(const Flight& flight);
  void erase(std::uint16_t shard, std::uint64_t sequence, std::uint64_t bytes);
  void flush();
  void flush_soon();
  void on_timer();
  void on_expiry();
  void clear_some();
  void watch();

  runtime::Loop& loop_;
  store::StreamStore& store_;
  const std::uint64_t destination_;
  const BacklogSettings settings_;
  Drained drained_;
  std::function<void()> ready_;  ///< something waits that next() gives, though nothing new has come
  std::uint16_t shards_;
  std::vector<Lane> lanes_;  ///< the shards', and further ones that were found
  std::size_t turn_ = 0;
  std::deque<Read> ahead_;
  std::unordered_map<std::uint64_t, Flight> flights_;
  std::deque<Due> unanswered_;         ///< in order of time: every one was given the same time to answer
  std::deque<Due> again_;              ///< in order of time
  std::deque<std::uint64_t> at_once_;  ///< what a consumer that has gone leaves, and what was not answered
  std::uint64_t tokens_ = 0;
  bool has_more_ = true, lanes_due_ = true, is_flush_due_ = false, is_clearing_ = false;
  store::Mutations pending_;
  std::unordered_map<std::uint16_t, std::pair<std::uint64_t, std::uint64_t>> drained_of_;
  std::vector<std::function<void(std::uint64_t)>> cleared_;
  std::uint64_t cleared_records_ = 0;
  Counts counts_;
  runtime::Timer timer_, expiry_, flush_again_;
  const std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

}  // namespace tercet::subscription
