#pragma once
#include <sys/epoll.h>

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "platform/runtime/inbox.h"
#include "platform/runtime/listen_socket.h"
#include "platform/runtime/loop.h"
#include "platform/runtime/random.h"
#include "platform/runtime/timer_wheel.h"

namespace tercet::runtime {

class TcpStream;

/// The real loop: one epoll, level-triggered. Read interest is always on; EPOLLOUT only between want_write() and the
/// on_writable it asked for. One thread runs it. Objects that used it (streams, timers) may be destroyed after it ran,
/// before it or after it.
class EpollLoop final : public Loop {
 public:
  struct Options {
    std::size_t inbox_capacity = 65536;  ///< tasks from other threads that may wait
  };
  /// Errors: io_failed, no descriptors left.
  static Result<std::unique_ptr<EpollLoop>> open(Options options);
  static Result<std::unique_ptr<EpollLoop>> open() { return open(Options{}); }
  ~EpollLoop() override;
  EpollLoop(const EpollLoop&) = delete;
  EpollLoop& operator=(const EpollLoop&) = delete;

  /// Passes until stop(). Tasks taken before the stop are still run, later ones are refused.
  void run();
  /// Ends run() after its pass. Any thread, also before run().
  void stop();
  /// One pass, waiting at most so long for something to do. For tests and for programs with a loop of their own.
  void run_once(Millis at_most);
  std::uint64_t passes() const { return passes_; }

  /// The loop whose pass this thread is in, or null.
  static EpollLoop* current();

  Instant now() const override { return now_; }
  UnixMillis wall() const override;
  Random& random() override { return random_; }
  TimerWheel& timers() override;
  bool post(Task task) override;
  void attach(Stream& stream, StreamEvents& events) override;
  void detach(Stream& stream) override;
  void want_write(Stream& stream) override;
  void each_pass(std::function<void()> flush) override;
  Result<Address> listen(const Address& address, Accept accept) override;
  void stop_listening() override;
  std::string last_error() const override { return last_error_; }
  Result<std::unique_ptr<Stream>> connect(const Address& address) override;

 private:
  friend class TcpStream;
  struct Listener {
    EpollLoop& loop;
    std::shared_ptr<ListenSocket> socket;
    Accept accept;
    bool stopped = false;
    bool paused = false;  ///< out of descriptors; the timer takes it up again
    Timer resume{[](void* self) { static_cast<Listener*>(self)->take_up(); }, this};
    void take_up();
  };
  static constexpr std::size_t kEventsPerPass = 512;

  EpollLoop(int epoll, int wake, Options options);
  void check_thread() const;
  void read_clock();
  int wait_ms(Millis at_most);
  void run_tasks();
  void dispatch(const epoll_event& event);
  void announce_buffered();
  void accept_some(Listener& listener);
  void pause(Listener& listener);
  bool watch(Listener& listener);
  void unwatch(Listener& listener);
  void note_error(const char* what);
  /// Drops every mention of the stream from the pass that is under way.
  void forget(const TcpStream& stream);

  const int epoll_;
  const int wake_;  ///< eventfd, edge-triggered: written to wake, never read
  std::atomic<bool> stopping_{false};
  std::atomic<bool> running_{false};
  Inbox inbox_;
  std::vector<Task> tasks_;  ///< taken from the inbox, being run
  Instant now_;
  mutable UnixMillis wall_;
  mutable bool wall_read_ = false;
  StrongRandom random_;
  TimerWheel timers_;
  std::array<epoll_event, kEventsPerPass> ready_;
  int ready_at_ = 0;
  int ready_count_ = 0;
  struct Buffered {
    TcpStream* transport;
    StreamEvents* events;
  };
  std::vector<Buffered> buffered_;  ///< attached with bytes inside; told in the next pass
  std::vector<std::function<void()>> flushes_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::vector<std::unique_ptr<Listener>> stopped_listeners_;  ///< freed at the start of the next pass
  std::string last_error_;
  std::uint64_t passes_ = 0;
};

}  // namespace tercet::runtime
