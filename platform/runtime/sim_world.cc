#include <algorithm>
#include <utility>

#include "platform/runtime/sim_wire.h"
#include "tercet/base/check.h"

namespace tercet::runtime {

SimWorld::SimWorld(std::uint64_t seed, UnixMillis wall) : random_(seed), wall_start_(wall) {}

SimWorld::~SimWorld() {
  // Tasks and accepted streams that never ran may hold streams and timers: they go while hosts and loops exist.
  queue_.clear();
  for (const auto& host : hosts_)
    for (const auto& loop : host->loops_) loop->inbox_.clear(), loop->arrived_.clear(), loop->flushes_.clear();
  queue_.clear();
}

Instant SimWorld::now() const { return Instant{std::chrono::floor<Millis>(clock_)}; }
UnixMillis SimWorld::wall() const { return {wall_start_.ms + now().since_start.count()}; }

void SimWorld::check_thread() const { TERCET_CHECK(std::this_thread::get_id() == thread_); }

// --- events ---

void SimWorld::at(SimMicros when, Task event) {
  const std::uint64_t tie = random_.next();
  queue_.emplace(Key{std::max(when, clock_), tie, ++events_}, std::move(event));
}

void SimWorld::touch(SimLoop& loop) { touched_.push_back(&loop); }

void SimWorld::plan_touched() {
  for (SimLoop* loop : touched_)
    if (loop->timers_touched_) loop->plan_next();
  touched_.clear();
}

bool SimWorld::step_before(SimMicros end) {
  check_thread();
  plan_touched();
  if (queue_.empty() || queue_.begin()->first.at > end) {
    if (end != SimMicros::max()) clock_ = end;
    return false;
  }
  auto next = queue_.extract(queue_.begin());
  clock_ = next.key().at;
  next.mapped()();
  return true;
}

bool SimWorld::step() { return step_before(SimMicros::max()); }

void SimWorld::run_for(Millis span) {
  const SimMicros end = clock_ + span;
  while (step_before(end)) {
  }
}

void SimWorld::note(Note what, std::uint64_t who, Bytes bytes) {
  const auto mix = [this](std::uint64_t value) {
    for (int i = 0; i < 8; ++i, value >>= 8) trace_ = (trace_ ^ (value & 0xFF)) * 0x100000001B3ULL;
  };
  mix(static_cast<std::uint64_t>(clock_.count()));
  mix(static_cast<std::uint64_t>(what));
  mix(who);
  for (const std::uint8_t byte : bytes) trace_ = (trace_ ^ byte) * 0x100000001B3ULL;
}

// --- the network ---

SimHost* SimWorld::host_at(const Address& address) {
  for (const auto& host : hosts_)
    if (std::equal(host->ip_.ip, host->ip_.ip + 16, address.ip)) return host.get();
  return nullptr;
}

bool SimWorld::is_blocked(const SimHost& a, const SimHost& b) const {
  if (&a == &b) return false;
  if (a.isolated_ || b.isolated_) return true;
  return std::any_of(partitions_.begin(), partitions_.end(), [&](const auto& pair) {
    return (pair.first == &a && pair.second == &b) || (pair.first == &b && pair.second == &a);
  });
}

void SimWorld::send(const std::shared_ptr<SimWire>& wire, int to, Note kind, Bytes bytes) {
  SimEnd& end = wire->ends[to];
  if (end.host == nullptr || wire->ends[1 - to].host == nullptr) return;  // no such host: nothing ever arrives
  end.under_way.push_back({static_cast<std::uint8_t>(kind), std::string(as_text(bytes))});
  schedule_arrival(wire, to, bytes.size());
}

void SimWorld::schedule_arrival(const std::shared_ptr<SimWire>& wire, int to, std::size_t bytes) {
  SimEnd& end = wire->ends[to];
  const SimHost& from = *wire->ends[1 - to].host;
  SimMicros delay{5};
  if (&from != end.host) {
    for (const SimLink* link : {&from.link, &std::as_const(end.host->link)}) {
      delay += link->latency_min + jitter((link->latency_max - link->latency_min).count() + 1);
      if (random_.chance(link->loss)) delay += link->retransmission * static_cast<int>(1 + random_.below(3));
      if (link->bytes_per_second != 0)
        delay += SimMicros{static_cast<std::int64_t>(bytes * 1'000'000 / link->bytes_per_second)};
    }
  }
  end.last_arrival = std::max(end.last_arrival + SimMicros{1}, clock_ + delay);
  at(end.last_arrival, [this, wire, to] { arrive(wire, to); });
}

/// What was sent first comes first: an arrival takes the front, whichever segment it was scheduled for.
void SimWorld::arrive(const std::shared_ptr<SimWire>& wire, int to) {
  SimEnd& end = wire->ends[to];
  if (is_blocked(*wire->ends[0].host, *wire->ends[1].host)) {
    ++end.held;
    return;
  }
  TERCET_CHECK(!end.under_way.empty());
  const SimEnd::Segment segment = std::move(end.under_way.front());
  end.under_way.pop_front();
  if (end.swallowed || end.host->is_dark()) return;
  note(static_cast<Note>(segment.kind), wire->number * 2 + static_cast<std::uint64_t>(to), as_bytes(segment.bytes));
  take(wire, to, static_cast<Note>(segment.kind), as_bytes(segment.bytes));
}

void SimWorld::take(const std::shared_ptr<SimWire>& wire, int to, Note kind, Bytes bytes) {
  SimEnd& end = wire->ends[to];
  if (kind == Note::syn) return take_syn(wire);
  if (!end.open) {  // closed here, or the host has restarted and knows nothing of it
    if (kind == Note::data || kind == Note::fin || kind == Note::syn_ack) send(wire, 1 - to, Note::reset);
    return;
  }
  if (end.broken != StreamFailure::Kind::none) return;
  switch (kind) {
    case Note::data:
      end.incoming.append(as_text(bytes));
      break;
    case Note::fin:
      end.fin_received = true;
      break;
    case Note::reset:
      end.broken = StreamFailure::Kind::reset;
      break;
    case Note::refuse:
      end.broken = StreamFailure::Kind::connect_refused;
      break;
    case Note::syn_ack:
      end.connected = true;
      [[fallthrough]];
    default:
      end.writable = end.writable || end.wants_write;
      end.wants_write = false;
  }
  if (end.events != nullptr && (end.writable || end.is_readable())) end.loop->make_ready(end);
}

void SimWorld::take_syn(const std::shared_ptr<SimWire>& wire) {
  SimHost& host = *wire->ends[1].host;
  const auto found = host.listeners_.find(wire->listen_port);
  if (host.refuse_connects || found == host.listeners_.end()) return send(wire, 0, Note::refuse);
  auto& listener = found->second[random_.below(found->second.size())];
  wire->ends[1].connected = true;
  send(wire, 0, Note::syn_ack);
  listener.loop->arrived_.push_back({listener.accept, std::make_unique<SimStream>(*this, wire, 1)});
  listener.loop->wake(clock_ + SimMicros{1} + jitter(40));
}

void SimWorld::remember(const std::shared_ptr<SimWire>& wire) {
  if (wires_.size() >= prune_wires_at_) {
    std::erase_if(wires_, [](const auto& known) { return known.expired(); });
    prune_wires_at_ = 2 * wires_.size() + 256;
  }
  wires_.push_back(wire);
}

void SimWorld::release_held() {
  for (const auto& weak : wires_) {
    const auto wire = weak.lock();
    if (wire == nullptr || wire->ends[1].host == nullptr || is_blocked(*wire->ends[0].host, *wire->ends[1].host))
      continue;
    for (int to : {0, 1})
      for (std::size_t held = std::exchange(wire->ends[to].held, 0); held > 0; --held) schedule_arrival(wire, to, 0);
  }
}

template <typename Visit>
void SimWorld::each_wire_of(const SimHost& host, Visit visit) {
  std::erase_if(wires_, [](const auto& wire) { return wire.expired(); });
  const auto wires = wires_;
  for (const auto& weak : wires) {
    const auto wire = weak.lock();
    if (wire == nullptr || wire->ends[1].host == nullptr) continue;
    if (wire->ends[0].host == &host || wire->ends[1].host == &host) visit(wire);
  }
}

void SimWorld::partition(SimHost& a, SimHost& b) { partitions_.emplace_back(&a, &b); }

void SimWorld::heal(SimHost& a, SimHost& b) {
  std::erase_if(partitions_, [&](const auto& pair) {
    return (pair.first == &a && pair.second == &b) || (pair.first == &b && pair.second == &a);
  });
  release_held();
}

// --- hosts ---

SimHost& SimWorld::add_host(const std::string& ip) {
  const auto address = make_address(ip, 0);
  TERCET_CHECK(address && host_at(*address) == nullptr);
  hosts_.push_back(std::unique_ptr<SimHost>(new SimHost(*this, *address)));
  return *hosts_.back();
}

SimLoop& SimHost::add_loop() {
  loops_.push_back(std::unique_ptr<SimLoop>(new SimLoop(world_, *this, ++world_.loops_made_)));
  return *loops_.back();
}

Address SimHost::address(std::uint16_t port) const {
  Address address = ip_;
  address.port = port;
  return address;
}

void SimHost::isolate() { isolated_ = true; }

void SimHost::rejoin() {
  isolated_ = false;
  world_.release_held();
}

void SimHost::stall_connections() {
  world_.each_wire_of(
      *this, [](const std::shared_ptr<SimWire>& wire) { wire->ends[0].swallowed = wire->ends[1].swallowed = true; });
}

void SimHost::reset_connections() {
  world_.each_wire_of(*this, [&](const std::shared_ptr<SimWire>& wire) {
    for (int to : {0, 1}) world_.send(wire, to, SimWorld::Note::reset);
  });
}

void SimHost::kill(Death death) {
  TERCET_CHECK(up_ && world_.running_ == nullptr);
  world_.each_wire_of(*this, [&](const std::shared_ptr<SimWire>& wire) {
    for (int side : {0, 1}) {
      SimEnd& end = wire->ends[side];
      if (end.host != this) continue;
      if (end.open && death == Death::process && !end.fin_sent)
        world_.send(wire, 1 - side, end.incoming.empty() ? SimWorld::Note::fin : SimWorld::Note::reset);
      end.open = false;
    }
  });
  up_ = false;
  death_ = death;
  ++lives_;
  for (const auto& loop : loops_) loop->drop_everything();
}

void SimHost::revive() {
  TERCET_CHECK(!up_);
  for (const auto& loop : loops_) TERCET_CHECK(loop->timers_.size() == 0);  // destroy what lived there first
  up_ = true;
}

}  // namespace tercet::runtime
