#include "tests/simulation/field_transport.h"

#include <algorithm>
#include <cstring>

#include "tercet/base/writer.h"
#include "tests/simulation/heap_meter.h"

namespace tercet::simulation {
namespace {

using device::Stage;
constexpr Millis kHandshake{400};
constexpr Millis kRoundTrip{60};
constexpr Millis kCertificateLife = std::chrono::days{90};  // on either side of today

void wake(void* what) { (*static_cast<std::function<void()>*>(what))(); }

}  // namespace

FieldTransport::FieldTransport(runtime::SimLoop& loop, const Surroundings& around, const runtime::Address& server,
                               const Portal& portal, Callbacks callbacks)
    : loop_(loop),
      around_(around),
      server_(server),
      portal_(portal),
      callbacks_(std::move(callbacks)),
      tcp_(loop, server, callbacks_.wake),
      secured_(&wake, &callbacks_.wake) {}

Result<void> FieldTransport::open(const device::Target& target) {
  OutsideScope outside;
  close();
  tls_ = target.tls;
  way_ = around_.way;
  witness_.opened();
  stage_ = Stage::resolving;
  callbacks_.wake();
  return {};
}

Result<Stage> FieldTransport::advance() {
  OutsideScope outside;
  switch (stage_) {
    case Stage::closed:
      return fail(Error::closed);
    case Stage::resolving:
      return resolve();
    case Stage::connecting:
      return connect();
    case Stage::securing:
      return secure();
    case Stage::ready:
      break;
  }
  return stage_;
}

Result<Stage> FieldTransport::resolve() {
  if (around_.names == Surroundings::Names::unknown) return fail(Error::dns_failed);
  if (around_.names == Surroundings::Names::silent) return stage_;
  const bool is_silent = way_ == Surroundings::Way::silent_portal;
  tcp_.aim(way_ == Surroundings::Way::open ? server_ : portal_.address(is_silent));
  if (const auto opened = tcp_.open({}); !opened) return fail(opened.error());
  return stage_ = Stage::connecting;
}

Result<Stage> FieldTransport::connect() {
  const auto reached = tcp_.advance();
  if (!reached) return fail(reached.error());
  if (*reached != Stage::ready) return stage_;
  secured_at_ = loop_.now() + kHandshake;
  if (tls_) secured_.set(loop_, secured_at_);
  if (!tls_) callbacks_.wake();
  return stage_ = tls_ ? Stage::securing : Stage::ready;
}

Result<Stage> FieldTransport::secure() {
  std::array<std::uint8_t, 1> byte;  // the platform does not speak first
  if (const auto got = tcp_.read(byte); !got && got.error() != Error::would_block) return fail(got.error());
  if (loop_.now() < secured_at_ || way_ == Surroundings::Way::silent_portal) return stage_;
  if (way_ == Surroundings::Way::redirecting_portal) return fail(Error::tls_failed);
  if (way_ == Surroundings::Way::forging_portal) return fail(Error::tls_untrusted);
  if (std::chrono::abs(callbacks_.clock_error()) > kCertificateLife) return fail(Error::tls_expired);
  callbacks_.wake();
  return stage_ = Stage::ready;
}

Result<std::size_t> FieldTransport::read(MutableBytes into) {
  OutsideScope outside;
  if (stage_ != Stage::ready) return fail(Error::closed);
  const auto got = tcp_.read(into);
  if (got) callbacks_.acknowledged(witness_.received(into.first(*got)));
  return got;
}

Result<std::size_t> FieldTransport::write(Bytes from) {
  OutsideScope outside;
  if (stage_ != Stage::ready) return fail(Error::closed);
  const auto taken = tcp_.write(from);
  if (taken) witness_.sent(from.first(*taken));
  return taken;
}

void FieldTransport::close() {
  OutsideScope outside;
  secured_.cancel();
  tcp_.close();
  stage_ = Stage::closed;
}

FieldDatagram::FieldDatagram(runtime::SimWorld& world, runtime::SimLoop& loop, const Surroundings& around,
                             std::function<void()> wake_up)
    : world_(world), loop_(loop), around_(around), wake_(std::move(wake_up)), answer_(&wake, &wake_) {}

Result<void> FieldDatagram::send(std::string_view, std::uint16_t, Bytes bytes) {
  OutsideScope outside;
  if (around_.names == Surroundings::Names::unknown) return fail(Error::dns_failed);
  if (around_.names == Surroundings::Names::silent) return fail(Error::would_block);
  asked_ = !around_.drops_datagrams && around_.has_link && around_.way == Surroundings::Way::open;
  std::memcpy(cookie_.data(), bytes.data() + 40, cookie_.size());
  if (asked_) answer_.set(loop_, loop_.now() + kRoundTrip);
  return {};
}

Result<std::size_t> FieldDatagram::receive(MutableBytes into) {
  if (!asked_ || answer_.is_set()) return fail(Error::would_block);
  asked_ = false;
  const UnixMillis time = world_.wall();
  const auto seconds = static_cast<std::uint64_t>(time.ms / 1000 + 2'208'988'800);
  const auto fraction = (static_cast<std::uint64_t>(time.ms % 1000) << 32) / 1000;
  Writer out{into};
  out.u8(0x24), out.u8(2);  // version 4, server; stratum
  for (int i = 0; i < 22; ++i) out.u8(0);
  out.bytes(cookie_);
  out.u64(seconds << 32 | fraction);
  out.u64(seconds << 32 | fraction);
  TERCET_CHECK(out.ok());
  return out.size();
}

}  // namespace tercet::simulation
