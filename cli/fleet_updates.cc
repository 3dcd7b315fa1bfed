#include "cli/fleet_updates.h"

#include <algorithm>
#include <atomic>
#include <boost/json.hpp>
#include <cmath>
#include <cstdio>
#include <deque>
#include <fstream>
#include <thread>

namespace tercet::cli {
namespace {

/// What the threads tell each other.
struct Conductor {
  std::atomic<std::uint32_t> online{0}, updated{0};
  std::atomic<bool> is_over{false}, is_broken{false};
};

/// One thread's boards.
class Worker {
 public:
  Worker(const FleetOptions& options, Conductor& conductor)
      : shared_{options, {}, {}, {}, {}, {}}, conductor_(conductor) {
    if (!options.ca_file.empty()) shared_.trust.files.push_back(options.ca_file);
  }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void add(const Triple& triple, bool cut) { boards_.emplace_back(shared_, triple, cut); }

  void run() {
    while (!conductor_.is_over) {
      start_some();
      wait();
      report();
    }
    for (std::size_t i = 0; i < started_; ++i) boards_[i].stop();
  }

  void add_to(FleetUpdateResult& result, std::vector<Instant>& offers, std::vector<Instant>& ends) const {
    for (const FleetUpdateBoard& board : boards_) {
      if (board.offered_at()) offers.push_back(*board.offered_at());
      if (board.updated_at()) ends.push_back(*board.updated_at());
      result.image_bytes = std::max(result.image_bytes, board.image_bytes());
    }
    result.counts.fetches_lost += shared_.counts.fetches_lost;
    result.counts.cuts += shared_.counts.cuts;
    result.counts.restarts += shared_.counts.restarts;
    for (const auto& fault : shared_.counts.faults) result.counts.faults[fault.first] += fault.second;
    result.distinct_sectors = std::max(result.distinct_sectors, shared_.sectors.distinct());
  }
  const std::string& problem() const { return problem_; }

 private:
  /// Not more logins under way than there are places for.
  void start_some() {
    const FleetOptions& options = shared_.options;
    const std::size_t places = std::max(1u, options.connecting / options.threads);
    for (; started_ < boards_.size() && started_ - been_online_ < places; ++started_) {
      if (boards_[started_].start(shared_.clock.now(), problem_)) continue;
      conductor_.is_broken = true;
      return;
    }
  }

  void wait() {
    fds_.clear();
    Instant due = shared_.clock.now() + Millis{20};
    for (std::size_t i = 0; i < started_; ++i) {
      for (const pollfd& one : boards_[i].interest()) fds_.push_back(one);
      due = std::min(due, boards_[i].next_deadline());
    }
    const Millis left = std::max(Millis{0}, due - shared_.clock.now());
    static_cast<void>(::poll(fds_.data(), fds_.size(), static_cast<int>(left.count())));
    const Instant now = shared_.clock.now();
    for (std::size_t i = 0; i * 2 < fds_.size(); ++i) {
      const bool is_ready = fds_[i * 2].revents != 0 || fds_[i * 2 + 1].revents != 0;
      if (is_ready || boards_[i].next_deadline() <= now) boards_[i].run(now);
    }
  }

  void report() {
    std::uint32_t online = 0, updated = 0;
    std::size_t begun = 0;
    for (std::size_t i = 0; i < started_; ++i) {
      online += boards_[i].is_online() ? 1 : 0;
      updated += boards_[i].updated_at() ? 1 : 0;
      begun += boards_[i].is_online() ? 1 : 0;
    }
    been_online_ = std::max(been_online_, begun);
    conductor_.online += online - told_online_;
    conductor_.updated += updated - told_updated_;
    told_online_ = online, told_updated_ = updated;
  }

  FleetUpdateShared shared_;
  Conductor& conductor_;
  std::deque<FleetUpdateBoard> boards_;
  std::vector<pollfd> fds_;
  std::size_t started_ = 0, been_online_ = 0;
  std::uint32_t told_online_ = 0, told_updated_ = 0;
  std::string problem_;
};

double seconds_since(std::chrono::steady_clock::time_point from) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - from).count();
}

void sleep_for(double seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); }

void conduct(const FleetOptions& options, Conductor& conductor, FleetUpdateResult& result) {
  const int platform = options.updates.platform_process;
  auto from = std::chrono::steady_clock::now();
  while (conductor.online < result.boards && !conductor.is_broken && seconds_since(from) < options.connect_timeout_s)
    sleep_for(0.01);
  result.connect_seconds = seconds_since(from);
  result.online = conductor.online;
  result.platform.before = result.platform.peak = resident_mb(platform);
  std::fprintf(stderr, "tercet fleet: %u of %u boards online, waiting for %s\n", result.online, result.boards,
               options.updates.version.c_str());
  from = std::chrono::steady_clock::now();
  while (conductor.updated < result.boards && !conductor.is_broken && seconds_since(from) < options.updates.within_s) {
    sleep_for(0.05);
    result.platform.peak = std::max(result.platform.peak, resident_mb(platform));
  }
  conductor.is_over = true;
}

double tenths(double value) { return std::round(value * 10) / 10; }

double quantile(const std::vector<double>& sorted, double q) {
  if (sorted.empty()) return 0;
  return sorted[std::min(sorted.size() - 1, static_cast<std::size_t>(q * static_cast<double>(sorted.size())))];
}

}  // namespace

double resident_mb(int process) {
  if (process <= 0) return 0;
  std::ifstream file("/proc/" + std::to_string(process) + "/status");
  for (std::string word; file >> word;) {
    if (word != "VmRSS:") continue;
    double kilobytes = 0;
    file >> kilobytes;
    return kilobytes / 1024;
  }
  return 0;
}

bool update_fleet(const FleetOptions& options, const std::vector<Triple>& triples, FleetUpdateResult& result,
                  std::string& problem) {
  result.boards = options.boards != 0 ? options.boards : static_cast<std::uint32_t>(triples.size());
  if (result.boards > triples.size()) {
    problem =
        std::to_string(result.boards) + " boards want as many triples, and there are " + std::to_string(triples.size());
    return false;
  }
  Conductor conductor;
  std::deque<Worker> workers;
  for (std::uint32_t i = 0; i < options.threads; ++i) workers.emplace_back(options, conductor);
  const std::uint32_t every = options.updates.cut_every;
  for (std::uint32_t i = 0; i < result.boards; ++i)
    workers[i % options.threads].add(triples[i], every != 0 && i % every == 0);
  std::vector<std::thread> threads;
  for (Worker& worker : workers) threads.emplace_back([&worker] { worker.run(); });
  conduct(options, conductor, result);
  for (std::thread& thread : threads) thread.join();
  std::vector<Instant> offers, ends;
  for (const Worker& worker : workers) {
    worker.add_to(result, offers, ends);
    if (problem.empty()) problem = worker.problem();
  }
  if (conductor.is_broken) return false;
  result.offered = static_cast<std::uint32_t>(offers.size());
  result.updated = static_cast<std::uint32_t>(ends.size());
  std::sort(ends.begin(), ends.end());
  if (!offers.empty()) {
    const Instant first = *std::min_element(offers.begin(), offers.end());
    for (const Instant end : ends) result.board_seconds.push_back(static_cast<double>((end - first).count()) / 1000);
    if (!ends.empty()) result.seconds = result.board_seconds.back();
  }
  if (options.updates.platform_process != 0) sleep_for(2);  // for its connections to be gone
  result.platform.after = resident_mb(options.updates.platform_process);
  return true;
}

std::string render(const FleetOptions& options, const FleetUpdateResult& result) {
  namespace json = boost::json;
  json::object faults;
  for (const auto& fault : result.counts.faults) faults[fault.first] = fault.second;
  const double megabytes = static_cast<double>(result.image_bytes) / (1 << 20);
  json::object line{{"boards", result.boards},
                    {"online", result.online},
                    {"connect_seconds", tenths(result.connect_seconds)},
                    {"version", options.updates.version},
                    {"over", options.updates.over},
                    {"image_bytes", result.image_bytes},
                    {"offered", result.offered},
                    {"updated", result.updated},
                    {"behind", result.behind()},
                    {"seconds", tenths(result.seconds)},
                    {"median_seconds", tenths(quantile(result.board_seconds, 0.5))},
                    {"mb_per_s", result.seconds > 0 ? tenths(megabytes * result.updated / result.seconds) : 0.0},
                    {"fetches_lost", result.counts.fetches_lost},
                    {"supplies_cut", result.counts.cuts},
                    {"restarts", result.counts.restarts},
                    {"faults", std::move(faults)},
                    {"distinct_sectors", result.distinct_sectors}};
  if (options.updates.platform_process != 0)
    line["platform_rss_mb"] = json::object{{"before", tenths(result.platform.before)},
                                           {"peak", tenths(result.platform.peak)},
                                           {"after", tenths(result.platform.after)}};
  return json::serialize(line);
}

}  // namespace tercet::cli
