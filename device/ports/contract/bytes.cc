#include <algorithm>
#include <array>

#include "ports/contract/suite.h"
#include "ports/contract/watched.h"

// What goes through a connection.
namespace tercet::contract {
namespace {

using device::Stage;

/// The n-th byte of the stream: no period that a buffer could have.
std::uint8_t pattern(std::size_t at) {
  return static_cast<std::uint8_t>(at * 31 + (at >> 8) * 7 + (at >> 16) * 3 + at / 251);
}

/// One stream up and the same down, in pieces of changing size. After would_block the rest is offered again from
/// another address, and more of it, as a client does whose queue has grown meanwhile.
class Echo {
 public:
  Echo(Bench& bench, Check& check, WatchedTransport& transport) : bench_(bench), check_(check), transport_(transport) {}

  bool carry(std::size_t total) {
    WatchedTransport::Patience patience{bench_};
    while (heard_ < total && patience.is_left()) {
      const bool wrote = sent_ < total && write(total), read = hear();
      if (broken_) return false;
      if (!wrote && !read) transport_.wait();
    }
    return check_.that(heard_ == total, "every byte comes back");
  }
  bool had_to_wait() const { return blocked_ != 0; }

 private:
  bool write(std::size_t total) {
    auto& buffer = buffers_[++turn_ % 2];
    const std::size_t want = std::min({total - sent_, offered_ + 1 + turn_ * 37 % 900, buffer.size()});
    for (std::size_t i = 0; i < want; ++i) buffer[i] = pattern(sent_ + i);
    const auto sent = transport_.write(Bytes{buffer}.first(want));
    // Whatever the transport wants to keep it has to copy.
    buffer.fill(0xEE);
    if (!sent) {
      if (sent.error() != Error::would_block) return broke(name(sent.error()));
      ++blocked_;
      offered_ = want;
      return false;
    }
    sent_ += *sent;
    offered_ = 0;
    return true;
  }

  bool hear() {
    const auto got = transport_.read(MutableBytes{in_}.first(1 + turn_ * 53 % in_.size()));
    if (!got) return got.error() == Error::would_block ? false : broke(name(got.error()));
    for (std::size_t i = 0; i < *got; ++i)
      check_.always(in_[i] == pattern(heard_ + i), "bytes arrive as they were sent");
    heard_ += *got;
    return true;
  }

  bool broke(std::string_view what) {
    broken_ = true;
    return check_.that(false, what);
  }

  Bench& bench_;
  Check& check_;
  WatchedTransport& transport_;
  std::array<std::array<std::uint8_t, 1024>, 2> buffers_;
  std::array<std::uint8_t, 700> in_;
  std::size_t turn_ = 0, sent_ = 0, heard_ = 0, offered_ = 0, blocked_ = 0;
  bool broken_ = false;
};

/// The wall clock where the peers' certificates are valid.
bool connect(Bench& bench, Check& check, WatchedTransport& transport, PeerKind kind, bool tls) {
  const auto peer = find_peer(bench, check, kind);
  if (!peer) return false;
  bench.port().clock.set_wall(bench.good_time());
  const auto end = transport.climb(*peer, tls);
  return check.that(end && *end == Stage::ready, end ? "connected" : name(end.error()));
}

/// Whether the writer has had to wait in between.
bool echo(Bench& bench, Check& check, PeerKind kind, bool tls, std::size_t bytes) {
  WatchedTransport transport{bench, check};
  if (!connect(bench, check, transport, kind, tls)) return false;
  Echo stream{bench, check, transport};
  return stream.carry(bytes) && stream.had_to_wait();
}

void tls_both_ways(Bench& bench, Check& check) { echo(bench, check, PeerKind::tls_echo, true, 20'000); }
void plain_both_ways(Bench& bench, Check& check) { echo(bench, check, PeerKind::tcp_echo, false, 20'000); }
void slow_reader(Bench& bench, Check& check) {
  if (!bench.peer(PeerKind::tls_echo_late)) return check.skip("this bench has no such peer");
  // On a busy or slow machine the peer may wake before the writer has filled the buffers between them: then once more.
  for (int i = 0; i < 3 && check.failures() == 0; ++i)
    if (echo(bench, check, PeerKind::tls_echo_late, true, bench.bulk_bytes())) return;
}

void stuck_reader(Bench& bench, Check& check) {
  WatchedTransport transport{bench, check};
  if (!connect(bench, check, transport, PeerKind::tls_stuck, true)) return;
  std::array<std::uint8_t, 1024> buffer;
  buffer.fill('x');
  for (int i = 0; i < 64 * 1024; ++i) {
    const auto sent = transport.write(buffer);
    if (sent) continue;
    check.that(sent.error() == Error::would_block, name(sent.error()));
    return;
  }
  check.that(false, "a peer that does not read makes write() answer would_block some time");
}

void ends(Bench& bench, Check& check, PeerKind kind, bool tls, bool in_order) {
  WatchedTransport transport{bench, check};
  if (!connect(bench, check, transport, kind, tls)) return;
  std::array<char, 16> heard{};
  std::size_t size = 0;
  for (;;) {
    std::array<std::uint8_t, 3> part;
    const auto got = transport.read_some(part);
    if (!got) {
      check.that(got.error() != Error::timed_out && got.error() != Error::would_block, "the end is noticed");
      if (in_order) check.that(got.error() == Error::closed, name(got.error()));
      break;
    }
    for (std::size_t i = 0; i < *got && size < heard.size(); ++i) heard[size++] = static_cast<char>(part[i]);
  }
  check.that(std::string_view(heard.data(), size) == "goodbye", "what came before the end is read first");
  std::array<std::uint8_t, 3> part;
  const auto again = transport.read(part);
  check.that(!again && again.error() != Error::would_block, "the end stays the end");
}

void tls_goodbye(Bench& bench, Check& check) { ends(bench, check, PeerKind::tls_goodbye, true, true); }
void tls_cut(Bench& bench, Check& check) { ends(bench, check, PeerKind::tls_cut, true, false); }
void tcp_goodbye(Bench& bench, Check& check) { ends(bench, check, PeerKind::tcp_goodbye, false, true); }

constexpr Promise kPromises[] = {
    {"bytes: TLS carries them whole and in order, both ways", tls_both_ways},
    {"bytes: plain TCP carries them whole and in order, both ways", plain_both_ways},
    {"bytes: a peer that reads late loses none, wherever the rest is offered from", slow_reader},
    {"bytes: a peer that does not read makes write() answer would_block", stuck_reader},
    {"bytes: the peer's goodbye is closed, after what it said", tls_goodbye},
    {"bytes: a connection cut without a goodbye is noticed, after what came", tls_cut},
    {"bytes: the end of a plain connection is closed, after what came", tcp_goodbye},
};

}  // namespace

std::span<const Promise> byte_promises() { return kPromises; }

}  // namespace tercet::contract
