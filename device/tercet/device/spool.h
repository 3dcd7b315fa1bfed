#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "tercet/base/bytes.h"
#include "tercet/base/fixed_string.h"
#include "tercet/base/result.h"
#include "tercet/device/flash_log.h"
#include "tercet/device/outbox.h"

namespace tercet::device {

/// A board without flash to spare leaves the flash part out (about 10 KB of code): Port::flash is then ignored.
#ifdef TERCET_NO_FLASH_OUTBOX
inline constexpr bool kFlashOutbox = false;
#else
inline constexpr bool kFlashOutbox = true;
#endif

/// The number in an id of ours; 0 for anybody else's.
MessageId parse_id(std::string_view text);

/// A message that is on the wire and, because the outage lasted, in flash too.
struct Flight {
  std::uint16_t packet_id = 0;  ///< 0: free
  FlashPlace place{};
};

/// Messages that wait for the network: the newest in RAM, what is older in flash if there is any.
///
///   push --> RAM --next: one at a time--> wire                        while nothing waits in flash
///             |
///           spill: RAM is full, or the outage lasts
///             v
///           flash --next: batch posts, one on the wire at a time--> acknowledged --> marked in flash
///
/// What is in flash is older than what is in RAM, and goes first. Without flash it is the RAM part alone.
class Spool {
 public:
  /// Keeps everything by reference. `flights`: as many as the connection's window has; more are not carried over a
  /// restart.
  Spool(MutableBytes ram, DropPolicy policy, Flash* flash, std::span<Flight> flights);

  /// Finds what an earlier run left in flash. Errors: as FlashLog::mount(); the spool then goes on without flash.
  Result<void> start();
  /// The connection's window was emptied without acknowledgements: what came from flash is sent again.
  void forget_flights();

  /// Whether push() would drop or refuse something.
  bool has_room(const Outgoing& message) const { return ram_.has_room(message); }
  /// As Outbox::push(). Call spill() before, where there is no room.
  Result<void> push(const Outgoing& message) { return ram_.push(message); }
  /// Counts messages that were lost on their way through the connection.
  void count_dropped(std::uint32_t messages) { ram_.count_dropped(messages); }
  /// Where the flash part is left out the compiler knows the answer, and drops what hangs on it.
  bool has_flash() const { return kFlashOutbox && log_.has_value(); }
  bool is_ram_empty() const { return ram_.empty(); }

  /// Flash is slow: a pass writes a few records, or erases once. Call it at the beginning of each.
  void begin_pass();
  /// Whether something was left for the next pass, which should come at once.
  bool has_more() const { return has_more_; }
  /// Moves of RAM to flash what a pass may. Before it every message on the wire, oldest first, with keep_flight().
  /// False: flash does not take it.
  bool spill();
  /// A message that is on the wire and not acknowledged also goes to flash; nothing happens if it is there already.
  /// False as for spill().
  bool keep_flight(std::uint16_t packet_id, const Outgoing& message);
  /// Whether keep_flight() has taken it, or it came from flash.
  bool is_kept(std::uint16_t packet_id) const;
  /// For a quiet moment: erases ahead.
  void rest();

  /// The message to send next: one post as it was made, or several in a batch post (5.6), with their own times.
  struct Next {
    MessageId id = 0;
    bool acknowledged = true;  ///< QoS 1
    FixedString<160> topic;    ///< behind `/sys/{pk}/{dn}/`
    std::string_view payload;  ///< in `scratch`, or in RAM
    std::uint16_t posts = 1;
  };
  /// What a batch gets, should the next message be one.
  struct BatchTerms {
    MessageId id = 0;
    std::size_t most_bytes = 0;
  };
  /// Nothing: nothing waits, or the answer to the last batch does, or has_more(), or is_paused(). Valid until the next
  /// call; then tell sent() or refused().
  std::optional<Next> next(MutableBytes scratch, const BatchTerms& terms);
  /// Flash could not be read: next() gives nothing until resume(). After a few times in vain what cannot be read is
  /// given up and counted.
  bool is_paused() const { return is_paused_; }
  void resume() { is_paused_ = false; }
  void sent(std::uint16_t packet_id);
  /// The connection will never take it: fewer at a time from now on, or it is given up.
  void refused();

  /// The message has been acknowledged. Says how many posts that were.
  std::uint16_t delivered(std::uint16_t packet_id);
  /// How many posts the message of this id carried.
  std::uint16_t posts_of(MessageId id) const { return id == batch_.id && id != 0 ? batch_.posts : std::uint16_t{1}; }
  /// The highest id an earlier run has used for what is still in flash; 0 if nothing is.
  MessageId highest_id() const { return has_flash() ? log_->highest_id() : 0; }

  /// Of RAM and flash together.
  OutboxCounters counters() const;

 private:
  enum class Source : std::uint8_t { none, ram, flash };
  struct Batch {
    std::uint16_t packet_id = 0;  ///< 0: not on the wire
    std::uint16_t posts = 0;
    MessageId id = 0;
    FlashPlace from{}, to{};
  };
  struct Part;

  enum class Kept : std::uint8_t { yes, later, no };
  Kept keep(const Outgoing& message, FlashPlace& place);
  bool is_flying(FlashPlace place) const;
  std::optional<FlashFound> find_unsent(FlashPlace from) const;
  void on_unreadable(const std::optional<FlashFound>& found);
  std::optional<Next> next_of_flash(MutableBytes scratch, const BatchTerms& terms);
  bool make_batch(MutableBytes scratch, MessageId id, Next& into);
  Result<void> make_single(const FlashFound& found, MutableBytes scratch, Next& into);
  std::size_t collect(std::span<Part> parts, MutableBytes work, std::size_t most_bytes);
  void for_each(const Batch& batch, bool is_delivered);

  Outbox ram_;
  std::optional<FlashLog> log_;
  std::span<Flight> flights_;
  FlashPlace cursor_{};  ///< behind what has been sent from flash
  Batch batch_{};        ///< on the wire, or the last one that was
  Batch offered_{};      ///< what next() has given
  Source source_ = Source::none;
  bool has_more_ = false;
  bool is_stuck_ = false;  ///< flash has refused in this pass
  bool is_paused_ = false;
  std::uint8_t records_left_ = 0;  ///< that this pass may write
  std::uint8_t unreadable_ = 0;    ///< how often in a row flash could not be read
  std::uint16_t most_posts_;
  std::uint32_t erasures_ = 0;  ///< before this pass
  std::uint32_t spilled_ = 0, failures_ = 0;
};

}  // namespace tercet::device
