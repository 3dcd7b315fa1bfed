#pragma once
#include "tercet/ota/source.h"
#include "tercet/ota/stream.h"
#include "tercet/ota/uplink.h"

namespace tercet::ota {

struct SessionSourceOptions {
  /// Asked for at once. The client must be able to receive it with 250 bytes around it (DeviceBuffers' kPacket).
  std::uint32_t block_bytes = 1024;
  Millis answer{10'000};      ///< waited for
  std::uint8_t attempts = 4;  ///< for one block
};

/// An image over the open MQTT session, block by block (7.6): for boards without the memory for a second TLS session.
///
///   idle --start--> asking --sent--> waiting --block--> asking … done
///                     '---silence, wrong checksum: again, up to four times--> failed
class SessionSource final : public Source {
 public:
  SessionSource(Uplink& uplink, const SessionSourceOptions& options = {}) : uplink_(uplink), options_(options) {}

  bool take(const Offer& offer) override;
  void start(std::uint32_t from, ImageSink& sink, Instant now) override;
  void run(Instant now) override;
  Instant next_deadline() const override;
  void cancel() override;
  State state() const override { return state_; }
  Trouble trouble() const override { return trouble_; }
  std::uint32_t most_bytes() const override { return options_.block_bytes; }

  /// The connection is a new one: what was asked for on the one before is asked for again, at once.
  void on_online(Instant now);
  /// Hand it what comes on Channel::block_reply. What it has not asked for, or has already, is ignored.
  void on_block(Bytes frame, Instant now);

 private:
  void ask(Instant now);
  void repeat(Instant now, Trouble trouble);
  void end(Trouble trouble);
  std::uint32_t wanted() const;

  Uplink& uplink_;
  SessionSourceOptions options_;
  ImageSink* sink_ = nullptr;
  std::uint32_t stream_id_ = 0, file_id_ = 0, size_ = 0, at_ = 0;
  std::uint32_t asked_ = 0;  ///< id of the request that is open; 0: none
  std::uint8_t attempts_ = 0;
  Instant due_ = Instant::never();
  State state_ = State::idle;
  Trouble trouble_ = Trouble::none;
};

}  // namespace tercet::ota
