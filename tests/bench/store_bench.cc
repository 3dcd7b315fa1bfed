// Durable puts per second through RocksStore: two loops submit once per pass what has gathered, as shards do, each with
// a fixed number of puts waiting for the disk (closed loop). Usage: store_bench [folder] [seconds] [puts waiting]
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "platform/runtime/shard_set.h"
#include "platform/store/rocks_store.h"

namespace {

using namespace tercet;
using Clock = std::chrono::steady_clock;

double cpu_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

void big_endian(std::string& out, std::uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
}

/// One shard: devices report in turn, two puts each (history and last value), `window` reports on their way.
class Reporter {
 public:
  Reporter(runtime::Loop& loop, store::StreamStore& store, std::size_t shard, std::size_t window)
      : loop_(loop), store_(store), shard_(shard), due_(window) {
    loop_.each_pass([this] { flush(); });
  }
  void stop() { stopped_ = true; }
  std::uint64_t durable() const { return durable_.load(std::memory_order_relaxed); }
  std::vector<double> latencies_ms;  // of groups; read after the loop has ended

 private:
  void flush() {
    if (due_ == 0 || stopped_) return;
    store::Mutations mutations;
    const std::size_t count = std::exchange(due_, 0);
    for (std::size_t i = 0; i < count; ++i) report(mutations);
    const auto began = Clock::now();
    const auto taken = store_.submit(loop_, std::move(mutations), [this, count, began] {
      latencies_ms.push_back(std::chrono::duration<double, std::milli>(Clock::now() - began).count());
      durable_.fetch_add(2 * count, std::memory_order_relaxed);
      due_ += count;
    });
    if (!taken) std::abort();
  }
  void report(store::Mutations& mutations) {
    const std::uint64_t device = shard_ * 1000 + next_ % 1000;
    key_.clear();
    big_endian(key_, device);
    mutations.put(store::Family::state, key_, R"({"t":1712345678000,"temperature":23.5,"humidity":41.2})");
    key_ += "p";
    big_endian(key_, 1712345678000 + next_++);
    mutations.put(store::Family::history, key_, R"({"temperature":23.5,"humidity":41.2})");
  }

  runtime::Loop& loop_;
  store::StreamStore& store_;
  const std::size_t shard_;
  std::size_t due_;
  std::uint64_t next_ = 0;
  std::string key_;
  std::atomic<bool> stopped_{false};
  std::atomic<std::uint64_t> durable_{0};
};

double percentile(std::vector<double>& values, double p) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(p * static_cast<double>(values.size() - 1))];
}

void closed_loop(store::StreamStore& store, double seconds, std::size_t window) {
  auto shards = runtime::ShardSet::open(2);
  if (!shards) std::abort();
  Reporter a((*shards)->loop(0), store, 0, window / 4), b((*shards)->loop(1), store, 1, window / 4);
  (*shards)->start();
  for (std::size_t s = 0; s < 2; ++s) static_cast<void>((*shards)->loop(s).post([] {}));
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  const auto before = store.counters();
  const double cpu = cpu_seconds();
  const auto began = Clock::now();
  const std::uint64_t puts = a.durable() + b.durable();
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  const double took = std::chrono::duration<double>(Clock::now() - began).count();
  const double done = static_cast<double>(a.durable() + b.durable() - puts);
  const double used = cpu_seconds() - cpu;
  const auto after = store.counters();
  a.stop(), b.stop();
  store.close();
  (*shards)->stop_and_join();
  auto all = a.latencies_ms;
  all.insert(all.end(), b.latencies_ms.begin(), b.latencies_ms.end());
  const double commits = static_cast<double>(after.commits - before.commits);
  std::printf("window %6zu: %9.0f durable puts/s  %7.0f commits/s  %6.0f puts/commit  write+sync %5.2f ms  ", window,
              done / took, commits / took, done / std::max(1.0, commits),
              static_cast<double>(after.sync_micros - before.sync_micros) / 1e3 / std::max(1.0, commits));
  std::printf("p50 %6.2f p99 %6.2f ms  CPU %5.2f us/put\n", percentile(all, 0.5), percentile(all, 0.99),
              used / done * 1e6);
}

/// One small submission every 5 ms: what a lone post waits for its commit.
void low_load(store::StreamStore& store) {
  auto loop = runtime::EpollLoop::open();
  if (!loop) std::abort();
  std::vector<double> latencies;
  for (int i = 0; i < 200; ++i) {
    store::Mutations mutations;
    mutations.put(store::Family::state, "lonely", std::to_string(i));
    bool durable = false;
    const auto began = Clock::now();
    if (!store.submit(**loop, std::move(mutations), [&durable] { durable = true; })) std::abort();
    while (!durable) (*loop)->run_once(Millis{100});
    latencies.push_back(std::chrono::duration<double, std::milli>(Clock::now() - began).count());
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  store.close();
  std::printf("one at a time: p50 %.2f p99 %.2f ms\n", percentile(latencies, 0.5), percentile(latencies, 0.99));
}

}  // namespace

int main(int argc, char** argv) {
  const std::filesystem::path folder = argc > 1 ? argv[1] : "store_bench.data";
  const double seconds = argc > 2 ? std::atof(argv[2]) : 3;
  std::vector<std::size_t> windows{400, 4000, 32000};
  if (argc > 3) windows = {static_cast<std::size_t>(std::atol(argv[3]))};
  std::filesystem::remove_all(folder);
  const auto with_store = [&](auto&& measure) {
    const auto began = Clock::now();
    auto store = store::RocksStore::open({.folder = folder});
    if (!store) return static_cast<void>(std::fprintf(stderr, "%s\n", store.problem().detail.c_str()));
    std::printf("open %.0f ms; ", std::chrono::duration<double, std::milli>(Clock::now() - began).count());
    measure(**store);
  };
  with_store([](store::StreamStore& store) { low_load(store); });
  for (const std::size_t window : windows)
    with_store([&](store::StreamStore& store) { closed_loop(store, seconds, window); });
  with_store([](store::StreamStore& store) { low_load(store); });
  std::filesystem::remove_all(folder);
  return 0;
}
