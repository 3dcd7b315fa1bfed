#include "platform/runtime/epoll_loop.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "platform/runtime/tcp_stream.h"
#include "tercet/base/check.h"

namespace tercet::runtime {
namespace {

constexpr int kAcceptsPerPass = 64;      // then the connections already here have their turn
constexpr Millis kDescriptorPause{100};  // how long to leave a listener alone when descriptors have run out
constexpr Millis kLongestSleep{60'000};

// What an epoll event belongs to: a pointer whose low bits tell of what.
enum Tag : std::uintptr_t { stream_tag = 0, listener_tag = 1, wake_tag = 2, tag_mask = 3 };

thread_local EpollLoop* current_loop = nullptr;

Millis read(clockid_t clock) {
  timespec at{};
  ::clock_gettime(clock, &at);
  return Millis{static_cast<std::int64_t>(at.tv_sec) * 1000 + at.tv_nsec / 1'000'000};
}

std::uint64_t tagged(const void* pointer, Tag tag) { return reinterpret_cast<std::uintptr_t>(pointer) | tag; }

TcpStream& transport_of(Stream& stream) { return static_cast<TcpStream&>(stream.transport()); }

}  // namespace

Result<std::unique_ptr<EpollLoop>> EpollLoop::open(Options options) {
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  const int wake = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.u64 = wake_tag;
  if (epoll < 0 || wake < 0 || ::epoll_ctl(epoll, EPOLL_CTL_ADD, wake, &event) != 0) {
    if (epoll >= 0) ::close(epoll);
    if (wake >= 0) ::close(wake);
    return fail(Error::io_failed);
  }
  return std::unique_ptr<EpollLoop>(new EpollLoop(epoll, wake, options));
}

EpollLoop::EpollLoop(int epoll, int wake, Options options)
    : epoll_(epoll), wake_(wake), inbox_(options.inbox_capacity), now_{read(CLOCK_MONOTONIC)}, timers_(now_) {}

EpollLoop::~EpollLoop() {
  listeners_.clear();
  stopped_listeners_.clear();
  ::close(wake_);
  ::close(epoll_);
}

EpollLoop* EpollLoop::current() { return current_loop; }

void EpollLoop::check_thread() const {
  TERCET_CHECK(current_loop == this || !running_.load(std::memory_order_relaxed));
}

TimerWheel& EpollLoop::timers() {
  check_thread();
  return timers_;
}

void EpollLoop::read_clock() {
  now_ = std::max(now_, Instant{read(CLOCK_MONOTONIC)});
  wall_read_ = false;
}

UnixMillis EpollLoop::wall() const {
  if (!wall_read_) {
    wall_ = UnixMillis{read(CLOCK_REALTIME).count()};
    wall_read_ = true;
  }
  return wall_;
}

bool EpollLoop::post(Task task) {
  const Inbox::Push pushed = inbox_.push(std::move(task));
  if (pushed == Inbox::Push::wake) ::eventfd_write(wake_, 1);
  return pushed != Inbox::Push::refused;
}

void EpollLoop::each_pass(std::function<void()> flush) {
  check_thread();
  flushes_.push_back(std::move(flush));
}

// --- passes ---

void EpollLoop::run() {
  running_.store(true, std::memory_order_relaxed);
  while (!stopping_.load(std::memory_order_acquire)) run_once(kLongestSleep);
  inbox_.close();
  run_once(Millis{0});  // the tasks taken before the close, and the last flush
  running_.store(false, std::memory_order_relaxed);
}

void EpollLoop::stop() {
  stopping_.store(true, std::memory_order_release);
  ::eventfd_write(wake_, 1);
}

int EpollLoop::wait_ms(Millis at_most) {
  if (!buffered_.empty() || at_most.count() <= 0) return 0;
  const Instant next = timers_.next_wake();
  if (next == Instant::never()) return static_cast<int>(std::min(at_most, kLongestSleep).count());
  const Millis left = next - Instant{read(CLOCK_MONOTONIC)};
  return static_cast<int>(std::clamp(left, Millis{0}, std::min(at_most, kLongestSleep)).count());
}

void EpollLoop::run_once(Millis at_most) {
  EpollLoop* const outer = current_loop;
  current_loop = this;
  const int wait = wait_ms(at_most);
  const bool asleep = wait != 0 && inbox_.fall_asleep();
  const int count = ::epoll_wait(epoll_, ready_.data(), static_cast<int>(ready_.size()), asleep ? wait : 0);
  if (asleep) inbox_.wake_up();
  ++passes_;
  stopped_listeners_.clear();
  read_clock();
  ready_count_ = std::max(count, 0);
  ready_at_ = 0;
  run_tasks();
  while (ready_at_ < ready_count_) dispatch(ready_[static_cast<std::size_t>(ready_at_++)]);
  announce_buffered();
  timers_.advance(now_);
  for (std::size_t i = 0; i < flushes_.size(); ++i) flushes_[i]();
  current_loop = outer;
}

void EpollLoop::run_tasks() {
  inbox_.take(tasks_);
  for (Task& task : tasks_) task();
  tasks_.clear();
}

void EpollLoop::dispatch(const epoll_event& event) {
  void* const target = reinterpret_cast<void*>(event.data.u64 & ~std::uint64_t{tag_mask});
  if (target == nullptr) return;  // the wake-up, or a stream that was detached earlier in this pass
  if ((event.data.u64 & tag_mask) == listener_tag) return accept_some(*static_cast<Listener*>(target));
  auto& stream = *static_cast<TcpStream*>(target);
  const std::uint32_t what = event.events;
  if ((what & EPOLLOUT) != 0 && stream.write_armed_ != 0) {
    stream.write_armed_ = 0;
    epoll_event quiet{};
    quiet.events = EPOLLIN;
    quiet.data.u64 = tagged(&stream, stream_tag);
    ::epoll_ctl(epoll_, EPOLL_CTL_MOD, stream.fd_, &quiet);
    stream.events_->on_writable();
    if (event.data.u64 == 0) return;  // that ended or moved the stream: forget() has been here
  }
  if ((what & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) stream.events_->on_readable();
}

void EpollLoop::announce_buffered() {
  const std::size_t count = buffered_.size();
  for (std::size_t i = 0; i < count; ++i) {
    StreamEvents* const events = buffered_[i].events;
    buffered_[i] = {nullptr, nullptr};
    if (events != nullptr) events->on_readable();
  }
  buffered_.erase(buffered_.begin(), buffered_.begin() + static_cast<std::ptrdiff_t>(count));
}

// --- streams ---

void EpollLoop::attach(Stream& stream, StreamEvents& events) {
  check_thread();
  TcpStream& transport = transport_of(stream);
  TERCET_CHECK(transport.events_ == nullptr);
  transport.events_ = &events;
  transport.write_armed_ = 0;
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = tagged(&transport, stream_tag);
  TERCET_CHECK(::epoll_ctl(epoll_, EPOLL_CTL_ADD, transport.fd_, &event) == 0);
  if (stream.has_buffered()) buffered_.push_back({&transport, &events});
}

void EpollLoop::detach(Stream& stream) {
  check_thread();
  TcpStream& transport = transport_of(stream);
  if (transport.events_ == nullptr) return;
  ::epoll_ctl(epoll_, EPOLL_CTL_DEL, transport.fd_, nullptr);
  forget(transport);
  transport.events_ = nullptr;
  transport.write_armed_ = 0;
}

void EpollLoop::forget(const TcpStream& stream) {
  const std::uint64_t mark = tagged(&stream, stream_tag);
  for (int i = std::max(ready_at_ - 1, 0); i < ready_count_; ++i) {
    epoll_event& event = ready_[static_cast<std::size_t>(i)];
    if (event.data.u64 == mark) event.data.u64 = 0;
  }
  for (Buffered& waiting : buffered_)
    if (waiting.transport == &stream) waiting = {nullptr, nullptr};
}

void EpollLoop::want_write(Stream& stream) {
  check_thread();
  TcpStream& transport = transport_of(stream);
  if (transport.events_ == nullptr || transport.write_armed_ != 0) return;
  transport.write_armed_ = 1;
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT;
  event.data.u64 = tagged(&transport, stream_tag);
  ::epoll_ctl(epoll_, EPOLL_CTL_MOD, transport.fd_, &event);
}

Result<std::unique_ptr<Stream>> EpollLoop::connect(const Address& address) {
  check_thread();
  const KernelAddress to(address);
  const int fd = ::socket(to.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    note_error("socket");
    return fail(Error::io_failed);
  }
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const bool failed = ::connect(fd, to.get(), to.size) != 0 && errno != EINPROGRESS;
  return std::unique_ptr<Stream>(std::make_unique<TcpStream>(fd, address, failed ? errno : 0));
}

// --- listeners ---

void EpollLoop::note_error(const char* what) {
  last_error_ = std::string(what) + ": " + std::system_category().message(errno);
}

bool EpollLoop::watch(Listener& listener) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLEXCLUSIVE;
  event.data.u64 = tagged(&listener, listener_tag);
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, listener.socket->descriptor(), &event) == 0) return true;
  note_error("epoll_ctl");
  return false;
}

void EpollLoop::unwatch(Listener& listener) {
  ::epoll_ctl(epoll_, EPOLL_CTL_DEL, listener.socket->descriptor(), nullptr);
}

Result<Address> EpollLoop::listen(const Address& address, Accept accept) {
  check_thread();
  auto socket = ListenSocket::open(address, last_error_);
  if (!socket) return fail(socket.error());
  auto listener = std::unique_ptr<Listener>(new Listener{*this, std::move(*socket), std::move(accept)});
  if (!watch(*listener)) return fail(Error::io_failed);
  listeners_.push_back(std::move(listener));
  return listeners_.back()->socket->address();
}

void EpollLoop::stop_listening() {
  check_thread();
  for (auto& listener : listeners_) {
    if (!listener->paused) unwatch(*listener);
    listener->stopped = true;
    listener->resume.cancel();
    listener->socket.reset();
    stopped_listeners_.push_back(std::move(listener));
  }
  listeners_.clear();
}

void EpollLoop::accept_some(Listener& listener) {
  for (int i = 0; i < kAcceptsPerPass && !listener.stopped; ++i) {
    sockaddr_storage from{};
    socklen_t size = sizeof from;
    const int fd = ::accept4(listener.socket->descriptor(), reinterpret_cast<sockaddr*>(&from), &size,
                             SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      listener.accept(std::make_unique<TcpStream>(fd, address_of(from)));
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      return pause(listener);
    } else if (errno != EINTR && errno != ECONNABORTED) {
      return;
    }
  }
}

/// Clients wait in the backlog meanwhile; without the pause the listener would be ready in every pass.
void EpollLoop::pause(Listener& listener) {
  note_error("accept");
  unwatch(listener);
  listener.paused = true;
  listener.resume.set(*this, now_ + kDescriptorPause);
}

void EpollLoop::Listener::take_up() {
  paused = false;
  if (!loop.watch(*this)) loop.pause(*this);
}

}  // namespace tercet::runtime
