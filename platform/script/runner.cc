#include "platform/script/runner.h"

#include <array>
#include <csignal>
#include <utility>

#include "platform/script/frame.h"
#include "platform/script/worker.h"
#include "tercet/base/bytes.h"

namespace tercet::script {

using alink::Code;

Runner::Runner(runtime::Loop& loop, RunnerSettings settings)
    : loop_(loop),
      settings_(std::move(settings)),
      deadline_([](void* self) { static_cast<Runner*>(self)->lose_worker(true); }, this),
      refuse_([](void* self) { static_cast<Runner*>(self)->answer_refused(); }, this) {}

Runner::~Runner() {
  if (worker_) loop_.detach(worker_->stream());
}

void Runner::run(Request request, std::function<void(Outcome)> done) {
  Outcome refused;
  refused.code = Code::script_throttled;
  if (const auto pause = pauses_.find(request.product); pause != pauses_.end()) {
    if (loop_.now() < pause->second) {
      refused.detail = "a script of this product was cut off; its scripts rest for " +
                       std::to_string(settings_.pause.count() / 1000) + " s after that";
      return answer_later(std::move(done), std::move(refused));
    }
    pauses_.erase(pause);
  }
  if (jobs_.size() >= settings_.max_waiting || waiting_bytes_ + request.input.size() > settings_.max_waiting_bytes) {
    refused.detail = "too many messages wait for scripts";
    return answer_later(std::move(done), std::move(refused));
  }
  waiting_bytes_ += request.input.size();
  jobs_.push_back({std::move(request), std::move(done)});
  next();
}

void Runner::next() {
  if (jobs_.empty() || is_running_) return;
  if (!worker_) {
    auto started = runtime::ChildProcess::start(settings_.program, settings_.arguments);
    if (!started) {
      Outcome outcome;
      outcome.code = Code::script_error;
      outcome.detail = "the script worker: " + started.problem().detail;
      answer_later(std::move(jobs_.front().done), std::move(outcome));
      waiting_bytes_ -= jobs_.front().request.input.size();
      jobs_.pop_front();
      return;  // the refusal's timer goes on with the next one
    }
    worker_ = std::move(*started);
    ++starts_;
    is_ready_ = false;
    in_.clear(), out_.clear();
    loop_.attach(worker_->stream(), *this);
    deadline_.set(loop_, loop_.now() + settings_.patience);
    return;
  }
  if (!is_ready_) return;
  is_running_ = true;
  out_ = encode(jobs_.front().request);
  deadline_.set(loop_, loop_.now() + settings_.longest);
  write();
}

void Runner::write() {
  while (!out_.empty()) {
    const runtime::Io io = worker_->stream().write(as_bytes(out_));
    out_.erase(0, io.bytes);
    if (io.state == runtime::Io::State::more) continue;
    if (io.state == runtime::Io::State::drained && !out_.empty()) loop_.want_write(worker_->stream());
    return;  // a worker that has gone is noticed by reading
  }
}

void Runner::on_writable() {
  if (worker_) write();
}

void Runner::on_readable() {
  std::array<std::uint8_t, 16384> buffer;
  while (worker_) {
    const runtime::Io io = worker_->stream().read(buffer);
    in_.append(reinterpret_cast<const char*>(buffer.data()), io.bytes);
    if (!take_frames()) return lose_worker(false);
    if (io.state == runtime::Io::State::more) continue;
    if (io.state != runtime::Io::State::drained) lose_worker(false);
    return;
  }
}

/// False when the worker has said what it should not.
bool Runner::take_frames() {
  for (;;) {
    const auto size = frame_size(in_);
    if (!size) return true;
    if (*size > kMaxFrame) return false;
    if (in_.size() < 4 + *size) return true;
    if (*size == 0) {
      if (is_ready_) return false;
      is_ready_ = true;
      in_.erase(0, 4);
      next();
      continue;
    }
    auto outcome = decode_outcome(std::string_view(in_).substr(4, *size));
    if (!outcome || !is_running_) return false;
    in_.erase(0, 4 + *size);
    if (outcome->is_cut_off) pauses_[jobs_.front().request.product] = loop_.now() + settings_.pause;
    deadline_.cancel();
    fail_first(std::move(*outcome));
    next();
  }
}

/// Answers the first job, with whatever has become of it.
void Runner::fail_first(Outcome outcome) {
  is_running_ = false;
  Job job = std::move(jobs_.front());
  jobs_.pop_front();
  waiting_bytes_ -= job.request.input.size();
  job.done(std::move(outcome));
}

void Runner::lose_worker(bool is_late) {
  if (!worker_) return;
  deadline_.cancel();
  loop_.detach(worker_->stream());
  const bool was_ready = is_ready_;
  const auto worker = std::exchange(worker_, nullptr);
  const int signal = worker->end();
  is_ready_ = false;
  if (!jobs_.empty() && (is_running_ || !was_ready)) {
    Outcome outcome;
    outcome.code = Code::script_error;
    if (!was_ready) {
      outcome.detail = "the script worker does not start";
    } else {
      outcome.is_cut_off = true;
      outcome.detail =
          is_late ? "the script ran longer than " + std::to_string(settings_.longest.count()) + " ms and was cut off"
          : signal == SIGPROF ? "the script took more than " + std::to_string(kProcessorMillis) +
                                    " ms of processor time and was cut off"
                              : "the script ended its worker (signal " + std::to_string(signal) + ")";
      pauses_[jobs_.front().request.product] = loop_.now() + settings_.pause;
    }
    fail_first(std::move(outcome));
  }
  next();
}

void Runner::answer_later(std::function<void(Outcome)> done, Outcome outcome) {
  refused_.emplace_back(std::move(done), std::move(outcome));
  refuse_.set(loop_, loop_.now());
}

void Runner::answer_refused() {
  auto refused = std::exchange(refused_, {});
  for (auto& [done, outcome] : refused) done(std::move(outcome));
  next();
}

}  // namespace tercet::script
