// idf::Resolver for the tests on Linux, over posix::Resolver: lwIP's is the one part of the transport that is not here.
#include "ports/esp-idf/resolver.h"

#include <map>

#include "ports/posix/resolver.h"

namespace tercet::idf {
namespace {

posix::Resolver& twin_of(const Resolver* resolver) {
  static std::map<const Resolver*, posix::Resolver> twins;
  return twins[resolver];
}

}  // namespace

FixedString<64> text_of(const SocketAddress& address) {
  const posix::SocketAddress same{address.storage, address.size};
  FixedString<64> text;
  static_cast<void>(text.assign(same.text()));
  return text;
}

Result<void> Resolver::begin(std::string_view host, std::uint16_t port) {
  if (const auto fits = host_.assign(host); !fits || host.empty()) return fail(Error::bad_argument);
  twin_of(this).begin(host, port, SOCK_STREAM);
  state_ = State::asked;
  return {};
}

Result<SocketAddress> Resolver::poll() {
  const auto found = twin_of(this).poll();
  if (!found) return fail(found.error());
  state_ = State::idle;
  return SocketAddress{found->front().storage, found->front().size};
}

bool Resolver::is_pending() const { return state_ != State::idle; }

}  // namespace tercet::idf
