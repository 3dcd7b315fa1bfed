#pragma once
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>

#include "platform/runtime/child_process.h"
#include "platform/runtime/loop.h"
#include "platform/script/scripts.h"

namespace tercet::script {

struct RunnerSettings {
  std::string program;  ///< the worker: `program arguments...` ends up in serve_scripts()
  std::vector<std::string> arguments;
  Millis longest{2000};            ///< of one run, by the clock on the wall; processor time is the worker's bound
  Millis patience{10'000};         ///< with a worker that is starting
  Millis pause{10'000};            ///< that a product's scripts rest after one was cut off
  std::size_t max_waiting = 1000;  ///< requests
  std::size_t max_waiting_bytes = std::size_t{8} << 20;  ///< of input
};

/// Scripts run in a process of their own, started with the first of them, ended and started anew when one runs too
/// long. The loop never waits: it writes, reads and looks at the clock.
///
///   none -first request-> starting -ready-> idle -request-> running -answer-> idle
///                            `-----------------------------------'-deadline, or it has died-> none
class Runner final : public Scripts, private runtime::StreamEvents {
 public:
  Runner(runtime::Loop& loop, RunnerSettings settings);
  ~Runner() override;
  void run(Request request, std::function<void(Outcome)> done) override;
  /// How often a worker was started.
  std::uint64_t starts() const { return starts_; }
  std::size_t waiting() const { return jobs_.size(); }

 private:
  struct Job {
    Request request;
    std::function<void(Outcome)> done;
  };
  void on_readable() override;
  void on_writable() override;
  void next();
  void write();
  bool take_frames();
  void fail_first(Outcome outcome);
  void lose_worker(bool is_late);
  void answer_later(std::function<void(Outcome)> done, Outcome outcome);
  void answer_refused();

  runtime::Loop& loop_;
  RunnerSettings settings_;
  std::unique_ptr<runtime::ChildProcess> worker_;
  bool is_ready_ = false;
  bool is_running_ = false;  ///< the first job has been sent
  std::deque<Job> jobs_;     ///< the first is the one that runs
  std::size_t waiting_bytes_ = 0;
  std::string out_, in_;
  std::uint64_t starts_ = 0;
  std::unordered_map<std::string, Instant> pauses_;  ///< by product
  std::deque<std::pair<std::function<void(Outcome)>, Outcome>> refused_;
  runtime::Timer deadline_, refuse_;
};

}  // namespace tercet::script
