#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <memory>

#include "ports/contract/doctest_reporter.h"
#include "ports/contract/peers/peers.h"
#include "ports/contract/suite.h"
#include "ports/posix/board.h"

using namespace tercet;
using namespace tercet::contract;

namespace {

/// A Linux machine as a board, against real peers on loopback.
class PosixBench final : public Bench {
 public:
  PosixBench() {
    char name[] = "/tmp/tercet-contract-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    directory_ = name;
    std::ofstream(triple_file()) << "productKey=a1B2c3D4e5F\ndeviceName=sensor_01\n"
                                    "deviceSecret=0123456789abcdef0123456789abcdef\n";
    ::chmod(triple_file().c_str(), 0600);
    restart();
  }
  ~PosixBench() override {
    board_.reset();
    std::filesystem::remove_all(directory_);
  }

  device::Port port() override { return board_->port(); }
  void wait(Millis at_most) override { board_->wait(board_->clock().now() + at_most); }
  bool restart() override {
    board_.reset();
    board_ = std::make_unique<posix::Board>(posix::BoardConfig{.triple_file = triple_file(),
                                                               .host = "localhost",
                                                               .trust = {.pem = peers_.root_pem()},
                                                               .state_directory = directory_ + "/state",
                                                               .outbox_sectors = 4});
    board_->clock().set_wall(good_time());
    return true;
  }

  std::optional<Peer> peer(PeerKind kind) override { return peers_.at(kind); }
  UnixMillis good_time() const override { return peers_.good_time(); }
  std::size_t bulk_bytes() const override { return 1'000'000; }

  /// Only what the thread waited for of its own will: another program on its core is no fault of the port.
  std::int64_t waited_us() override {
    rusage usage{};
    ::getrusage(RUSAGE_THREAD, &usage);
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    const std::int64_t now = time.tv_sec * std::int64_t{1'000'000} + time.tv_nsec / 1'000;
    if (usage.ru_nvcsw != switches_) waited_us_ += now - measured_at_;
    switches_ = usage.ru_nvcsw, measured_at_ = now;
    return waited_us_;
  }

  std::optional<Triple> provisioned() override {
    return Triple{{*ProductKey::parse("a1B2c3D4e5F"), *DeviceName::parse("sensor_01")},
                  *DeviceSecret::parse("0123456789abcdef0123456789abcdef")};
  }
  bool expose_secret(bool exposed) override { return ::chmod(triple_file().c_str(), exposed ? 0644 : 0600) == 0; }
  /// Files end after 100 bytes: a longer write stops there.
  bool break_store(bool broken) override {
    ::signal(SIGXFSZ, SIG_IGN);
    rlimit limit{};
    ::getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = broken ? 100 : limit.rlim_max;
    return ::setrlimit(RLIMIT_FSIZE, &limit) == 0;
  }

 private:
  std::string triple_file() const { return directory_ + "/triple"; }
  Peers peers_{PeersConfig{}};
  std::string directory_;
  std::unique_ptr<posix::Board> board_;
  long switches_ = 0;
  std::int64_t measured_at_ = 0, waited_us_ = 0;
};

void keeps(std::span<const Promise> promises, std::size_t skipped) {
  PosixBench bench;
  DoctestReporter reporter;
  const Score score = run(promises, bench, reporter);
  CHECK(score.promises == static_cast<int>(promises.size()));
  CHECK(score.failed == 0);
  CHECK(reporter.skipped.size() == skipped);
}

}  // namespace

TEST_CASE("a Linux machine's clock, random numbers, network, secrets and log keep what port.h promises") {
  keeps(board_promises(), 1);  // it has no watchdog
}
TEST_CASE("a Linux machine's store keeps what port.h promises") { keeps(store_promises(), 0); }
TEST_CASE("a Linux machine's flash keeps what port.h promises") { keeps(flash_promises(), 0); }
TEST_CASE("a Linux machine's datagrams keep what port.h promises") { keeps(datagram_promises(), 0); }
TEST_CASE("a Linux machine's transport keeps what port.h promises") { keeps(transport_promises(), 0); }
TEST_CASE("a Linux machine's TLS believes whom port.h says") { keeps(trust_promises(), 0); }
TEST_CASE("a Linux machine's connections carry bytes as port.h promises") { keeps(byte_promises(), 0); }
