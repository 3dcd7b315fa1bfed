#pragma once
#include <array>
#include <functional>
#include <vector>

#include "tests/simulation/portal.h"
#include "tests/simulation/sim_board.h"
#include "tests/simulation/witness.h"

namespace tercet::simulation {

/// What a board meets between itself and the platform, besides what its SimHost's link does. Change it at any time.
struct Surroundings {
  enum class Names : std::uint8_t { answer, unknown, silent };
  enum class Way : std::uint8_t {
    open,
    redirecting_portal,  ///< TCP connects; TLS and CONNECT get a web page
    silent_portal,       ///< TCP connects; nothing ever answers
    forging_portal,      ///< TCP connects; TLS gets another certificate
  };
  bool has_link = true;
  Names names = Names::answer;
  Way way = Way::open;
  bool drops_datagrams = false;
};

/// A name server, a TCP connection of the simulated network, and as much of TLS as can go wrong: time passes, the clock
/// must be right, another certificate or a web page ends it.
class FieldTransport final : public device::Transport {
 public:
  struct Callbacks {
    std::function<void()> wake;                                          ///< the board is to run
    std::function<void(const std::vector<std::int64_t>&)> acknowledged;  ///< readings, by their times
    std::function<Millis()>
        clock_error;  ///< of the board's wall clock: a certificate is then expired, or not valid yet
  };
  FieldTransport(runtime::SimLoop& loop, const Surroundings& around, const runtime::Address& server,
                 const Portal& portal, Callbacks callbacks);

  Result<void> open(const device::Target& target) override;
  Result<device::Stage> advance() override;
  device::Stage stage() const override { return stage_; }
  Result<std::size_t> read(MutableBytes into) override;
  Result<std::size_t> write(Bytes from) override;
  void close() override;

 private:
  Result<device::Stage> resolve();
  Result<device::Stage> connect();
  Result<device::Stage> secure();

  runtime::SimLoop& loop_;
  const Surroundings& around_;
  runtime::Address server_;
  const Portal& portal_;
  Callbacks callbacks_;
  SimTransport tcp_;
  Witness witness_;
  device::Stage stage_ = device::Stage::closed;
  Surroundings::Way way_ = Surroundings::Way::open;  ///< of this connection
  bool tls_ = false;
  Instant secured_at_{};
  runtime::Timer secured_;
};

/// Time servers of the simulated network: the true time after a round trip, or nothing.
class FieldDatagram final : public device::Datagram {
 public:
  FieldDatagram(runtime::SimWorld& world, runtime::SimLoop& loop, const Surroundings& around,
                std::function<void()> wake);
  Result<void> send(std::string_view host, std::uint16_t port, Bytes bytes) override;
  Result<std::size_t> receive(MutableBytes into) override;
  void close() override { asked_ = false; }

 private:
  runtime::SimWorld& world_;
  runtime::SimLoop& loop_;
  const Surroundings& around_;
  std::function<void()> wake_;
  std::array<std::uint8_t, 8> cookie_{};
  bool asked_ = false;
  runtime::Timer answer_;
};

}  // namespace tercet::simulation
