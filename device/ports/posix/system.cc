#include "ports/posix/system.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/random.h>
#include <sys/timex.h>
#include <time.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>

namespace tercet::posix {
namespace {

/// The two clocks are read one after the other, and are slewed together: a difference beyond is a step.
constexpr std::int64_t kStepMs = 500;
constexpr std::int64_t kSameMs = 2'000;

std::int64_t read_clock(clockid_t which) {
  timespec at{};
  clock_gettime(which, &at);
  return std::int64_t{at.tv_sec} * 1000 + at.tv_nsec / 1'000'000;
}

ClockReading read_clocks() { return {read_clock(CLOCK_BOOTTIME), read_clock(CLOCK_REALTIME)}; }

bool follows_time_servers() {
  timex state{};
  const int status = adjtimex(&state);  // reads only; fails where it is forbidden
  return status >= 0 && status != TIME_ERROR;
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
UnixMillis SystemClock::wall() const { return correction_.wall(read_clocks(), follows_time_servers); }
void SystemClock::set_wall(UnixMillis to) { correction_.set(to, read_clocks()); }

void WallCorrection::set(UnixMillis to, const ClockReading& at) {
  is_set_ = true;
  told_less_boot_ = to.ms - at.boot;
  real_less_boot_ = at.real - at.boot;
}

UnixMillis WallCorrection::wall(const ClockReading& at, bool (*is_synchronised)()) const {
  if (!is_set_) return {at.real};
  const std::int64_t told = told_less_boot_ + at.boot;
  const bool has_stepped = std::abs(at.real - at.boot - real_less_boot_) > kStepMs;
  if (has_stepped && (std::abs(at.real - told) <= kSameMs || is_synchronised())) return {at.real};
  return {told};
}

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
