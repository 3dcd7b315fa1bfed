#include "tests/simulation/portal.h"

#include "tercet/base/check.h"

namespace tercet::simulation {
namespace {

constexpr std::string_view kRedirection =
    "HTTP/1.1 302 Found\r\nLocation: http://portal.example/login\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

}  // namespace

class Portal::Guest final : public runtime::StreamEvents {
 public:
  Guest(Portal& portal, std::unique_ptr<runtime::Stream> stream, bool is_silent)
      : portal_(portal), stream_(std::move(stream)), is_silent_(is_silent) {
    portal_.loop_.attach(*stream_, *this);
  }
  ~Guest() { portal_.loop_.detach(*stream_); }

 private:
  void on_readable() override {
    if (is_leaving_) return;
    std::uint8_t bytes[512];
    runtime::Io io;
    std::size_t heard = 0;
    do {
      io = stream_->read(bytes);
      heard += io.bytes;
    } while (io.state == runtime::Io::State::more);
    const bool is_over = io.state == runtime::Io::State::closed || io.state == runtime::Io::State::failed;
    if (!is_over && (is_silent_ || heard == 0)) return;
    if (!is_over) stream_->write(as_bytes(kRedirection));
    is_leaving_ = true;
    TERCET_CHECK(portal_.loop_.post([this, &guests = portal_.guests_] { guests.erase(this); }));
  }
  void on_writable() override {}

  Portal& portal_;
  std::unique_ptr<runtime::Stream> stream_;
  bool is_silent_;
  bool is_leaving_ = false;  ///< a guest cannot go in its own call
};

Portal::Portal(runtime::SimHost& host) : host_(host), loop_(host.add_loop()) {
  listen(kRedirecting);
  listen(kSilent);
}

Portal::~Portal() = default;

void Portal::listen(std::uint16_t port) {
  const auto accept = [this, port](std::unique_ptr<runtime::Stream> stream) {
    auto guest = std::make_unique<Guest>(*this, std::move(stream), port == kSilent);
    guests_[guest.get()] = std::move(guest);
  };
  TERCET_CHECK(loop_.listen(host_.address(port), accept));
}

}  // namespace tercet::simulation
