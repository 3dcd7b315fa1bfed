#include "cli/fleet_update_board.h"

#include "tercet/ota/record.h"

namespace tercet::cli {
namespace {

using State = ota::Updater::State;

constexpr Millis kGoodbye{2'000};  // for what was said to reach the platform before the restart

ota::UpdaterOptions options_of(const std::string& version) { return {.version = version}; }

std::vector<ota::Source*> sources_of(const std::string& over, ota::Source& https, ota::Source& blocks) {
  if (over == "https") return {&https};
  if (over == "session") return {&blocks};
  return {&https, &blocks};
}

}  // namespace

FleetUpdateBoard::Running::Running(FleetUpdateBoard& board, const std::string& version)
    : device(board.port(), room.storage(), board),
      session(device),
      buffer(kFetchBytes),
      https(*board.image_transport_, buffer),
      blocks(session, {.block_bytes = kBlockBytes}),
      sources(sources_of(board.shared_.options.updates.over, https, blocks)),
      updater(board.flash_, board.flash_, board.flash_, sources, session, options_of(version)) {}

FleetUpdateBoard::FleetUpdateBoard(FleetUpdateShared& shared, const Triple& triple, bool cut)
    : shared_(shared), triple_(triple), version_(shared.options.updates.running), flash_(shared.sectors), cuts_(cut) {}

device::Port FleetUpdateBoard::port() { return {*transport_, shared_.clock, shared_.random, *this, *this}; }

bool FleetUpdateBoard::start(Instant now, std::string& problem) {
  // Of its own: a board goes on with its own TLS sessions only.
  const auto tls = shared_.trust.files.empty() ? posix::TlsContext::open_unverified()
                                               : posix::TlsContext::open(shared_.trust, problem);
  if (!tls) {
    if (problem.empty()) problem = "no TLS";
    return false;
  }
  transport_ = std::make_unique<posix::SocketTransport>(*tls, shared_.clock);
  image_transport_ = std::make_unique<posix::SocketTransport>(*tls, shared_.clock);
  if (power_on(now)) return true;
  problem = "a board could not be started: its ProductKey and DeviceName are too long, or an option is out of range";
  return false;
}

bool FleetUpdateBoard::power_on(Instant now) {
  const FleetOptions& options = shared_.options;
  running_ = std::make_unique<Running>(*this, version_);
  shown_ = State::idle, shown_fault_ = ota::Fault::none;
  leave_by_ = Instant::never(), says_goodbye_ = false;
  device::Options settings;
  settings.keep_alive = Seconds{options.keep_alive_s};
  settings.platform_time = false;
  const auto port = static_cast<std::uint16_t>(options.port != 0 ? options.port : options.plain ? 1883 : 8883);
  if (!running_->device.start(triple_.id, {options.host, port, !options.plain}, settings)) return false;
  return running_->session.start(triple_.id, running_->updaters, &running_->blocks, now).has_value();
}

void FleetUpdateBoard::power_off() {
  running_.reset();
  transport_->close();
  image_transport_->close();
}

void FleetUpdateBoard::on_message(std::string_view topic, Bytes payload) {
  static_cast<void>(running_->session.on_message(topic, payload, shared_.clock.now()));
}

void FleetUpdateBoard::run(Instant now) {
  if (!running_) return;
  running_->device.run();
  running_->session.run(now);
  watch(now);
  if (running_->session.wants_restart()) return leave(now);
  const bool at_half = running_->updater.position() > running_->updater.size() / 2;
  if (cuts_ && at_half && running_->updater.state() == State::fetching) {
    cuts_ = false;
    ++shared_.counts.cuts;
    power_off();
    static_cast<void>(flash_.boot());
    static_cast<void>(power_on(now));
  }
}

/// What is counted.
void FleetUpdateBoard::watch(Instant now) {
  const ota::Updater& updater = running_->updater;
  const State state = updater.state();
  if (state != shown_ && state == State::fetching && !offered_at_) {
    offered_at_ = now;
    image_bytes_ = updater.size();
  }
  if (state != shown_ && state == State::waiting) ++shared_.counts.fetches_lost;
  shown_ = state;
  const ota::Fault fault = updater.last_fault();
  if (fault != shown_fault_ && fault != ota::Fault::none) ++shared_.counts.faults[std::string(name(fault))];
  shown_fault_ = fault;
  const bool is_told = running_->device.is_online() && running_->device.in_flight() == 0;
  if (!updated_at_ && state == State::idle && is_told && version_ == shared_.options.updates.version &&
      updater.next_deadline() == Instant::never())
    updated_at_ = now;
}

/// Lets what was said arrive, says goodbye, and restarts into what the boot loader chooses.
void FleetUpdateBoard::leave(Instant now) {
  device::Device& device = running_->device;
  if (leave_by_ == Instant::never()) leave_by_ = now + kGoodbye;
  const bool is_late = now >= leave_by_;
  if (!says_goodbye_ && (device.in_flight() == 0 || is_late)) {
    device.stop();
    says_goodbye_ = true;
  }
  if (!says_goodbye_ || (!device.is_stopped() && !is_late)) return;
  const auto record = ota::load_record(flash_, "ota");
  power_off();
  if (flash_.boot()) {
    ++shared_.counts.restarts;
    version_ = record && flash_.is_on_trial() ? std::string(record->version.str()) : shared_.options.updates.running;
  }
  static_cast<void>(power_on(now));
}

Instant FleetUpdateBoard::next_deadline() const {
  if (!running_) return Instant::never();
  Instant due = std::min({running_->device.next_deadline(), running_->session.next_deadline(),
                          transport_->next_deadline(), image_transport_->next_deadline()});
  if (leave_by_ != Instant::never()) due = std::min(due, shared_.clock.now() + Millis{20});
  return due;
}

void FleetUpdateBoard::stop() {
  if (!running_) return;
  running_->device.stop();
  running_->device.run();
  power_off();
}

}  // namespace tercet::cli
