#include "tests/simulation/field_board.h"

#include <algorithm>
#include <numeric>

#include "tercet/base/check.h"
#include "tercet/device/flash_log.h"
#include "tercet/device/properties.h"
#include "tests/simulation/heap_meter.h"

namespace tercet::simulation {
namespace {

constexpr device::Property<float> kTemperature{"temperature"};

std::vector<std::int64_t> times_in_flash(const fake::Flash& flash, std::size_t& dropped) {
  fake::Flash copy = flash;
  device::FlashLog log(copy, device::DropPolicy::oldest);
  TERCET_CHECK(log.mount());
  std::vector<std::int64_t> times;
  std::array<std::uint8_t, 1024> text;
  for (auto found = log.find({}); found; found = log.find(found->after)) {
    const auto record = log.read(*found, text);
    if (!record) continue;
    const auto more = times_in(record->body);
    times.insert(times.end(), more.begin(), more.end());
  }
  dropped = log.counters().dropped;
  std::sort(times.begin(), times.end());
  return times;
}

}  // namespace

/// From a boot to the next loss of supply: everything that lives in RAM.
class FieldBoard::Life final : private device::DeviceEvents,
                               private device::Clock,
                               private device::Random,
                               private device::Network,
                               private device::SecretStore,
                               private device::KeyValueStore,
                               private device::Watchdog {
 public:
  explicit Life(FieldBoard& board)
      : board_(board),
        transport_(board.loop_, board.surroundings, board.server_, board.portal_,
                   {[this] { run_wanted_ = true; }, [this](const auto& times) { board_.acknowledge(times); },
                    [this] { return Millis{wall().ms - board_.world_.wall().ms}; }}),
        datagram_(board.world_, board.loop_, board.surroundings, [this] { run_wanted_ = true; }),
        device_(port(), buffers_.storage(), *this),
        due_([](void* self) { static_cast<Life*>(self)->run_wanted_ = true; }, this),
        reading_([](void* self) { static_cast<Life*>(self)->take_reading(); }, this) {}

  void start() {
    const BoardPlan& plan = board_.plan_;
    const DeviceId id{*ProductKey::parse(plan.product), *DeviceName::parse(plan.name)};
    device::Options options;
    options.keep_alive = plan.keep_alive;
    TERCET_CHECK(
        device_.start(id, {"platform", plan.tls ? std::uint16_t{8883} : std::uint16_t{1883}, plan.tls}, options));
    reading_.set(board_.loop_, board_.loop_.now() + plan.report_every);
    board_.loop_.each_pass([this] {
      if (run_wanted_) run();
    });
    run_wanted_ = true;
  }

  const device::Device& device() const { return device_; }

 private:
  device::Port port() {
    return {transport_, *this, *this, *this, *this, &datagram_, this, nullptr, this, &board_.flash_};
  }

  void run() {
    if (board_.flash_.is_off()) return;
    run_wanted_ = false;
    const std::size_t fed_before = fed_;
    Instant next;
    {
      const SdkScope inside;
      device_.run();
      next = device_.next_deadline();
    }
    ++board_.counts_.runs;
    if (fed_ != fed_before + 1) ++board_.counts_.unfed;
    board_.keep_books();
    if (run_wanted_) next = now();
    due_.set(board_.loop_, std::max(next, now() + Millis{1}));
  }

  void take_reading() {
    reading_.set(board_.loop_, now() + board_.plan_.report_every);
    if (!board_.taking_ || board_.flash_.is_off()) return;
    const std::int64_t time = board_.world_.wall().ms;
    board_.readings_.push_back({time});
    ++board_.in_ram_;
    const float value = static_cast<float>(time / 1000 % 400) / 10;
    {
      const SdkScope inside;
      TERCET_CHECK(device_.post_properties({kTemperature(value)}, UnixMillis{time}));
    }
    board_.keep_books();
    run_wanted_ = true;
  }

  // DeviceEvents
  void on_reply(const device::PostReply& reply) override {
    if (reply.code != 200) ++board_.counts_.refusals;
  }
  void on_online() override { ++board_.counts_.sessions; }
  // Clock
  Instant now() const override { return board_.loop_.now(); }
  UnixMillis wall() const override { return {board_.loop_.wall().ms + board_.wall_offset_}; }
  void set_wall(UnixMillis to) override { board_.wall_offset_ = to.ms - board_.loop_.wall().ms; }
  // Random
  void fill(MutableBytes into) override { board_.loop_.random().fill(into); }
  // Network
  bool has_link() const override { return board_.surroundings.has_link; }
  bool has_address() const override { return board_.surroundings.has_link; }
  // SecretStore
  Result<DeviceSecret> secret_of(const DeviceId&) override { return DeviceSecret::parse(board_.plan_.secret); }
  // KeyValueStore
  Result<std::size_t> get(std::string_view key, MutableBytes into) override { return board_.store_.get(key, into); }
  Result<void> set(std::string_view key, Bytes value) override {
    const OutsideScope outside;
    return board_.store_.set(key, value);
  }
  Result<void> remove(std::string_view key) override { return board_.store_.remove(key); }
  // Watchdog
  void feed() override { ++fed_; }

  FieldBoard& board_;
  bool run_wanted_ = false;
  std::size_t fed_ = 0;
  FieldTransport transport_;
  FieldDatagram datagram_;
  device::DeviceBuffers<> buffers_;
  device::Device device_;
  runtime::Timer due_, reading_;
};

FieldBoard::FieldBoard(runtime::SimWorld& world, runtime::SimHost& host, const runtime::Address& server,
                       const Portal& portal, BoardPlan plan)
    : world_(world), host_(host), loop_(host.add_loop()), server_(server), portal_(portal), plan_(std::move(plan)) {
  boot();
}

FieldBoard::~FieldBoard() = default;

void FieldBoard::boot() {
  TERCET_CHECK(!life_);
  if (!host_.is_up()) host_.revive();
  if (!plan_.has_battery) wall_offset_ = -loop_.wall().ms;  // 1970
  ++counts_.boots;
  life_ = std::make_unique<Life>(*this);
  TERCET_CHECK(loop_.post([this] { life_->start(); }));
}

void FieldBoard::power_off() {
  host_.kill(runtime::SimHost::Death::power);
  life_.reset();
  flash_.power_on();
  lose_ram();
}

void FieldBoard::power_off_in_flash(std::uint32_t operation, std::uint32_t byte, fake::Flash::Tear tear) {
  flash_.tear = tear;
  flash_.cut_at(operation, byte);
}

bool FieldBoard::is_online() const { return life_ && life_->device().is_online(); }

bool FieldBoard::is_drained() const {
  return life_ && life_->device().in_flight() == 0 && life_->device().outbox().waiting == 0;
}

/// What is true as long as the supply holds: asked after each call into the SDK, not after one in which it failed.
void FieldBoard::keep_books() {
  if (flash_.is_off()) return;
  const device::OutboxCounters counters = life_->device().outbox();
  dropped_now_ = counters.dropped;
  in_ram_ = counters.waiting - counters.in_flash + life_->device().in_flight();
}

/// The readings that were in RAM only are gone, and were not counted by the board. They are the newest of those that
/// neither the platform has acknowledged nor flash holds.
void FieldBoard::lose_ram() {
  std::size_t dropped_in_flash = 0;
  const auto kept = times_in_flash(flash_, dropped_in_flash);
  for (auto reading = readings_.rbegin(); reading != readings_.rend() && in_ram_ > 0; ++reading) {
    if (reading->is_acknowledged || reading->was_in_ram) continue;
    if (std::binary_search(kept.begin(), kept.end(), reading->time)) continue;
    reading->was_in_ram = true;
    --in_ram_;
  }
  in_ram_ = 0;
  dropped_before_ += dropped_now_ - std::min(dropped_now_, dropped_in_flash);
  dropped_now_ = dropped_in_flash;
}

Reading* FieldBoard::find(std::int64_t time) {
  const auto at = std::lower_bound(readings_.begin(), readings_.end(), time,
                                   [](const Reading& reading, std::int64_t sought) { return reading.time < sought; });
  return at == readings_.end() || at->time != time ? nullptr : &*at;
}

void FieldBoard::acknowledge(const std::vector<std::int64_t>& times) {
  for (const std::int64_t time : times)
    if (Reading* reading = find(time)) reading->is_acknowledged = true;
}

void FieldBoard::found_in_history(std::int64_t time) {
  if (Reading* reading = find(time)) reading->is_stored = true;
}

std::size_t FieldBoard::wear() const {
  return std::accumulate(flash_.erasures.begin(), flash_.erasures.end(), std::size_t{0});
}

}  // namespace tercet::simulation
