#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "platform/broker/ingress.h"
#include "platform/runtime/loop.h"
#include "platform/store/stream_store.h"
#include "platform/thing/device_state.h"
#include "platform/thing/things.h"

namespace tercet::thing {

/// A stretch of a group's arena.
struct Stretch {
  std::uint32_t at = 0;
  std::uint32_t size = 0;
};

/// What is owed to a device once its message is durable.
struct Answer {
  broker::AckToken token;
  broker::SessionRef session;
  std::uint64_t device = 0;
  Stretch topic;
  Stretch payload;
  std::uint8_t qos = 0;
  bool has_ack = false;
  bool is_raw = false;     ///< the reply goes through the product's script
  bool has_reply = false;  ///< false: `sys.ack` was 0; topic and payload are there all the same, for a refusal
};

/// How a last value was before this pass changed it.
struct Before {
  DeviceState* device;
  std::uint32_t position;
  bool was_there;
  std::int64_t time;
  Stretch value;
};

/// What was desired before this pass changed it.
struct DesiredBefore {
  DeviceState* device;
  std::vector<Desired> desired;
};

/// Whether a device's log was wanted before this pass changed it.
struct LogUploadBefore {
  DeviceState* device;
  bool wanted;
};

/// A shadow before this pass changed it; nothing: there was none.
struct ShadowBefore {
  DeviceState* device;
  std::optional<Shadow> shadow;
};

/// A change to be told to Updates.
struct Told {
  std::uint64_t device;
  const std::string* name;
  std::int64_t time;
  Stretch value;
  bool is_event;
};

/// Somebody who wants to see state. Exactly one of the two runs.
struct Read {
  std::function<void()> show;   ///< what was copied is durable
  std::function<void()> again;  ///< it never will be: read anew
};

/// All that one pass has gathered: what the store is to hold, and what follows when it does.
struct CommitGroup {
  std::uint64_t number = 0;  ///< in order of submission
  store::Mutations mutations;
  std::string arena;
  std::vector<Answer> answers;
  std::vector<Before> before;  ///< in order of the changes
  std::vector<DesiredBefore> desired_before;
  std::vector<LogUploadBefore> log_upload_before;
  std::vector<ShadowBefore> shadow_before;
  std::vector<DeviceState*> dirty;  ///< devices whose last values have changed
  std::vector<Told> told;
  std::size_t left_out = 0;
  bool has_outgoing = false;             ///< the Outlet has put something into the mutations
  std::vector<std::uint64_t> presences;  ///< devices that came or went
  std::vector<std::uint64_t> forgotten;  ///< devices to be erased
  std::vector<Read> reads;

  std::string_view text(Stretch stretch) const { return std::string_view(arena).substr(stretch.at, stretch.size); }
  Stretch keep(std::string_view bytes) {
    const Stretch kept{static_cast<std::uint32_t>(arena.size()), static_cast<std::uint32_t>(bytes.size())};
    arena.append(bytes);
    return kept;
  }
  bool is_empty() const { return mutations.empty() && dirty.empty() && presences.empty() && forgotten.empty(); }
  void clear();
};

/// Whose state the groups carry.
class CommitOwner {
 public:
  /// The pass is over: put dirty last values, presences and erasures into the mutations.
  virtual void before_submit(CommitGroup& group) = 0;
  virtual void on_durable(CommitGroup& group) = 0;
  /// The group's changes of last values did not happen. Groups are undone newest first.
  virtual void undo(const CommitGroup& group) = 0;
  /// Nothing of the group is kept, and it has been undone: say so. May put into the next group what must not be lost.
  virtual void on_refused(CommitGroup& group, Error error) = 0;

 protected:
  ~CommitOwner() = default;
};

/// Gathers a pass into a group, submits it once, and finishes groups in order. Groups and their buffers are used again.
///
///   gathering -flush-> in flight -durable-> shown and answered
///            `-refused-. `-the disk has failed-> refused
///
/// Outlived by nothing that the store still holds: close the store before destroying this.
class Commits {
 public:
  Commits(runtime::Loop& loop, store::StreamStore& store, CommitOwner& owner);
  CommitGroup& current() { return *current_; }
  /// Submits what has been gathered. Called at the end of every pass, and before state is read.
  void flush();
  /// Shows once everything submitted so far is durable; at once when it is, or when nothing can become so any more.
  void when_durable(Read read);
  /// The device goes: what is in flight is no longer undone in it.
  void forget(const DeviceState& device);
  std::size_t in_flight() const { return in_flight_.size(); }

 private:
  void finish(std::uint64_t number);
  void give_up_soon();
  void give_up();
  void watch();
  static void on_watch(void* self);
  std::unique_ptr<CommitGroup> take_group();
  void put_back(std::unique_ptr<CommitGroup> group);

  runtime::Loop& loop_;
  store::StreamStore& store_;
  CommitOwner& owner_;
  std::unique_ptr<CommitGroup> current_;
  std::deque<std::unique_ptr<CommitGroup>> in_flight_;  // oldest first
  std::vector<std::unique_ptr<CommitGroup>> idle_;
  std::uint64_t submitted_ = 0;
  bool giving_up_ = false;
  runtime::Timer watch_;
};

}  // namespace tercet::thing
