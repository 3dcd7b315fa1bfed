#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "platform/runtime/loop.h"
#include "platform/runtime/random.h"
#include "platform/runtime/timer_wheel.h"

namespace tercet::runtime {

class SimWorld;
class SimHost;
struct SimWire;
struct SimEnd;

/// Virtual time, finer than Instant so that events within a millisecond have an order.
using SimMicros = std::chrono::microseconds;

/// How a host hangs on the network; both hosts of a connection count. Change it at any time.
struct SimLink {
  SimMicros latency_min{50}, latency_max{500};  ///< one way
  double loss = 0;             ///< share of segments that come only with a retransmission; later ones wait for it
  Millis retransmission{200};  ///< that takes one to three times this
  std::uint64_t bytes_per_second = 0;  ///< 0: no limit
  double short_writes = 0;             ///< share of writes that take only some of the bytes
  double split_reads = 0;              ///< share of writes that arrive in two pieces
};

/// The twin of EpollLoop: same passes, same guarantees, virtual time. All loops of a world run in the one thread that
/// calls the world, one pass at a time, in an order that follows from the seed.
class SimLoop final : public Loop {
 public:
  ~SimLoop() override;
  Instant now() const override { return now_; }
  UnixMillis wall() const override;
  Random& random() override { return random_; }
  TimerWheel& timers() override;
  /// Arrives after a little while, but after what the same loop has posted here before.
  bool post(Task task) override;
  void attach(Stream& stream, StreamEvents& events) override;
  void detach(Stream& stream) override;
  void want_write(Stream& stream) override;
  void each_pass(std::function<void()> flush) override { flushes_.push_back(std::move(flush)); }
  /// The ip is the host's, "0.0.0.0" or "127.0.0.1".
  Result<Address> listen(const Address& address, Accept accept) override;
  void stop_listening() override;
  std::string last_error() const override { return last_error_; }
  Result<std::unique_ptr<Stream>> connect(const Address& address) override;

  SimHost& host() { return host_; }
  std::uint64_t passes() const { return passes_; }
  /// A thread that gets no processor: no pass runs until it is set free, then one does everything that has gathered.
  void stall(bool stalled);
  /// Tasks that may wait, 65536 to begin with.
  void set_inbox_capacity(std::size_t tasks) { inbox_capacity_ = tasks; }

 private:
  friend class SimWorld;
  friend class SimHost;
  friend class SimStream;
  SimLoop(SimWorld& world, SimHost& host, std::uint64_t number);
  void run_pass();
  void run_ready();
  void tell(SimEnd& end);
  void make_ready(SimEnd& end);
  void forget(const SimEnd& end);
  void wake(SimMicros at);
  void plan_next();
  void drop_everything();

  struct Arrived {
    std::shared_ptr<Accept> accept;
    std::unique_ptr<Stream> stream;
  };
  SimWorld& world_;
  SimHost& host_;
  const std::uint64_t number_;
  Instant now_;
  SeededRandom random_;
  TimerWheel timers_;
  bool timers_touched_ = false;
  std::size_t inbox_capacity_ = 65536;
  std::size_t posted_ = 0;  ///< on their way or in the inbox
  std::vector<Task> inbox_;
  std::map<const SimLoop*, SimMicros> last_post_;
  std::vector<Arrived> arrived_;
  std::vector<SimEnd*> ready_;
  std::vector<SimEnd*> telling_;
  std::vector<std::function<void()>> flushes_;
  std::string last_error_;
  SimMicros pass_at_ = SimMicros::max();
  bool stalled_ = false;
  std::uint64_t passes_ = 0;
};

/// A machine of the simulated network: an address, a wall clock, loops. A server has several loops, a board one.
class SimHost {
 public:
  SimLoop& add_loop();
  SimLoop& loop(std::size_t index) { return *loops_[index]; }
  std::size_t loops() const { return loops_.size(); }
  Address address(std::uint16_t port) const;
  bool is_up() const { return up_; }

  SimLink link;                  ///< how it hangs on the network
  bool refuse_connects = false;  ///< every connect is answered with a reset

  /// Its wall clock jumps; the monotonic one does not.
  void jump_wall(Millis by) { wall_offset_ += by; }
  /// Nothing passes to or from it until rejoin(); what was sent meanwhile then arrives, as TCP would repeat it.
  void isolate();
  void rejoin();
  /// Its connections of this moment go half-open for good: what either side sends vanishes, nobody sees a close.
  void stall_connections();
  /// Both ends of its connections see a reset.
  void reset_connections();

  enum class Death : std::uint8_t {
    process,  ///< the system closes its connections: peers see a close, or a reset when bytes were unread
    power,    ///< peers see nothing until they write to it after it is up again
  };
  /// Its loops stop: no pass, no timer, posts refused, tasks dropped. Called between passes. Afterwards the test
  /// destroys what lived there, calls revive() and builds it anew on the same loops.
  void kill(Death death);
  void revive();

 private:
  friend class SimWorld;
  friend class SimLoop;
  friend class SimStream;
  SimHost(SimWorld& world, const Address& ip) : world_(world), ip_(ip) {}
  bool is_dark() const { return !up_ && death_ == Death::power; }
  struct Listener {
    SimLoop* loop;
    std::shared_ptr<Loop::Accept> accept;
  };
  SimWorld& world_;
  Address ip_;
  bool up_ = true;
  std::uint64_t lives_ = 0;       ///< counts deaths
  Death death_ = Death::process;  ///< the last one
  bool isolated_ = false;
  Millis wall_offset_{0};
  std::uint16_t next_port_ = 40000;
  std::vector<std::unique_ptr<SimLoop>> loops_;
  std::map<std::uint16_t, std::vector<Listener>> listeners_;
};

/// The shards of a simulated server: the first `count` loops of its host, made as needed.
class SimShards final : public Shards {
 public:
  SimShards(SimHost& host, std::size_t count);
  std::size_t count() const override { return count_; }
  SimLoop& loop(std::size_t shard) override { return host_.loop(shard); }

 private:
  SimHost& host_;
  std::size_t count_;
};

/// Hosts, their connections and time, all decided by one seed: the same program with the same seed does the same, and
/// trace() shows it. (TLS draws random numbers of its own: simulate without it where the trace is compared.) One
/// thread.
class SimWorld {
 public:
  explicit SimWorld(std::uint64_t seed, UnixMillis wall = {1'800'000'000'000});
  ~SimWorld();
  SimWorld(const SimWorld&) = delete;
  SimWorld& operator=(const SimWorld&) = delete;

  SimHost& add_host(const std::string& ip);
  /// For the test's own choices, so that they follow from the seed too.
  SeededRandom& random() { return random_; }
  Instant now() const;
  UnixMillis wall() const;

  /// Nothing passes between these two until heal().
  void partition(SimHost& a, SimHost& b);
  void heal(SimHost& a, SimHost& b);

  /// Runs the next event. False when nothing will ever happen.
  bool step();
  void run_for(Millis span);
  /// True once the claim holds, which is asked after every event; false after the limit.
  template <typename Claim>
  bool run_until(Claim claim, Millis limit) {
    const SimMicros end = clock_ + limit;
    while (!claim()) {
      if (!step_before(end)) return claim();
    }
    return true;
  }
  /// A hash of everything that has happened: passes, posts, segments with their bytes, in order and with their times.
  std::uint64_t trace() const { return trace_; }

 private:
  friend class SimLoop;
  friend class SimHost;
  friend class SimStream;
  enum class Note : std::uint8_t { pass, post, syn, syn_ack, refuse, data, fin, reset, window };

  struct Key {
    SimMicros at;
    std::uint64_t tie;  ///< random: what is due at once happens in an order of the seed's choosing
    std::uint64_t number;
    auto operator<=>(const Key&) const = default;
  };
  void at(SimMicros when, Task event);
  bool step_before(SimMicros end);
  SimMicros jitter(std::int64_t micros) {
    return SimMicros{static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(micros)))};
  }
  void note(Note what, std::uint64_t who, Bytes bytes = {});
  void touch(SimLoop& loop);
  void plan_touched();
  void check_thread() const;

  // the network
  SimHost* host_at(const Address& address);
  bool is_blocked(const SimHost& a, const SimHost& b) const;
  void send(const std::shared_ptr<SimWire>& wire, int to, Note kind, Bytes bytes = {});
  void schedule_arrival(const std::shared_ptr<SimWire>& wire, int to, std::size_t bytes);
  void arrive(const std::shared_ptr<SimWire>& wire, int to);
  void take_syn(const std::shared_ptr<SimWire>& wire);
  void take(const std::shared_ptr<SimWire>& wire, int to, Note kind, Bytes bytes);
  void remember(const std::shared_ptr<SimWire>& wire);
  void release_held();
  template <typename Visit>
  void each_wire_of(const SimHost& host, Visit visit);

  SeededRandom random_;
  SimMicros clock_{10'000'000};
  UnixMillis wall_start_;
  std::uint64_t trace_ = 0xCBF29CE484222325ULL;
  std::uint64_t events_ = 0;
  std::uint64_t wires_made_ = 0;
  std::uint64_t loops_made_ = 0;
  std::thread::id thread_ = std::this_thread::get_id();
  SimLoop* running_ = nullptr;
  std::vector<SimLoop*> touched_;
  std::vector<std::weak_ptr<SimWire>> wires_;
  std::size_t prune_wires_at_ = 256;
  std::vector<std::pair<const SimHost*, const SimHost*>> partitions_;
  std::vector<std::unique_ptr<SimHost>> hosts_;
  std::map<Key, Task> queue_;  // destroyed first: its tasks hold wires
};

}  // namespace tercet::runtime
