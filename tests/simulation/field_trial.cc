#include "tests/simulation/field_trial.h"

#include <algorithm>
#include <queue>
#include <vector>

#include "platform/thing/history.h"
#include "platform/thing/record.h"
#include "tests/simulation/field_board.h"
#include "tests/simulation/heap_meter.h"
#include "tests/simulation/sim_server.h"

namespace tercet::simulation {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr Millis kPeace = hours{12};
constexpr Millis kAuditEvery = hours{24};
constexpr char kProduct[] = "a1climate";
constexpr char kTsl[] =
    R"({"properties":[{"identifier":"temperature","name":"temperature","accessMode":"r","required":false,)"
    R"("dataType":{"type":"float","specs":{"min":"-1000","max":"1000","step":"0.1"}}}],"events":[],"services":[]})";

class Trial {
 public:
  explicit Trial(const TrialOptions& options)
      : options_(options),
        world_(options.seed),
        server_host_(world_.add_host("10.0.0.1")),
        portal_(world_.add_host("10.0.0.2")),
        server_(server_host_, 2) {
    auto product = std::make_shared<registry::Product>();
    product->key = kProduct;
    product->name = "climate";
    product->tsl = kTsl;
    product->version = 1;
    server_.add(std::move(product));
    for (std::size_t i = 0; i < options.boards; ++i) add_board(i);
    server_.start();
    for (const auto& board : boards_) plan_fault(*board);
    in(some_time(options.restart_every), [this] { restart_server(); });
    in(some_time(options.restart_every), [this] { slow_disk(); });
    in(kAuditEvery, [this] { end_day(); });
  }

  TrialFigures run() {
    const std::size_t allocations_before = sdk_allocations();
    live_until(world_.now() + options_.span);
    make_peace();
    static_cast<void>(world_.run_until([this] { return all_is_well(); }, kPeace));
    world_.run_for(Millis{10'000});  // the last acknowledgements
    audit();
    figures_.sdk_allocations = sdk_allocations() - allocations_before;
    return judge();
  }

 private:
  struct Event {
    Instant at;
    std::uint64_t number;
    std::function<void()> happen;
    bool operator<(const Event& other) const {
      return at != other.at ? at > other.at : number > other.number;  // the queue gives the greatest
    }
  };

  void add_board(std::size_t index) {
    BoardPlan plan{kProduct, "board" + std::to_string(index), "secret" + std::to_string(index), index + 1};
    plan.tls = index % 2 == 1;
    plan.has_battery = index % 4 >= 2;
    plan.report_every = options_.report_every;
    plan.keep_alive = options_.keep_alive;
    registry::Device device;
    device.number = plan.number;
    device.product = plan.product;
    device.name = plan.name;
    device.secret = plan.secret;
    server_.add(std::move(device));
    runtime::SimHost& host =
        world_.add_host("10.1." + std::to_string(index / 250) + "." + std::to_string(index % 250 + 1));
    host.link.latency_max = runtime::SimMicros{static_cast<std::int64_t>(1'000 + world_.random().below(80'000))};
    boards_.push_back(std::make_unique<FieldBoard>(world_, host, server_.address(), portal_, std::move(plan)));
  }

  // --- what happens, and when ---

  void in(Millis wait, std::function<void()> happen) {
    events_.push({world_.now() + wait, ++planned_, std::move(happen)});
  }
  Millis between(Millis least, Millis most) {
    return least +
           Millis{static_cast<std::int64_t>(world_.random().below(static_cast<std::uint64_t>((most - least).count())))};
  }
  Millis some_time(Millis mean) { return between(Millis{1}, 2 * mean); }
  /// Mostly minutes, now and then as long as the limit.
  Millis some_outage() {
    return world_.random().chance(0.1) ? between(minutes{10}, options_.outage_limit)
                                       : between(Millis{5'000}, minutes{10});
  }

  void live_until(Instant end) {
    while (!events_.empty() && events_.top().at < end) {
      const Instant next = events_.top().at;
      if (next > world_.now() && world_.run_until([this] { return is_cut(); }, next - world_.now())) {
        power_off_cut_boards();
        continue;
      }
      const auto happen = events_.top().happen;
      events_.pop();
      happen();
    }
    while (world_.now() < end && world_.run_until([this] { return is_cut(); }, end - world_.now()))
      power_off_cut_boards();
  }

  bool is_cut() const {
    return std::any_of(armed_.begin(), armed_.end(), [](const FieldBoard* board) { return board->has_browned_out(); });
  }
  void power_off_cut_boards() {
    const auto armed = std::exchange(armed_, {});
    for (FieldBoard* board : armed) {
      if (!board->has_browned_out())
        armed_.push_back(board);
      else
        brown_out(*board);
    }
  }

  // --- boards ---

  void plan_fault(FieldBoard& board) {
    in(some_time(options_.fault_every), [this, &board] {
      if (board.is_on() && is_free(board)) befall(board, static_cast<Fault>(world_.random().below(kFaults)));
      plan_fault(board);
    });
  }
  bool is_free(const FieldBoard& board) const {
    return std::find(armed_.begin(), armed_.end(), &board) == armed_.end();
  }

  /// Sets what is wrong now, and when it will be right again.
  template <typename Value>
  void lasting(Value& what, Value wrong, Value right, Millis duration) {
    what = wrong;
    in(duration, [&what, right] { what = right; });
  }

  void befall(FieldBoard& board, Fault fault) {
    ++figures_.faults[static_cast<std::size_t>(fault)];
    runtime::SimHost& host = board.host();
    Surroundings& around = board.surroundings;
    using Names = Surroundings::Names;
    using Way = Surroundings::Way;
    switch (fault) {
      case Fault::loss:
        return lasting(host.link.loss, 0.3, 0.0, between(minutes{1}, hours{2}));
      case Fault::short_io:
        lasting(host.link.short_writes, 0.5, 0.0, between(minutes{1}, hours{1}));
        return lasting(host.link.split_reads, 0.5, 0.0, between(minutes{1}, hours{1}));
      case Fault::name_unknown:
        return lasting(around.names, Names::unknown, Names::answer, cut_off(board));
      case Fault::name_silent:
        return lasting(around.names, Names::silent, Names::answer, cut_off(board));
      case Fault::redirecting_portal:
        return lasting(around.way, Way::redirecting_portal, Way::open, cut_off(board));
      case Fault::silent_portal:
        return lasting(around.way, Way::silent_portal, Way::open, cut_off(board));
      case Fault::forging_portal:
        return lasting(around.way, Way::forging_portal, Way::open, cut_off(board));
      case Fault::half_open:
        return host.stall_connections();
      case Fault::reset:
        return host.reset_connections();
      case Fault::isolated:
        host.isolate();
        around.drops_datagrams = true;
        return in(some_outage(), [&host, &around] { host.rejoin(), around.drops_datagrams = false; });
      case Fault::no_link:
        return lasting(around.has_link, false, true, cut_off(board));
      case Fault::clock_jump:
        return jump(board);
      case Fault::brown_out:
        return brown_out(board);
      case Fault::flash_cut:
        board.power_off_in_flash(static_cast<std::uint32_t>(world_.random().below(12)),
                                 static_cast<std::uint32_t>(world_.random().next()),
                                 static_cast<fake::Flash::Tear>(world_.random().below(3)));
        armed_.push_back(&board);
        host.isolate();  // otherwise a board never writes to its flash
        return in(some_outage(), [&host] { host.rejoin(); });
    }
  }

  /// Its connection ends, for otherwise a board does not ask for the way; gives the duration of what is in the way.
  Millis cut_off(FieldBoard& board) {
    board.host().reset_connections();
    return some_outage();
  }

  void jump(FieldBoard& board) {
    const bool is_far = world_.random().chance(0.2);
    const Millis most = is_far ? Millis{hours{24 * 800}} : Millis{hours{2}};
    board.host().jump_wall(between(-most, most));
    if (is_far) board.host().reset_connections();
  }

  void brown_out(FieldBoard& board) {
    ++figures_.brown_outs;
    board.power_off();
    in(between(Millis{1'000}, minutes{10}), [&board] {
      if (!board.is_on()) board.boot();
    });
  }

  // --- the server ---

  void restart_server() {
    ++figures_.restarts;
    server_.kill(world_.random().chance(0.5) ? runtime::SimHost::Death::process : runtime::SimHost::Death::power);
    server_host_.jump_wall(between(Millis{-5'000}, Millis{5'000}));
    in(between(Millis{1'000}, minutes{15}), [this] {
      server_.start();
      in(some_time(options_.restart_every), [this] { restart_server(); });
    });
  }

  void slow_disk() {
    ++figures_.slow_disks;
    server_.fall_behind(true);
    in(between(Millis{5'000}, minutes{10}), [this] {
      server_.fall_behind(false);
      in(some_time(2 * options_.restart_every), [this] { slow_disk(); });
    });
  }

  // --- the books ---

  void end_day() {
    audit();
    passed_ += kAuditEvery;
    if (options_.progress) options_.progress(passed_);
    in(kAuditEvery, [this] { end_day(); });
  }

  /// Notes what history shows, and takes it out of the store, for a month of it would not fit into memory.
  void audit() {
    for (const auto& board : boards_) {
      thing::Range range;
      range.to = UnixMillis{world_.wall().ms + 100'000'000};
      range.page_size = 1'000'000;
      const auto page = thing::query_property(server_.store(), board->plan().number, "temperature", range);
      TERCET_CHECK(page && !page->more);
      for (const auto& point : page->points) board->found_in_history(point.time.ms);
      server_.forget_history(board->plan().number);
    }
  }

  void make_peace() {
    while (!events_.empty()) events_.pop();
    if (!server_.is_running()) server_.start();
    server_.fall_behind(false);
    const auto armed = std::exchange(armed_, {});
    for (FieldBoard* board : armed) {
      ++figures_.brown_outs;
      board->power_off();
    }
    for (const auto& board : boards_) {
      board->surroundings = {};
      board->host().rejoin();
      board->host().link.loss = board->host().link.short_writes = board->host().link.split_reads = 0;
      board->take_readings(false);
      if (!board->is_on()) board->boot();
    }
  }

  /// Asked after every event: most of the time the board that was not well last time is not well yet.
  bool all_is_well() {
    const auto is_well = [](const auto& board) { return board->is_online() && board->is_drained(); };
    if (unwell_ < boards_.size() && !is_well(boards_[unwell_])) return false;
    const auto found = std::find_if_not(boards_.begin(), boards_.end(), is_well);
    unwell_ = static_cast<std::size_t>(found - boards_.begin());
    return found == boards_.end();
  }

  TrialFigures judge() {
    figures_.trace = world_.trace();
    figures_.boards = boards_.size();
    for (const auto& board : boards_) {
      figures_.online += board->is_online() ? 1 : 0;
      figures_.drained += board->is_drained() ? 1 : 0;
      figures_.dropped += board->dropped();
      figures_.boots += board->counts().boots;
      figures_.runs += board->counts().runs;
      figures_.unfed += board->counts().unfed;
      figures_.sessions += board->counts().sessions;
      figures_.refusals += board->counts().refusals;
      figures_.erasures += board->wear();
      judge(*board);
    }
    return figures_;
  }

  void judge(const FieldBoard& board) {
    std::size_t gone = 0;
    for (const Reading& reading : board.readings()) {
      ++figures_.taken;
      figures_.acknowledged += reading.is_acknowledged ? 1 : 0;
      figures_.stored += reading.is_stored ? 1 : 0;
      if (reading.is_stored) continue;
      if (reading.is_acknowledged && ++figures_.lost == 1) remember(board, reading, "acknowledged and lost");
      if (reading.was_in_ram)
        ++figures_.in_ram;
      else if (++gone > board.dropped() && ++figures_.missing == 1)
        remember(board, reading, "missing");
    }
  }

  void remember(const FieldBoard& board, const Reading& reading, std::string_view what) {
    figures_.first += board.plan().name + " at " + std::to_string(reading.time) + " " + std::string(what) + "; ";
  }

  TrialOptions options_;
  TrialFigures figures_;
  runtime::SimWorld world_;
  runtime::SimHost& server_host_;
  Portal portal_;
  SimServer server_;
  std::vector<std::unique_ptr<FieldBoard>> boards_;
  std::priority_queue<Event> events_;
  std::uint64_t planned_ = 0;
  std::vector<FieldBoard*> armed_;  ///< their supply will fail in a flash operation
  std::size_t unwell_ = 0;
  Millis passed_{0};
};

}  // namespace

std::string_view name(Fault fault) {
  static constexpr std::string_view kNames[kFaults] = {
      "loss",      "short_io", "name_unknown", "name_silent", "redirecting_portal", "silent_portal", "forging_portal",
      "half_open", "reset",    "isolated",     "no_link",     "clock_jump",         "brown_out",     "flash_cut"};
  return kNames[static_cast<std::size_t>(fault)];
}

TrialFigures live_in_the_field(const TrialOptions& options) { return Trial(options).run(); }

}  // namespace tercet::simulation
