#include "platform/script/worker.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <string>

#include "platform/script/engine.h"
#include "platform/script/frame.h"

namespace tercet::script {
namespace {

constexpr int kSocket = 0;

void limit(int resource, rlim_t most) {
  const rlimit bound{most, most};
  static_cast<void>(::setrlimit(static_cast<__rlimit_resource_t>(resource), &bound));
}

/// Processor time until SIGPROF, whose default is the end. 0 stops the clock.
void set_clock(int millis) {
  itimerval timer{};
  timer.it_value.tv_usec = millis * 1000L;
  ::setitimer(ITIMER_PROF, &timer, nullptr);
}

bool read_all(char* into, std::size_t size) {
  for (std::size_t got = 0; got < size;) {
    const auto n = ::read(kSocket, into + got, size - got);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    got += static_cast<std::size_t>(n);
  }
  return true;
}

bool write_all(const std::string& bytes) {
  for (std::size_t sent = 0; sent < bytes.size();) {
    const auto n = ::send(kSocket, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    sent += static_cast<std::size_t>(n);
  }
  return true;
}

}  // namespace

int serve_scripts() {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  ::prctl(PR_SET_DUMPABLE, 0);
  ::signal(SIGPROF, SIG_DFL);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_FSIZE, 0);
  limit(RLIMIT_NOFILE, 3);
  limit(RLIMIT_NPROC, 0);
  if (!write_all(std::string(4, '\0'))) return 0;  // an empty frame: ready
  std::string frame(4, '\0');
  for (;;) {
    frame.resize(4);
    if (!read_all(frame.data(), 4)) return 0;
    const auto size = frame_size(frame);
    if (!size || *size > kMaxFrame) return 1;
    frame.resize(*size);
    if (!read_all(frame.data(), *size)) return 0;
    const auto request = decode_request(frame);
    if (!request) return 1;
    set_clock(kProcessorMillis);
    const Outcome outcome = run_here(*request);
    set_clock(0);
    if (!write_all(encode(outcome))) return 0;
  }
}

}  // namespace tercet::script
