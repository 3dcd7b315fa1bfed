#pragma once
#include <memory>
#include <string>

#include "platform/runtime/epoll_loop.h"
#include "platform/runtime/loop.h"

namespace tercet::runtime {

/// Reads all it is told about and remembers it; sends what it is given, as the stream takes it.
struct Party final : StreamEvents {
  Party(Loop& on, std::unique_ptr<Stream> with) : loop(on), stream(std::move(with)) { loop.attach(*stream, *this); }
  ~Party() {
    if (stream != nullptr) loop.detach(*stream);
  }
  void on_readable() override {
    std::uint8_t buffer[4096];
    for (;;) {
      const Io io = stream->read(buffer);
      received.append(reinterpret_cast<const char*>(buffer), io.bytes);
      if (echo) send(std::string(reinterpret_cast<const char*>(buffer), io.bytes));
      if (io.state == Io::State::more) continue;
      last = io.state;
      if (stream->wants_write()) loop.want_write(*stream);
      if (last != Io::State::drained) loop.detach(*stream);
      return;
    }
  }
  void on_writable() override {
    ++writable;
    flush();
  }
  void send(std::string text) {
    pending += text;
    flush();
  }
  void flush() {
    const Io io = stream->write(as_bytes(pending));
    pending.erase(0, io.bytes);
    if (!pending.empty() || stream->wants_write()) loop.want_write(*stream);
  }
  Loop& loop;
  std::unique_ptr<Stream> stream;
  std::string received, pending;
  Io::State last = Io::State::drained;
  int writable = 0;
  bool echo = false;
};

/// Passes until the claim holds; a test that waits in vain ends by the limit.
template <typename Claim>
bool run_until(EpollLoop& loop, Claim claim) {
  const Instant limit = loop.now() + Seconds{10};
  while (!claim() && loop.now() < limit) loop.run_once(Millis{50});
  return claim();
}

}  // namespace tercet::runtime
