#pragma once
#include <deque>
#include <string>

#include "platform/runtime/sim.h"

namespace tercet::runtime {

inline constexpr std::size_t kSimWindow = 64 << 10;  ///< bytes on the way and unread that a direction holds

/// One end of a simulated connection, and what is on its way to it.
struct SimEnd {
  SimHost* host = nullptr;
  Address peer;
  bool open = false;  ///< a SimStream exists
  bool connected = false;
  bool fin_sent = false;
  bool fin_received = false;
  StreamFailure::Kind broken = StreamFailure::Kind::none;
  std::string incoming;                 ///< arrived, unread
  std::size_t unread_or_under_way = 0;  ///< bytes sent to this end and not read

  SimLoop* loop = nullptr;  ///< while attached
  StreamEvents* events = nullptr;
  bool wants_write = false;
  bool writable = false;  ///< to be told
  bool buffered = false;  ///< attached with bytes inside a TLS stream
  bool queued = false;    ///< in the loop's ready list
  int told_in_vain = 0;

  struct Segment {
    std::uint8_t kind;
    std::string bytes;
  };
  std::deque<Segment> under_way;
  SimMicros last_arrival{0};
  std::size_t held = 0;    ///< arrivals that a partition holds back
  bool swallowed = false;  ///< what comes this way vanishes

  bool is_readable() const { return !incoming.empty() || fin_received || broken != StreamFailure::Kind::none; }
};

struct SimWire {
  std::uint64_t number = 0;
  std::uint16_t listen_port = 0;
  SimEnd ends[2];  ///< 0 connected, 1 accepted
};

/// The twin of TcpStream.
class SimStream final : public Stream {
 public:
  SimStream(SimWorld& world, std::shared_ptr<SimWire> wire, int side);
  ~SimStream() override;
  Io read(MutableBytes into) override;
  Io write(Bytes from) override;
  void shut_down() override;
  const Address& peer() const override { return end().peer; }
  StreamFailure failure() const override;

 private:
  friend class SimLoop;
  SimEnd& end() { return wire_->ends[side_]; }
  const SimEnd& end() const { return wire_->ends[side_]; }
  SimEnd& other() { return wire_->ends[1 - side_]; }
  SimWorld& world_;
  std::shared_ptr<SimWire> wire_;
  int side_;
};

}  // namespace tercet::runtime
