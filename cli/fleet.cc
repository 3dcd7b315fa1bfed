#include "cli/fleet.h"

#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <deque>
#include <fstream>
#include <sstream>
#include <thread>

#include "cli/fleet_board.h"
#include "cli/fleet_updates.h"

namespace tercet::cli {
namespace {

enum class Phase : int { connect, warm_up, measure, drain, done };

/// What the threads tell each other.
struct Conductor {
  std::atomic<Phase> phase{Phase::connect};
  std::atomic<std::uint32_t> online{0}, busy{0};  ///< busy: boards with unacknowledged posts
};

Instant instant_of(SteadyTime at) { return Instant{std::chrono::duration_cast<Millis>(at.time_since_epoch())}; }

/// One thread's boards and its epoll loop.
class Worker {
 public:
  Worker(const FleetOptions& options, const posix::SocketAddress& address, std::shared_ptr<posix::TlsContext> tls,
         Conductor& conductor, std::uint32_t index)
      : shared_{options, address, std::move(tls), {}, 0, 0, options.seed * 77 + index * 2 + 1},
        conductor_(conductor),
        epoll_(::epoll_create1(EPOLL_CLOEXEC)) {}
  ~Worker() { ::close(epoll_); }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void add(const Triple& triple) { boards_.emplace_back(shared_, triple); }
  const FleetResult& counts() const { return shared_.counts; }

  void run() {
    tick();
    for (FleetBoard& board : boards_) board.start(now());
    for (Phase phase = Phase::connect; phase != Phase::done; phase = conductor_.phase) {
      enter(phase);
      wait();
      if (shared_.now >= next_sweep_) sweep();
      if (phase == Phase::warm_up || phase == Phase::measure) drive();
      report();
    }
    for (FleetBoard& board : boards_) shared_.counts.unanswered += board.in_flight();
    for (FleetBoard& board : boards_) board.close_politely(now());
  }

 private:
  Instant now() const { return instant_of(shared_.now); }
  void tick() { shared_.now = std::chrono::steady_clock::now(); }

  void enter(Phase phase) {
    if (phase == entered_) return;
    entered_ = phase;
    shared_.measuring = phase == Phase::measure;
    next_due_ = shared_.now;
    if (phase == Phase::warm_up && shared_.options.rate <= 0)
      for (FleetBoard& board : boards_) serve(board);
  }

  void wait() {
    std::array<epoll_event, 512> events;
    const int timeout = shared_.options.rate > 0 && entered_ != Phase::connect ? 1 : 20;
    const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), timeout);
    tick();
    for (int i = 0; i < count; ++i) {
      auto& board = *static_cast<FleetBoard*>(events[static_cast<std::size_t>(i)].data.ptr);
      board.on_ready(now());
      serve(board);
    }
  }

  /// Timers and new connections of all boards, ten times a second while they settle and when they run.
  void sweep() {
    next_sweep_ = shared_.now + std::chrono::milliseconds(entered_ == Phase::connect ? 5 : 100);
    for (FleetBoard& board : boards_) {
      if (board.next_deadline() <= now() || !board.is_online()) board.pass(now());
      const std::uint32_t places = std::max(1u, shared_.options.connecting / shared_.options.threads);
      if (board.wants_socket() && shared_.connecting < places) board.open(now());
      serve(board);
    }
  }

  void serve(FleetBoard& board) {
    const bool loops = shared_.options.rate <= 0 && (entered_ == Phase::warm_up || entered_ == Phase::measure);
    if (loops) board.fill(now());
    board.flush(now());
    watch(board);
  }

  void watch(FleetBoard& board) {
    const std::uint32_t wanted = board.interest();
    if (wanted == board.watched || board.socket() < 0) return;
    epoll_event event{wanted, {&board}};
    ::epoll_ctl(epoll_, board.watched == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, board.socket(), &event);
    board.watched = wanted;
  }

  /// Paced: everything that has fallen due, boards in turn. QoS 0 in a closed loop has no answer to wait for: each
  /// board posts once in a pass.
  void drive() {
    const FleetOptions& options = shared_.options;
    if (options.rate <= 0) {
      if (options.qos == 0 && !options.await_reply)
        for (FleetBoard& board : boards_) serve(board);
      return;
    }
    const auto step = std::chrono::duration_cast<Nanoseconds>(
        std::chrono::duration<double>(static_cast<double>(options.threads) / options.rate));
    for (; next_due_ <= shared_.now; next_due_ += step) {
      bool posted = false;
      for (std::size_t tried = 0; tried < boards_.size() && !posted; ++tried) {
        FleetBoard& board = boards_[turn_];
        turn_ = (turn_ + 1) % boards_.size();
        posted = board.post(now(), next_due_);
        if (posted) dirty_.push_back(&board);
      }
      if (!posted && shared_.measuring) ++shared_.counts.late;
    }
    for (FleetBoard* board : dirty_) {
      board->flush(now());
      watch(*board);
    }
    dirty_.clear();
  }

  void report() {
    conductor_.online += shared_.online - told_online_;
    told_online_ = shared_.online;
    if (entered_ != Phase::drain) return;
    const auto busy = static_cast<std::uint32_t>(
        std::count_if(boards_.begin(), boards_.end(), [](const FleetBoard& b) { return b.in_flight() > 0; }));
    conductor_.busy += busy - told_busy_;
    told_busy_ = busy;
  }

  FleetShared shared_;
  Conductor& conductor_;
  int epoll_;
  std::deque<FleetBoard> boards_;
  std::vector<FleetBoard*> dirty_;
  Phase entered_ = Phase::connect;
  SteadyTime next_sweep_{}, next_due_{};
  std::size_t turn_ = 0;
  std::uint32_t told_online_ = 0, told_busy_ = 0;
};

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double seconds_since(SteadyTime from) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - from).count();
}

void sleep_for(double seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); }

void conduct(const FleetOptions& options, Conductor& conductor, FleetResult& result) {
  const auto started = std::chrono::steady_clock::now();
  while (conductor.online < result.boards && seconds_since(started) < options.connect_timeout_s) sleep_for(0.002);
  result.connect_seconds = seconds_since(started);
  result.online = conductor.online;
  if (options.duration_s > 0 && result.online > 0) {
    conductor.phase = Phase::warm_up;
    sleep_for(options.warmup_s);
    const double cpu = cpu_seconds();
    const auto from = std::chrono::steady_clock::now();
    conductor.phase = Phase::measure;
    sleep_for(options.duration_s);
    conductor.phase = Phase::drain;
    result.seconds = seconds_since(from);
    result.cpu_seconds = cpu_seconds() - cpu;
    sleep_for(0.3);
    for (const auto drained = std::chrono::steady_clock::now(); conductor.busy > 0 && seconds_since(drained) < 5;)
      sleep_for(0.02);
  }
  conductor.phase = Phase::done;
}

void merge(FleetResult& into, const FleetResult& from) {
  into.logins += from.logins;
  into.refused += from.refused;
  into.broken += from.broken;
  into.posts += from.posts;
  into.acks += from.acks;
  into.replies += from.replies;
  into.bad_replies += from.bad_replies;
  into.late += from.late;
  into.unanswered += from.unanswered;
  into.ack_us.insert(into.ack_us.end(), from.ack_us.begin(), from.ack_us.end());
  into.reply_us.insert(into.reply_us.end(), from.reply_us.begin(), from.reply_us.end());
}

std::uint32_t quantile(const std::vector<std::uint32_t>& sorted, double q) {
  if (sorted.empty()) return 0;
  return sorted[std::min(sorted.size() - 1, static_cast<std::size_t>(q * static_cast<double>(sorted.size())))];
}

bool resolve(const FleetOptions& options, posix::SocketAddress& address, std::string& problem) {
  const auto port = static_cast<std::uint16_t>(options.port != 0 ? options.port : options.plain ? 1883 : 8883);
  posix::Resolver resolver;
  resolver.begin(options.host, port, SOCK_STREAM);
  for (int i = 0; i < 5'000; ++i) {
    const auto found = resolver.poll();
    if (found) {
      address = found->front();
      return true;
    }
    if (found.error() != Error::would_block) break;
    sleep_for(0.002);
  }
  problem = options.host + ": cannot be resolved";
  return false;
}

}  // namespace

bool measure_fleet(const FleetOptions& options, const std::vector<Triple>& triples, FleetResult& result,
                   std::string& problem) {
  posix::SocketAddress address;
  if (!resolve(options, address, problem)) return false;
  std::shared_ptr<posix::TlsContext> tls;
  if (!options.plain) {
    const auto opened = options.ca_file.empty() ? posix::TlsContext::open_unverified()
                                                : posix::TlsContext::open({.files = {options.ca_file}}, problem);
    if (!opened) return false;
    tls = *opened;
  }
  result.boards = options.boards != 0 ? options.boards : static_cast<std::uint32_t>(triples.size());
  Conductor conductor;
  std::deque<Worker> workers;
  for (std::uint32_t i = 0; i < options.threads; ++i) workers.emplace_back(options, address, tls, conductor, i);
  for (std::uint32_t i = 0; i < result.boards; ++i) workers[i % options.threads].add(triples[i % triples.size()]);
  std::vector<std::thread> threads;
  for (Worker& worker : workers) threads.emplace_back([&worker] { worker.run(); });
  conduct(options, conductor, result);
  for (std::thread& thread : threads) thread.join();
  for (const Worker& worker : workers) merge(result, worker.counts());
  std::sort(result.ack_us.begin(), result.ack_us.end());
  std::sort(result.reply_us.begin(), result.reply_us.end());
  return true;
}

std::string render(const FleetOptions& options, const FleetResult& result) {
  const double seconds = result.seconds > 0 ? result.seconds : 1;
  const auto rate = [&](std::uint64_t count) { return static_cast<double>(count) / seconds; };
  const auto whole = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
  std::array<char, 1024> line;
  const int size = std::snprintf(
      line.data(), line.size(),
      "{\"boards\":%u,\"online\":%u,\"tls\":%s,\"verified\":%s,\"loop\":\"%s\",\"window\":%u,\"qos\":%d,"
      "\"connect_seconds\":%.3f,\"connects_per_s\":%.1f,\"seconds\":%.3f,\"posts\":%llu,\"acks\":%llu,"
      "\"replies\":%llu,\"posts_per_s\":%.1f,\"acks_per_s\":%.1f,\"replies_per_s\":%.1f,\"ack_p50_us\":%u,"
      "\"ack_p99_us\":%u,\"reply_p50_us\":%u,\"reply_p99_us\":%u,\"late\":%llu,\"refused\":%llu,\"broken\":%llu,"
      "\"bad_replies\":%llu,\"unanswered\":%llu,\"cpu_seconds\":%.3f}",
      result.boards, result.online, options.plain ? "false" : "true",
      options.plain || !options.ca_file.empty() ? "true" : "false", options.rate > 0 ? "paced" : "closed",
      options.window, options.qos, result.connect_seconds,
      static_cast<double>(result.online) / std::max(result.connect_seconds, 0.001), result.seconds, whole(result.posts),
      whole(result.acks), whole(result.replies), rate(result.posts), rate(result.acks), rate(result.replies),
      quantile(result.ack_us, 0.5), quantile(result.ack_us, 0.99), quantile(result.reply_us, 0.5),
      quantile(result.reply_us, 0.99), whole(result.late), whole(result.refused), whole(result.broken),
      whole(result.bad_replies), whole(result.unanswered), result.cpu_seconds);
  return std::string(line.data(), static_cast<std::size_t>(size));
}

namespace {

int run_fleet_updates(const FleetOptions& options) {
  std::vector<Triple> triples;
  FleetUpdateResult result;
  std::string problem;
  if (!read_triples(options.triples_file, triples, problem) || !update_fleet(options, triples, result, problem)) {
    std::fprintf(stderr, "tercet fleet: %s\n", problem.c_str());
    return 2;
  }
  std::printf("%s\n", render(options, result).c_str());
  return result.ok() ? 0 : 1;
}

void add_update_options(CLI::App& fleet, FleetUpdateOptions& updates) {
  fleet.add_option("--ota", updates.version, "no posts: wait for an update to this version, and take it (docs/ota.md)");
  fleet.add_option("--ota-from", updates.running, "version that the boards run at first");
  fleet.add_option("--ota-over", updates.over, "any (HTTPS, else the session), https or session")
      ->check(CLI::IsMember({"any", "https", "session"}));
  fleet.add_option("--ota-cut-every", updates.cut_every,
                   "each so-manieth board loses its supply once, at half of the image");
  fleet.add_option("--ota-within", updates.within_s, "seconds, from when the boards are online")
      ->check(CLI::Range(1, 86'400));
  fleet
      .add_option("--platform-process", updates.platform_process,
                  "process id of the platform on this machine, whose memory is shown")
      ->check(CLI::Range(1, 1 << 22));
}

}  // namespace

int run_fleet(const FleetOptions& options) {
  std::vector<Triple> triples;
  FleetResult result;
  std::string problem;
  if (!options.updates.version.empty()) return run_fleet_updates(options);
  if (!read_triples(options.triples_file, triples, problem) || !measure_fleet(options, triples, result, problem)) {
    std::fprintf(stderr, "tercet fleet: %s\n", problem.c_str());
    return 2;
  }
  std::printf("%s\n", render(options, result).c_str());
  return result.ok() ? 0 : 1;
}

void add_fleet(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<FleetOptions>();
  CLI::App* fleet = app.add_subcommand("fleet", "thousands of virtual boards; prints one line of JSON");
  fleet->add_option("--triples", options->triples_file, "file of lines: ProductKey DeviceName DeviceSecret")
      ->required();
  fleet->add_option("--host", options->host, "platform");
  fleet->add_option("--port", options->port, "port (8883, with --plain 1883)");
  fleet->add_option("--ca", options->ca_file, "root certificates, PEM; without it the certificate is not judged");
  fleet->add_flag("--plain", options->plain, "plain TCP instead of TLS");
  fleet->add_option("-n,--boards", options->boards, "how many boards (default: one for each triple)");
  fleet->add_option("--threads", options->threads, "threads")->check(CLI::Range(1, 64));
  fleet->add_option("-c,--connecting", options->connecting, "logins under way at a time")
      ->check(CLI::Range(1, 100'000));
  fleet->add_option("--connect-timeout", options->connect_timeout_s, "seconds for all to come online");
  fleet->add_option("--rate", options->rate, "posts per second of the whole fleet, paced; without it a closed loop")
      ->check(CLI::Range(0.0, 1e7));
  fleet->add_option("-w,--window", options->window, "posts of a board without acknowledgement")
      ->check(CLI::Range(1, 1'000));
  fleet->add_flag("--await-reply", options->await_reply,
                  "the closed loop waits for replies instead of acknowledgements");
  fleet->add_option("--qos", options->qos, "0 or 1")->check(CLI::Range(0, 1));
  fleet->add_option("--warmup", options->warmup_s, "seconds before measuring")->check(CLI::Range(0, 600));
  fleet->add_option("--duration", options->duration_s, "seconds measured; 0 = connect only")
      ->check(CLI::Range(0, 86'400));
  fleet->add_flag("!--no-replies", options->replies, "do not let the platform send replies (no _ss=1)");
  fleet->add_option("--keep-alive", options->keep_alive_s, "seconds")->check(CLI::Range(30, 1'200));
  fleet->add_option("--seed", options->seed, "seed of jitter and values");
  add_update_options(*fleet, options->updates);
  fleet->callback([options, &exit_code] { exit_code = run_fleet(*options); });
}

}  // namespace tercet::cli
