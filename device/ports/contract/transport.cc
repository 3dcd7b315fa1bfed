#include <array>

#include "ports/contract/suite.h"
#include "ports/contract/watched.h"

// The way up and the way down of a connection.
namespace tercet::contract {
namespace {

using device::Stage;

void closed_is_harmless(Bench& bench, Check& check) {
  WatchedTransport transport{bench, check};
  transport.close();
  transport.close();
  std::array<std::uint8_t, 4> buffer{};
  check.that(transport.stage() == Stage::closed, "a transport that was not opened is closed");
  check.that(!transport.advance(), "advance() on a closed transport fails");
  check.that(is(transport.read(buffer), Error::closed), "read() on a closed transport answers closed");
  check.that(is(transport.write(buffer), Error::closed), "write() on a closed transport answers closed");
}

void arguments_are_checked(Bench& bench, Check& check) {
  WatchedTransport transport{bench, check};
  check.that(is(transport.open({"", 8883, true}), Error::bad_argument), "an empty host is bad_argument");
  check.that(is(transport.open({"localhost", 0, true}), Error::bad_argument), "port 0 is bad_argument");
}

void stages_come_in_order(Bench& bench, Check& check) {
  const auto peer = find_peer(bench, check, PeerKind::tls_silent);
  if (!peer) return;
  WatchedTransport transport{bench, check};
  const auto end = transport.climb(*peer, true);
  if (!check.that(end && *end == Stage::ready, "a good TLS server is reached")) return;
  std::array<std::uint8_t, 4> buffer{};
  check.that(is(transport.read(buffer), Error::would_block), "with nothing to read, read() answers would_block");
  const auto again = transport.advance();
  check.that(again && *again == Stage::ready, "advance() once more stays at `ready`");
}

void plain_skips_securing(Bench& bench, Check& check) {
  const auto peer = find_peer(bench, check, PeerKind::tcp_mute);
  if (!peer) return;
  WatchedTransport transport{bench, check};
  if (!check.that(transport.open({peer->host, peer->port, false}).has_value(), "open() without TLS")) return;
  WatchedTransport::Patience patience{bench};
  while (patience.is_left() && transport.stage() != Stage::ready) {
    const auto stage = transport.advance();
    if (!check.that(stage.has_value(), "a plain connection is made")) return;
    check.always(*stage != Stage::securing, "a plain connection has no stage `securing`");
    transport.wait();
  }
  check.that(transport.stage() == Stage::ready, "a plain connection becomes ready");
}

void breaks_at(Bench& bench, Check& check, PeerKind kind, Stage stage, Error error) {
  const auto peer = find_peer(bench, check, kind);
  if (!peer) return;
  WatchedTransport transport{bench, check};
  const auto end = transport.climb(*peer, true);
  if (!check.that(!end, "the connection must not be made")) return;
  check.that(end.error() == error, name(end.error()));
  check.that(transport.stage() == stage, "stage() still says where it broke");
}

void unknown_name(Bench& bench, Check& check) {
  breaks_at(bench, check, PeerKind::unknown_name, Stage::resolving, Error::dns_failed);
}
void refused(Bench& bench, Check& check) {
  breaks_at(bench, check, PeerKind::refused, Stage::connecting, Error::connect_refused);
}
void hang_up(Bench& bench, Check& check) {
  breaks_at(bench, check, PeerKind::tcp_hang_up, Stage::securing, Error::closed);
}
void plain_instead_of_tls(Bench& bench, Check& check) {
  breaks_at(bench, check, PeerKind::tcp_plain, Stage::securing, Error::tls_failed);
}

void cut_handshake(Bench& bench, Check& check) {
  const auto peer = find_peer(bench, check, PeerKind::tls_cut_handshake);
  if (!peer) return;
  WatchedTransport transport{bench, check};
  const auto end = transport.climb(*peer, true);
  if (!check.that(!end, "a broken handshake makes no connection")) return;
  check.that(end.error() == Error::closed || end.error() == Error::tls_failed, name(end.error()));
  check.that(transport.stage() == Stage::securing, "it broke at `securing`");
}

void mute_peer_keeps_its_stage(Bench& bench, Check& check) {
  const auto mute = find_peer(bench, check, PeerKind::tcp_mute);
  if (!mute) return;
  WatchedTransport transport{bench, check};
  if (!check.that(transport.climb(*mute, true, Stage::securing).has_value(), "TCP is connected")) return;
  for (int i = 0; i < 20; ++i) {
    const auto stage = transport.advance();
    if (!check.that(stage && *stage == Stage::securing, "while the peer is silent the stage is `securing`")) return;
    transport.wait();
  }
  std::array<std::uint8_t, 4> buffer{};
  check.that(!transport.read(buffer) && !transport.write(buffer), "before `ready` nothing is read or written");
}

void close_at_each_stage(Bench& bench, Check& check) {
  for (const Stage stage : {Stage::resolving, Stage::connecting, Stage::securing, Stage::ready}) {
    const auto peer = find_peer(bench, check, PeerKind::tls_silent);
    if (!peer) return;
    WatchedTransport transport{bench, check};
    check.that(transport.climb(*peer, true, stage).has_value(), "the way up to the stage");
    transport.close();
    check.that(!transport.advance(), "nothing goes on after close()");
    const auto end = transport.climb(*peer, true);
    check.that(end && *end == Stage::ready, "after a close() in any stage the next connection is made");
  }
}

void open_drops_the_earlier_one(Bench& bench, Check& check) {
  for (const Stage stage : {Stage::resolving, Stage::securing, Stage::ready}) {
    const auto peer = find_peer(bench, check, PeerKind::tls_silent);
    if (!peer) return;
    WatchedTransport transport{bench, check};
    check.that(transport.climb(*peer, true, stage).has_value(), "the first connection");
    const auto end = transport.climb(*peer, true);
    check.that(end && *end == Stage::ready, "open() without close() drops the connection and makes the next one");
  }
}

void failures_leave_nothing_behind(Bench& bench, Check& check) {
  for (const PeerKind kind :
       {PeerKind::unknown_name, PeerKind::refused, PeerKind::tls_untrusted, PeerKind::tcp_plain}) {
    const auto bad = bench.peer(kind);
    if (!bad) continue;
    WatchedTransport transport{bench, check};
    check.that(!transport.climb(*bad, true), "a bad peer is not reached");
    transport.close();
    const auto good = find_peer(bench, check, PeerKind::tls_silent);
    if (!good) return;
    const auto end = transport.climb(*good, true);
    check.that(end && *end == Stage::ready, "after a failure the next connection is made");
  }
}

constexpr Promise kPromises[] = {
    {"transport: closed, it answers so and nothing else happens", closed_is_harmless},
    {"transport: a host and a port are asked for", arguments_are_checked},
    {"transport: the stages come in order, up to `ready`", stages_come_in_order},
    {"transport: without TLS there is no stage `securing`", plain_skips_securing},
    {"transport: a name that does not exist is dns_failed, at `resolving`", unknown_name},
    {"transport: a port without a listener is connect_refused, at `connecting`", refused},
    {"transport: a peer that hangs up before TLS is closed, at `securing`", hang_up},
    {"transport: a peer that hangs up during the handshake breaks it, at `securing`", cut_handshake},
    {"transport: a peer that speaks plainly is tls_failed, at `securing`", plain_instead_of_tls},
    {"transport: a peer that says nothing leaves the deadline to the caller", mute_peer_keeps_its_stage},
    {"transport: close() in any stage leaves nothing behind", close_at_each_stage},
    {"transport: open() drops an earlier connection", open_drops_the_earlier_one},
    {"transport: a failure does not spoil the next attempt", failures_leave_nothing_behind},
};

}  // namespace

std::span<const Promise> transport_promises() { return kPromises; }

}  // namespace tercet::contract
