#include <array>

#include "ports/contract/suite.h"
#include "ports/contract/watched.h"

namespace tercet::contract {
namespace {

/// A port's datagrams, each call held against 50 ms.
class Exchange {
 public:
  Exchange(Bench& bench, Check& check) : bench_(bench), check_(check), datagram_(*bench.port().datagram) {}
  ~Exchange() { datagram_.close(); }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  /// Until it is sent or cannot be.
  Result<void> send(const Peer& peer, std::string_view text) {
    WatchedTransport::Patience patience{bench_};
    while (patience.is_left()) {
      const std::int64_t before = bench_.waited_us();
      const auto sent = datagram_.send(peer.host, peer.port, as_bytes(text));
      check_.always(bench_.waited_us() - before <= kLongestCallUs, "send() took more than 50 ms");
      if (sent || sent.error() != Error::would_block) return sent;
      bench_.wait(Millis{20});
    }
    return fail(Error::timed_out);
  }
  Result<std::size_t> receive(MutableBytes into) {
    const std::int64_t before = bench_.waited_us();
    const auto got = datagram_.receive(into);
    check_.always(bench_.waited_us() - before <= kLongestCallUs, "receive() took more than 50 ms");
    return got;
  }
  /// Until something comes, for as long as `most`.
  Result<std::size_t> hear(MutableBytes into, Millis most) {
    const Instant until = bench_.port().clock.now() + most;
    for (int i = 0; i < 10'000 && bench_.port().clock.now() < until; ++i) {
      const auto got = receive(into);
      if (got || got.error() != Error::would_block) return got;
      bench_.wait(Millis{20});
    }
    return fail(Error::would_block);
  }
  void close() { datagram_.close(); }

 private:
  Bench& bench_;
  Check& check_;
  device::Datagram& datagram_;
};

bool has_datagrams(Bench& bench, Check& check) {
  if (bench.port().datagram != nullptr) return true;
  check.skip("this port has none");
  return false;
}

void answered(Bench& bench, Check& check) {
  const auto peer = has_datagrams(bench, check) ? find_peer(bench, check, PeerKind::udp_echo) : std::nullopt;
  if (!peer) return;
  Exchange exchange{bench, check};
  std::array<std::uint8_t, 64> buffer{};
  for (const std::string_view text : {"first", "second, after the first"}) {
    if (!check.that(exchange.send(*peer, text).has_value(), "send()")) return;
    const auto got = exchange.hear(buffer, Millis{10'000});
    check.that(got && as_text(Bytes{buffer}.first(*got)) == text, "the answer is received whole");
  }
}

void rest_is_lost(Bench& bench, Check& check) {
  const auto peer = has_datagrams(bench, check) ? find_peer(bench, check, PeerKind::udp_echo) : std::nullopt;
  if (!peer) return;
  Exchange exchange{bench, check};
  if (!check.that(exchange.send(*peer, "longer than eight bytes").has_value(), "send()")) return;
  std::array<std::uint8_t, 8> buffer{};
  const auto got = exchange.hear(buffer, Millis{10'000});
  check.that(got && *got == buffer.size(), "of a longer datagram as much as there is room for is received");
  check.that(is(exchange.receive(buffer), Error::would_block), "its rest is gone");
}

void silence(Bench& bench, Check& check) {
  const auto peer = has_datagrams(bench, check) ? find_peer(bench, check, PeerKind::udp_silent) : std::nullopt;
  if (!peer) return;
  Exchange exchange{bench, check};
  std::array<std::uint8_t, 8> buffer{};
  if (!check.that(exchange.send(*peer, "anybody?").has_value(), "send()")) return;
  check.that(is(exchange.hear(buffer, Millis{200}), Error::would_block), "without an answer it is would_block");
  exchange.close();
  exchange.close();
  check.that(!exchange.receive(buffer), "after close() nothing is received");
}

void impostor(Bench& bench, Check& check) {
  const auto peer = has_datagrams(bench, check) ? find_peer(bench, check, PeerKind::udp_impostor) : std::nullopt;
  if (!peer) return;
  Exchange exchange{bench, check};
  std::array<std::uint8_t, 8> buffer{};
  if (!check.that(exchange.send(*peer, "time?").has_value(), "send()")) return;
  check.that(is(exchange.hear(buffer, Millis{300}), Error::would_block), "what others send is not received");
}

void no_such_name(Bench& bench, Check& check) {
  const auto peer = has_datagrams(bench, check) ? find_peer(bench, check, PeerKind::unknown_name) : std::nullopt;
  if (!peer) return;
  Exchange exchange{bench, check};
  check.that(is(exchange.send(*peer, "x"), Error::dns_failed), "a name that does not exist is dns_failed");
  const auto good = bench.peer(PeerKind::udp_silent);
  if (good) check.that(exchange.send(*good, "x").has_value(), "and the next host is tried all the same");
}

constexpr Promise kPromises[] = {
    {"datagram: it goes out and its answer comes back, more than once", answered},
    {"datagram: the rest of a longer one is lost", rest_is_lost},
    {"datagram: silence is would_block, and close() ends it", silence},
    {"datagram: only who was asked is heard", impostor},
    {"datagram: a name that does not exist is dns_failed", no_such_name},
};

}  // namespace

std::span<const Promise> datagram_promises() { return kPromises; }

}  // namespace tercet::contract
