#include "ports/posix/system.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/random.h>
#include <time.h>

#include <cerrno>
#include <cstdio>
#include <memory>

namespace tercet::posix {
namespace {

std::int64_t read_clock(clockid_t which) {
  timespec at{};
  clock_gettime(which, &at);
  return std::int64_t{at.tv_sec} * 1000 + at.tv_nsec / 1'000'000;
}

bool any_interface(unsigned flags, bool with_address) {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return true;  // we cannot tell: let the connection find out
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(list, &freeifaddrs);
  for (const ifaddrs* at = list; at != nullptr; at = at->ifa_next) {
    if ((at->ifa_flags & flags) != flags || (at->ifa_flags & IFF_LOOPBACK) != 0) continue;
    if (!with_address) return true;
    if (at->ifa_addr == nullptr) continue;
    const auto family = at->ifa_addr->sa_family;
    if (family == AF_INET) return true;
    if (family != AF_INET6) continue;
    const auto* address = reinterpret_cast<const sockaddr_in6*>(at->ifa_addr);
    if (!IN6_IS_ADDR_LINKLOCAL(&address->sin6_addr)) return true;
  }
  return false;
}

}  // namespace

Instant SystemClock::now() const { return Instant{Millis{read_clock(CLOCK_BOOTTIME)}}; }
UnixMillis SystemClock::wall() const { return {read_clock(CLOCK_REALTIME) + offset_ms_}; }
void SystemClock::set_wall(UnixMillis to) { offset_ms_ = to.ms - read_clock(CLOCK_REALTIME); }

void SystemRandom::fill(MutableBytes into) {
  while (!into.empty()) {
    const ssize_t got = getrandom(into.data(), into.size(), 0);
    if (got > 0) into = into.subspan(static_cast<std::size_t>(got));
    TERCET_CHECK(got > 0 || errno == EINTR);
  }
}

void StderrLog::line(device::LogLevel level, std::string_view text) {
  if (level < least_) return;
  constexpr const char* kNames[] = {"info", "warning", "error"};
  std::fprintf(stderr, "%s: %.*s\n", kNames[static_cast<int>(level)], static_cast<int>(text.size()), text.data());
}

SystemNetwork::SystemNetwork(std::string_view host)
    : local_(host == "localhost" || host == "::1" || host.starts_with("127.")) {}

bool SystemNetwork::has_link() const { return local_ || any_interface(IFF_UP | IFF_RUNNING, false); }
bool SystemNetwork::has_address() const { return local_ || any_interface(IFF_UP | IFF_RUNNING, true); }

}  // namespace tercet::posix
