#include "ports/contract/suite.h"
#include "ports/contract/watched.h"

// Whom TLS believes.
namespace tercet::contract {
namespace {

using device::Stage;

/// Sets the wall clock for a test and puts it back.
class WallAt {
 public:
  WallAt(Bench& bench, UnixMillis to) : clock_(bench.port().clock), before_(clock_.wall()), since_(clock_.now()) {
    clock_.set_wall(to);
  }
  ~WallAt() { clock_.set_wall({before_.ms + (clock_.now() - since_).count()}); }
  WallAt(const WallAt&) = delete;
  WallAt& operator=(const WallAt&) = delete;

 private:
  device::Clock& clock_;
  UnixMillis before_;
  Instant since_;
};

void expect(Bench& bench, Check& check, PeerKind kind, UnixMillis wall, std::optional<Error> error) {
  const auto peer = find_peer(bench, check, kind);
  if (!peer) return;
  const WallAt wall_at{bench, wall};
  WatchedTransport transport{bench, check};
  const auto end = transport.climb(*peer, true);
  if (!error) {
    check.that(end && *end == Stage::ready, end ? "ready" : name(end.error()));
    return;
  }
  if (!check.that(!end, "the certificate must not be believed")) return;
  check.that(end.error() == *error, name(end.error()));
  check.that(transport.stage() == Stage::securing, "it broke at `securing`");
}

constexpr std::int64_t kDay = 86'400'000, kYear = 365 * kDay;

void good(Bench& bench, Check& check) { expect(bench, check, PeerKind::tls_silent, bench.good_time(), {}); }
void untrusted(Bench& bench, Check& check) {
  expect(bench, check, PeerKind::tls_untrusted, bench.good_time(), Error::tls_untrusted);
}
void self_signed(Bench& bench, Check& check) {
  expect(bench, check, PeerKind::tls_self_signed, bench.good_time(), Error::tls_untrusted);
}
void expired(Bench& bench, Check& check) {
  expect(bench, check, PeerKind::tls_expired, bench.good_time(), Error::tls_expired);
}
void not_yet(Bench& bench, Check& check) {
  expect(bench, check, PeerKind::tls_not_yet, bench.good_time(), Error::tls_expired);
}
void other_name(Bench& bench, Check& check) {
  expect(bench, check, PeerKind::tls_other_name, bench.good_time(), Error::tls_wrong_host);
}

void by_the_ports_clock(Bench& bench, Check& check) {
  // tls_echo: only benches with real certificates have it.
  expect(bench, check, PeerKind::tls_echo, {bench.good_time().ms + kYear}, Error::tls_expired);
  if (!bench.peer(PeerKind::tls_echo)) return;
  expect(bench, check, PeerKind::tls_echo, {bench.good_time().ms - kYear}, Error::tls_expired);
  expect(bench, check, PeerKind::tls_echo, {bench.good_time().ms + 100 * kDay}, {});
}

/// A session kept for resumption must not let in what a whole handshake would refuse.
void each_time_anew(Bench& bench, Check& check) {
  expect(bench, check, PeerKind::tls_silent, bench.good_time(), {});
  untrusted(bench, check);
  expect(bench, check, PeerKind::tls_silent, bench.good_time(), {});
  other_name(bench, check);
}

constexpr Promise kPromises[] = {
    {"trust: a certificate from a known root, for the host, in its time, is believed", good},
    {"trust: a certificate from an unknown root is tls_untrusted", untrusted},
    {"trust: a certificate signed by itself is tls_untrusted", self_signed},
    {"trust: a certificate that has expired is tls_expired", expired},
    {"trust: a certificate that is not valid yet is tls_expired", not_yet},
    {"trust: a certificate for another host is tls_wrong_host", other_name},
    {"trust: dates are judged by the port's own clock", by_the_ports_clock},
    {"trust: a good connection before does not let a bad one in", each_time_anew},
};

}  // namespace

std::span<const Promise> trust_promises() { return kPromises; }

}  // namespace tercet::contract
