#pragma once
#include <map>
#include <memory>
#include <set>
#include <string>

#include "platform/runtime/sim.h"
#include "tercet/device/client.h"

namespace tercet::simulation {

/// The SDK's Transport over a simulated stream: no names to look up, no TLS.
class SimTransport final : public device::Transport, private runtime::StreamEvents {
 public:
  SimTransport(runtime::SimLoop& loop, const runtime::Address& server, std::function<void()> wake)
      : loop_(loop), server_(server), wake_(std::move(wake)) {}
  ~SimTransport() override { close(); }

  /// The next connection goes there.
  void aim(const runtime::Address& server) { server_ = server; }
  Result<void> open(const device::Target& target) override;
  Result<device::Stage> advance() override;
  device::Stage stage() const override { return stage_; }
  Result<std::size_t> read(MutableBytes into) override;
  Result<std::size_t> write(Bytes from) override;
  void close() override;

 private:
  void on_readable() override { wake_(); }
  void on_writable() override;

  runtime::SimLoop& loop_;
  runtime::Address server_;
  std::function<void()> wake_;
  std::unique_ptr<runtime::Stream> stream_;
  device::Stage stage_ = device::Stage::closed;
  bool writable_ = false;
};

/// One board on a simulated host: the real SDK, which takes a reading every so often. Remembers what was posted and
/// what the platform has answered with 200.
class SimBoard final : private device::DeviceEvents {
 public:
  struct Identity {
    std::string product, name, secret;
    std::uint64_t number = 0;
  };
  SimBoard(runtime::SimHost& host, const runtime::Address& server, Identity identity, UnixMillis first_reading,
           Millis every);
  ~SimBoard();

  /// From now on readings are taken, or not.
  void take_readings(bool on) { taking_ = on; }
  bool is_online() const { return device_->is_online(); }
  const Identity& identity() const { return identity_; }
  /// Original times of the readings taken, and of those the platform has answered for.
  const std::set<std::int64_t>& taken() const { return taken_; }
  const std::set<std::int64_t>& acknowledged() const { return acknowledged_; }
  std::uint32_t dropped() const { return device_->outbox().dropped; }
  bool is_drained() const;  ///< nothing waits or is on the wire
  runtime::SimHost& host() { return host_; }

 private:
  class Parts;
  void on_reply(const device::PostReply& reply) override;
  void on_set(device::PropertySet& set) override;
  void run();
  void take_reading();

  runtime::SimHost& host_;
  runtime::SimLoop& loop_;
  Identity identity_;
  std::int64_t next_time_;
  Millis every_;
  bool taking_ = true;
  std::unique_ptr<Parts> parts_;
  std::unique_ptr<device::DeviceBuffers<1024, 16384>> buffers_;
  std::unique_ptr<device::Device> device_;
  std::map<device::MessageId, std::int64_t> unanswered_;
  std::set<std::int64_t> taken_, acknowledged_;
  bool run_wanted_ = true;
  runtime::Timer due_;
  runtime::Timer reading_;
};

}  // namespace tercet::simulation
