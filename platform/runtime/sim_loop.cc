#include <algorithm>

#include "platform/runtime/sim_wire.h"
#include "tercet/base/check.h"

namespace tercet::runtime {
namespace {

constexpr std::int64_t kWakeMicros = 40;  // how late a loop may notice
constexpr std::int64_t kPostMicros = 80;  // how long a post may take
constexpr int kMostInVain = 2000;

SimStream& transport_of(Stream& stream) { return static_cast<SimStream&>(stream.transport()); }

Instant instant(SimMicros at) { return Instant{std::chrono::floor<Millis>(at)}; }

}  // namespace

SimLoop::SimLoop(SimWorld& world, SimHost& host, std::uint64_t number)
    : world_(world),
      host_(host),
      number_(number),
      now_(world.now()),
      random_(world.random_.next() ^ number),
      timers_(now_) {}

SimLoop::~SimLoop() = default;

UnixMillis SimLoop::wall() const { return {world_.wall().ms + host_.wall_offset_.count()}; }

TimerWheel& SimLoop::timers() {
  if (!timers_touched_) {
    timers_touched_ = true;
    world_.touch(*this);
  }
  return timers_;
}

bool SimLoop::post(Task task) {
  world_.check_thread();
  if (!host_.up_ || posted_ >= inbox_capacity_) return false;
  ++posted_;
  SimMicros& last = last_post_[world_.running_];
  last = std::max(last + SimMicros{1}, world_.clock_ + world_.jitter(kPostMicros));
  world_.at(last, [this, t = std::make_shared<Task>(std::move(task)), life = host_.lives_]() {
    if (life != host_.lives_) return;  // killed since
    world_.note(SimWorld::Note::post, number_);
    inbox_.push_back(std::move(*t));
    wake(world_.clock_ + world_.jitter(kWakeMicros));
  });
  return true;
}

// --- passes ---

void SimLoop::wake(SimMicros when) {
  if (!host_.up_ || when >= pass_at_) return;
  pass_at_ = when;
  world_.at(when, [this, when] {
    if (pass_at_ == when) run_pass();
  });
}

void SimLoop::stall(bool stalled) {
  stalled_ = stalled;
  if (!stalled) wake(world_.clock_ + SimMicros{1});
}

void SimLoop::plan_next() {
  timers_touched_ = false;
  const Instant next = timers_.next_wake();
  if (next == Instant::never()) return;
  wake(std::max(SimMicros{next.since_start}, world_.clock_) + SimMicros{1} + world_.jitter(kWakeMicros));
}

void SimLoop::run_pass() {
  pass_at_ = SimMicros::max();
  if (!host_.up_ || stalled_) return;
  world_.note(SimWorld::Note::pass, number_);
  world_.running_ = this;
  ++passes_;
  now_ = instant(world_.clock_);
  std::vector<Task> tasks;
  tasks.swap(inbox_);
  posted_ -= tasks.size();
  for (Task& task : tasks) task();
  std::vector<Arrived> arrived;
  arrived.swap(arrived_);
  for (Arrived& one : arrived) (*one.accept)(std::move(one.stream));
  run_ready();
  timers_.advance(now_);
  for (std::size_t i = 0; i < flushes_.size(); ++i) flushes_[i]();
  world_.running_ = nullptr;
  plan_next();
}

void SimLoop::run_ready() {
  telling_.swap(ready_);
  for (std::size_t i = 0; i < telling_.size(); ++i) {
    SimEnd* const end = telling_[i];
    if (end == nullptr) continue;  // detached earlier in this pass
    end->queued = false;
    if (end->writable) {
      end->writable = false;
      end->events->on_writable();
    }
    if (telling_[i] != nullptr && (end->is_readable() || end->buffered)) tell(*end);
    if (telling_[i] != nullptr && end->is_readable()) make_ready(*end);  // level-triggered
  }
  telling_.clear();
}

void SimLoop::tell(SimEnd& end) {
  end.buffered = false;
  TERCET_CHECK(++end.told_in_vain <
               kMostInVain);  // the owner must read, or detach after a close: a real loop would spin
  end.events->on_readable();
}

void SimLoop::make_ready(SimEnd& end) {
  if (end.events == nullptr || end.queued) return;
  end.queued = true;
  ready_.push_back(&end);
  wake(world_.clock_ + SimMicros{1} + world_.jitter(kWakeMicros));
}

// --- streams ---

void SimLoop::attach(Stream& stream, StreamEvents& events) {
  SimStream& transport = transport_of(stream);
  SimEnd& end = transport.end();
  TERCET_CHECK(end.events == nullptr);
  end.loop = this;
  end.events = &events;
  end.told_in_vain = 0;
  end.buffered = stream.has_buffered();
  if (end.is_readable() || end.buffered) make_ready(end);
}

void SimLoop::detach(Stream& stream) {
  SimEnd& end = transport_of(stream).end();
  if (end.events == nullptr) return;
  TERCET_CHECK(end.loop == this);
  forget(end);
  end.loop = nullptr;
  end.events = nullptr;
  end.queued = end.writable = end.wants_write = false;
}

void SimLoop::forget(const SimEnd& end) {
  std::erase(ready_, &end);
  std::replace(telling_.begin(), telling_.end(), const_cast<SimEnd*>(&end), static_cast<SimEnd*>(nullptr));
}

void SimLoop::want_write(Stream& stream) {
  SimStream& transport = transport_of(stream);
  SimEnd& end = transport.end();
  if (end.events == nullptr) return;
  if (!end.connected || transport.other().unread_or_under_way >= kSimWindow) {
    end.wants_write = true;
    return;
  }
  end.writable = true;
  make_ready(end);
}

// --- listening and connecting ---

Result<Address> SimLoop::listen(const Address& address, Accept accept) {
  Address bound = address;
  while (bound.port == 0 || (address.port == 0 && host_.listeners_.contains(bound.port)))
    bound.port = host_.next_port_++;
  auto& listeners = host_.listeners_[bound.port];
  const bool twice = std::any_of(listeners.begin(), listeners.end(), [&](const auto& l) { return l.loop == this; });
  if (twice) {
    last_error_ = "listen on " + bound.text() + ": Address already in use";
    return fail(Error::io_failed);
  }
  listeners.push_back({this, std::make_shared<Accept>(std::move(accept))});
  return bound;
}

void SimLoop::stop_listening() {
  for (auto& [port, listeners] : host_.listeners_)
    std::erase_if(listeners, [&](const SimHost::Listener& listener) { return listener.loop == this; });
  std::erase_if(host_.listeners_, [](const auto& entry) { return entry.second.empty(); });
  arrived_.clear();
}

Result<std::unique_ptr<Stream>> SimLoop::connect(const Address& address) {
  SimHost* const to = address.is_loopback() ? &host_ : world_.host_at(address);
  auto wire = std::make_shared<SimWire>();
  wire->number = ++world_.wires_made_;
  wire->listen_port = address.port;
  wire->ends[0].host = &host_;
  wire->ends[0].peer = address;
  wire->ends[1].host = to;
  wire->ends[1].peer = host_.address(host_.next_port_++);
  if (host_.next_port_ < 40000) host_.next_port_ = 40000;
  auto stream = std::make_unique<SimStream>(world_, wire, 0);
  world_.remember(wire);
  if (to != nullptr) world_.send(wire, 1, SimWorld::Note::syn);  // into the void, nothing ever answers
  return std::unique_ptr<Stream>(std::move(stream));
}

void SimLoop::drop_everything() {
  TERCET_CHECK(world_.running_ == nullptr);
  stop_listening();
  inbox_.clear();
  posted_ = 0;
  last_post_.clear();
  flushes_.clear();
  for (SimEnd* end : ready_) end->queued = false;
  ready_.clear();
  pass_at_ = SimMicros::max();
}

SimShards::SimShards(SimHost& host, std::size_t count) : host_(host), count_(count) {
  while (host.loops() < count) host.add_loop();
}

}  // namespace tercet::runtime
