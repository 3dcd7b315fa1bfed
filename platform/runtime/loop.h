#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "platform/runtime/stream.h"
#include "platform/runtime/task.h"
#include "tercet/base/bytes.h"
#include "tercet/base/result.h"
#include "tercet/base/time.h"

namespace tercet::runtime {

/// What an owner of a stream is told. Both calls come on the stream's loop.
class StreamEvents {
 public:
  virtual void on_readable() = 0;  ///< bytes, a close or a failure are waiting: read until `drained`
  virtual void on_writable() = 0;  ///< asked for with want_write(); comes once per request
 protected:
  ~StreamEvents() = default;
};

class Loop;
class TimerWheel;

/// A deadline inside the object it belongs to; destroying it cancels it. Setting again moves it. 48 bytes, no
/// allocation. Deadlines are kept to the millisecond and fire at or after their time, on the loop it was set on.
class Timer {
 public:
  using Fire = void (*)(void* owner);
  Timer(Fire fire, void* owner) : fire_(fire), owner_(owner) {}
  ~Timer() { cancel(); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  /// Moving a deadline later costs two stores, so re-arm as often as there is a reason. never() cancels.
  void set(Loop& loop, Instant at);
  void cancel();
  bool is_set() const { return loop_ != nullptr; }
  Instant at() const { return at_; }

 private:
  friend class TimerWheel;
  Fire fire_;
  void* owner_;
  Loop* loop_ = nullptr;
  Timer* next_ = nullptr;
  Timer** link_ = nullptr;  ///< the pointer that points here; intrusive list
  Instant at_{};
};

/// Random numbers of one loop. Real: seeded from the kernel, cryptographically strong. In simulation: from the seed.
class Random {
 public:
  virtual ~Random() = default;
  virtual std::uint64_t next() = 0;
  virtual void fill(MutableBytes into) = 0;
};

/// One thread's event loop: readiness, timers, tasks from other threads, and a last step of every pass in which owners
/// write what they have gathered. The real one is EpollLoop; the memory twin is SimLoop. Everything except post() and
/// stop() is called on the loop's own thread, or before it runs.
/// A pass: wait; read the clock; tasks posted so far; readiness; timers that are due; each_pass callbacks.
class Loop {
 public:
  virtual ~Loop() = default;

  /// The time of this pass, read once per pass. Monotonic.
  virtual Instant now() const = 0;
  /// What the wall says, read once per pass.
  virtual UnixMillis wall() const = 0;
  virtual Random& random() = 0;
  virtual TimerWheel& timers() = 0;

  /// Runs the task on this loop's thread, after everything posted before it by the same thread. Any thread.
  /// False when the bounded queue is full or the loop has stopped: the task was not taken.
  virtual bool post(Task task) = 0;

  /// From now on `events` is told about `stream` (read interest always on). Both outlive detach().
  virtual void attach(Stream& stream, StreamEvents& events) = 0;
  virtual void detach(Stream& stream) = 0;
  /// Ask for one on_writable when the stream can take bytes again.
  virtual void want_write(Stream& stream) = 0;

  /// Runs once at the end of this pass, after all readiness events and tasks; for coalesced writes and batches.
  /// Registered permanently, called every pass in order of registration.
  virtual void each_pass(std::function<void()> flush) = 0;

  using Accept = std::function<void(std::unique_ptr<Stream>)>;
  /// Listens on address; port 0 takes a free one. Gives the address bound. The acceptor runs on this loop.
  /// Errors: io_failed (in use, no permission; last_error() has the text).
  /// Several loops of one process may listen on the same address: each connection goes to one that is free.
  virtual Result<Address> listen(const Address& address, Accept accept) = 0;
  virtual void stop_listening() = 0;
  virtual std::string last_error() const = 0;

  /// Starts connecting. The stream is given at once: attach it and want_write; on_writable tells that it stands,
  /// on_readable with a failed read that it does not. Errors: io_failed (last_error()), unsupported.
  virtual Result<std::unique_ptr<Stream>> connect(const Address&) { return fail(Error::unsupported); }
};

/// The shards of this process. A device's home is a hash of its identity, the same at every start with this count.
class Shards {
 public:
  virtual ~Shards() = default;
  virtual std::size_t count() const = 0;
  virtual Loop& loop(std::size_t shard) = 0;
  std::size_t home_of(std::string_view identity) const;
};

/// Parses "127.0.0.1", "::1", "0.0.0.0" and a port. Errors: malformed.
Result<Address> make_address(std::string_view ip, std::uint16_t port);

}  // namespace tercet::runtime
