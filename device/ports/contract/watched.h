#pragma once
#include <cstdint>
#include <optional>

#include "ports/contract/bench.h"
#include "ports/contract/reporter.h"
#include "tercet/device/port.h"

namespace tercet::contract {

inline constexpr std::int64_t kLongestCallUs = 50'000;

/// The result is this error.
template <typename T>
bool is(const Result<T>& result, Error error) {
  return !result && result.error() == error;
}

/// A port's transport, with every call held against what all calls must keep: 50 ms, sizes, stages in order. And the
/// way up to a connection.
class WatchedTransport {
 public:
  WatchedTransport(Bench& bench, Check& check) : bench_(bench), check_(check), transport_(bench.port().transport) {}
  ~WatchedTransport() { close(); }
  WatchedTransport(const WatchedTransport&) = delete;
  WatchedTransport& operator=(const WatchedTransport&) = delete;

  Result<void> open(const device::Target& target);
  Result<device::Stage> advance();
  Result<std::size_t> read(MutableBytes into);
  Result<std::size_t> write(Bytes from);
  void close();
  device::Stage stage() const { return transport_.stage(); }

  /// Opens and advances until `until` is reached or it breaks; timed_out after 20 s.
  Result<device::Stage> climb(const Peer& peer, bool tls, device::Stage until = device::Stage::ready);
  /// Reads until something comes or the connection breaks; timed_out after 20 s.
  Result<std::size_t> read_some(MutableBytes into);
  /// Lets some time go by.
  void wait() { bench_.wait(Millis{20}); }

  /// Time and passes are both bounded, so that a clock that stands still ends a test too.
  class Patience {
   public:
    explicit Patience(Bench& bench) : bench_(bench), until_(bench.port().clock.now() + Millis{20'000}) {}
    bool is_left() { return ++passes_ < 200'000 && bench_.port().clock.now() < until_; }

   private:
    Bench& bench_;
    Instant until_;
    int passes_ = 0;
  };

 private:
  template <typename F>
  auto timed(const char* what, F call);
  Bench& bench_;
  Check& check_;
  device::Transport& transport_;
  device::Stage highest_ = device::Stage::closed;
};

/// The peer, or a skipped promise.
std::optional<Peer> find_peer(Bench& bench, Check& check, PeerKind kind);

}  // namespace tercet::contract
