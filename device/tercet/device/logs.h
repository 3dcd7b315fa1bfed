#pragma once
#include <cstdint>
#include <string_view>

#include "tercet/device/outbox.h"
#include "tercet/device/port.h"
#include "tercet/device/system_topics.h"

namespace tercet::device {

/// One line of a board's log. The texts are copied.
struct LogEntry {
  enum class Level : std::uint8_t { fatal, error, warning, info, debug };
  Level level = Level::info;
  std::string_view module = {};   ///< "wifi"; up to 64 bytes are kept
  std::string_view content = {};  ///< up to 4,096 bytes, and half of what the message has room for, are kept
  std::int32_t code = 0;          ///< the module's own
  std::string_view trace = {};    ///< what belongs together, as a request's id; up to 64 bytes are kept
};

struct LogCounters {
  std::uint32_t taken = 0;    ///< entries given to add()
  std::uint32_t sent = 0;     ///< entries the platform has taken
  std::uint32_t dropped = 0;  ///< entries that made room for newer ones, or that the platform refused
  std::uint32_t waiting = 0;  ///< entries held now
};

/// The board's log, uploaded while somebody at the platform wants to read it (`tercet log upload PRODUCT DEVICE on`):
/// asks after each login whether it is wanted, obeys when that changes, and sends up to 40 entries a message, the next
/// one when the one before is answered. Until then, and while offline, the newest entries are kept in `ring`, the
/// oldest make room. An entry whose answer is lost on the way is sent again, so it may be there twice. It is a Log too:
/// as Port::log it uploads what the SDK itself has to say, in the module "sdk", and hands it on to `also`. Takes two
/// subscriptions (DeviceBuffers' kUserFilters). The client's task only.
///
///   online: ask --mode 1 or push 1--> gather --> send --answer--> gather
///              '--mode 0 or push 0--> silent      '--none in 10 s: again, three times; then they are given up
class Logs final : public Log {
 public:
  static constexpr std::size_t kMostEntries = 40, kMostContent = 4096, kMostWord = 64;
  static constexpr Millis kGather{1'000};   ///< entries that come together travel together
  static constexpr Millis kAnswer{10'000};  ///< and then the message goes out again
  static constexpr int kMostTries = 3;

  /// All outlive it. ring: an entry costs about 32 bytes and its texts. scratch: the message, no more than
  /// DeviceBuffers' kScratch; 1 KB takes about eight entries. also: may be null.
  Logs(const Clock& clock, MutableBytes ring, MutableBytes scratch, Log* also = nullptr)
      : clock_(clock), ring_(ring, DropPolicy::oldest), scratch_(scratch), also_(also) {}
  Logs(const Logs&) = delete;
  Logs& operator=(const Logs&) = delete;

  /// Subscribes; call it once after Device::start(). Errors: those of Device::subscribe(); too_large, the names.
  Result<void> start(Device& device, const DeviceId& id);
  /// Keeps it, whether or not it is wanted: what went before is what one wants to read. Any time, also before start().
  /// What is too large for the ring is counted as dropped.
  void add(const LogEntry& entry);
  /// Port::log.
  void line(LogLevel level, std::string_view text) override;

  /// True: it was ours. Call it from DeviceEvents::on_message().
  bool on_message(std::string_view topic, Bytes payload);
  /// Call it after each Device::run(), and when next_deadline() has come.
  void run();
  Instant next_deadline() const;

  /// What the platform said last.
  bool is_wanted() const { return is_wanted_; }
  LogCounters counters() const;

 private:
  void ask(Instant now);
  void gather(Instant now);
  void send(Instant now);
  void on_answer(Bytes payload);
  void obey(const json::Value& content);
  void forget_message() { message_bytes_ = 0, message_entries_ = 0, tries_ = 0; }
  bool write_entry(Writer& out, const Outgoing& entry, Instant now) const;

  const Clock& clock_;
  Outbox ring_;
  MutableBytes scratch_;
  Log* also_;
  SystemTopics topics_;
  SystemTopics::Filter config_filter_, reply_filter_;
  std::size_t message_bytes_ = 0;  ///< of scratch: a message that is not answered yet
  std::uint32_t message_entries_ = 0;
  MessageId message_id_ = 0;
  int tries_ = 0;
  bool is_wanted_ = false;
  bool was_online_ = false;
  Instant ask_at_ = Instant::never(), send_at_{};
  std::uint32_t sent_ = 0, lost_ = 0, taken_ = 0;
};

}  // namespace tercet::device
