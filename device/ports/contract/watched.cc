#include "ports/contract/watched.h"

namespace tercet::contract {

using device::Stage;

template <typename F>
auto WatchedTransport::timed(const char* what, F call) {
  const std::int64_t before = bench_.waited_us();
  const auto result = call();
  check_.always(bench_.waited_us() - before <= kLongestCallUs, what);
  return result;
}

Result<void> WatchedTransport::open(const device::Target& target) {
  const auto opened = timed("open() took more than 50 ms", [&] { return transport_.open(target); });
  highest_ = transport_.stage();
  if (opened) check_.that(highest_ >= Stage::resolving && highest_ < Stage::ready, "open() begins below `ready`");
  return opened;
}

Result<Stage> WatchedTransport::advance() {
  const auto stage = timed("advance() took more than 50 ms", [&] { return transport_.advance(); });
  const Stage now = transport_.stage();
  check_.always(!stage || *stage == now, "stage() is what advance() has returned");
  check_.always(now >= highest_, "the stages go up only");
  if (now > highest_) highest_ = now;
  return stage;
}

Result<std::size_t> WatchedTransport::read(MutableBytes into) {
  const auto got = timed("read() took more than 50 ms", [&] { return transport_.read(into); });
  check_.always(!got || (*got >= 1 && *got <= into.size()), "read() gives 1 byte to as many as there is room for");
  return got;
}

Result<std::size_t> WatchedTransport::write(Bytes from) {
  const auto sent = timed("write() took more than 50 ms", [&] { return transport_.write(from); });
  check_.always(!sent || (*sent >= 1 && *sent <= from.size()), "write() takes 1 byte to as many as it was given");
  return sent;
}

void WatchedTransport::close() {
  timed("close() took more than 50 ms", [&] {
    transport_.close();
    return 0;
  });
  check_.always(transport_.stage() == Stage::closed, "after close() the stage is `closed`");
  highest_ = Stage::closed;
}

Result<Stage> WatchedTransport::climb(const Peer& peer, bool tls, Stage until) {
  if (const auto opened = open({peer.host, peer.port, tls}); !opened) return fail(opened.error());
  Patience patience{bench_};
  while (patience.is_left()) {
    if (stage() >= until) return stage();
    const auto reached = advance();
    if (!reached || *reached >= until) return reached;
    wait();
  }
  return fail(Error::timed_out);
}

Result<std::size_t> WatchedTransport::read_some(MutableBytes into) {
  Patience patience{bench_};
  while (patience.is_left()) {
    const auto got = read(into);
    if (got || got.error() != Error::would_block) return got;
    wait();
  }
  return fail(Error::timed_out);
}

std::optional<Peer> find_peer(Bench& bench, Check& check, PeerKind kind) {
  const auto peer = bench.peer(kind);
  if (!peer) check.skip("this bench has no such peer");
  return peer;
}

}  // namespace tercet::contract
