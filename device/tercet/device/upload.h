#pragma once
#include <cstdint>
#include <string_view>

#include "tercet/alink/crc64.h"
#include "tercet/alink/upload.h"
#include "tercet/device/port.h"
#include "tercet/device/system_topics.h"

namespace tercet::device {

/// The bytes of a file that is uploaded. What it gives must stay the same until the upload is over.
class UploadSource {
 public:
  /// Bytes from `offset` on: all of `into`, or it ends here and the upload fails with io_failed.
  virtual bool read(std::uint64_t offset, MutableBytes into) = 0;

 protected:
  ~UploadSource() = default;
};

struct UploadFile {
  std::string_view name;    ///< "crash.log": letters, digits, _ and . , at most 100. Copied
  std::uint64_t bytes = 0;  ///< 1 to 16 MB
  UploadSource* source = nullptr;
  /// A complete file of that name is replaced by the complete new one (overwrite), or refuses it (78123).
  alink::Conflict conflict = alink::Conflict::overwrite;
  bool is_checked = true;  ///< by its CRC-64: read once more beforehand
};

/// Sends a file to the platform in blocks over the session there is (docs/files.md). One at a time; survives lost
/// connections and messages: it asks where it has to go on. Takes one subscription (DeviceBuffers' kUserFilters).
/// The client's task only.
///
///   idle --send--> checking --CRC-64 known--> asking --200--> sending --complete--> done
///                                               ^ '--refused, or ten times no answer--> failed
///                                               '--a new connection, 78119, 78122-- sending (a block again: no answer
///                                               in 5 s, 78121)
class Upload final {
 public:
  enum class State : std::uint8_t { idle, checking, asking, sending, done, failed };
  static constexpr std::size_t kOverhead = 256;  ///< of a block's message
  static constexpr Millis kAnswer{5'000};        ///< and then it goes out again
  static constexpr int kMostTries = 10;

  /// scratch: a block's message, kOverhead + 256 bytes at least and no more than DeviceBuffers' kScratch; what it has
  /// beyond kOverhead is the size of the blocks. All outlive it.
  Upload(const Clock& clock, Random& random, MutableBytes scratch)
      : clock_(clock), random_(random), scratch_(scratch) {}
  Upload(const Upload&) = delete;
  Upload& operator=(const Upload&) = delete;

  /// Subscribes; call it once after Device::start(). Errors: those of Device::subscribe(); too_large, the names;
  /// no_space, the scratch.
  Result<void> start(Device& device, const DeviceId& id);
  /// Begins, now or when the board is online. Errors: bad_state, one is under way; bad_argument, name, size or source.
  Result<void> send(const UploadFile& file);
  /// Gives it up, and tells the platform where it can.
  void cancel();

  /// True: it was ours. Call it from DeviceEvents::on_message().
  bool on_message(std::string_view topic, Bytes payload);
  /// Call it after each Device::run(), and when next_deadline() has come.
  void run();
  Instant next_deadline() const;

  State state() const { return state_; }
  std::uint64_t sent() const { return offset_; }  ///< bytes that the platform has
  /// failed: what the platform said (78117 to 78127, 460, …), 0 when nothing was answered or the source ended.
  std::int32_t code() const { return code_; }

 private:
  bool is_under_way() const { return state_ != State::idle && state_ != State::done && state_ != State::failed; }
  void check();
  void ask();
  void send_block();
  void publish(std::string_view tail, Bytes payload);
  void on_asked(const alink::UploadAnswer& answer);
  void on_block(const alink::UploadAnswer& answer);
  void ask_anew();
  void give_up(std::int32_t code);
  bool is_busy(std::int32_t code) const;

  const Clock& clock_;
  Random& random_;
  MutableBytes scratch_;
  SystemTopics topics_;
  SystemTopics::Filter filter_;
  State state_ = State::idle;
  UploadFile file_{};
  FixedString<alink::kMaxUploadName> name_;
  FixedString<alink::kMaxUploadId> upload_;
  FixedString<12> uid_;
  alink::Crc64 sum_;
  std::uint64_t summed_ = 0, offset_ = 0;
  MessageId asked_ = 0;  ///< the request that is not answered yet; 0: none
  int tries_ = 0, rounds_ = 0;
  bool was_online_ = false, was_last_ = false;
  Instant due_{};
  std::int32_t code_ = 0;
};

}  // namespace tercet::device
