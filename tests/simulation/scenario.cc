#include "tests/simulation/scenario.h"

#include <algorithm>
#include <vector>

#include "platform/thing/history.h"
#include "tests/simulation/sim_board.h"
#include "tests/simulation/sim_server.h"

namespace tercet::simulation {
namespace {

constexpr std::size_t kBoards = 6;
constexpr Millis kTrouble = std::chrono::minutes{6};
constexpr Millis kPeace = std::chrono::minutes{12};
constexpr char kTsl[] =
    R"({"properties":[{"identifier":"temperature","name":"temperature","accessMode":"r","required":false,)"
    R"("dataType":{"type":"float","specs":{"min":"-1000","max":"1000","step":"0.1"}}}],"events":[],"services":[]})";

class World {
 public:
  explicit World(std::uint64_t seed)
      : world_(seed), server_host_(world_.add_host("10.0.0.1")), server_(server_host_, 2) {
    auto product = std::make_shared<registry::Product>();
    product->key = "a1climate";
    product->name = "climate";
    product->tsl = kTsl;
    product->version = 1;
    server_.add(std::move(product));
    for (std::size_t i = 0; i < kBoards; ++i) add_board(i);
    server_.start();
  }

  Outcome run() {
    const Instant end = world_.now() + kTrouble;
    while (world_.now() < end) {
      world_.run_for(Millis{500 + static_cast<std::int64_t>(world_.random().below(9'500))});
      make_trouble();
    }
    make_peace();
    static_cast<void>(world_.run_until([this] { return all_is_well(); }, kPeace));
    return judge();
  }

 private:
  void add_board(std::size_t index) {
    SimBoard::Identity identity{"a1climate", "board" + std::to_string(index), "secret" + std::to_string(index),
                                index + 1};
    registry::Device device;
    device.number = identity.number;
    device.product = identity.product;
    device.name = identity.name;
    device.secret = identity.secret;
    server_.add(std::move(device));
    runtime::SimHost& host = world_.add_host("10.0.1." + std::to_string(index + 1));
    host.link.latency_max = runtime::SimMicros{static_cast<std::int64_t>(1'000 + world_.random().below(80'000))};
    const Millis every{1'000 + static_cast<std::int64_t>(world_.random().below(6'000))};
    boards_.push_back(std::make_unique<SimBoard>(host, server_.address(), identity, world_.wall(), every));
  }

  SimBoard& some_board() { return *boards_[world_.random().below(boards_.size())]; }

  void make_trouble() {
    ++faults_;
    runtime::SimHost& host = some_board().host();
    switch (world_.random().below(11)) {
      case 0:
        host.link.loss = 0.3;
        break;
      case 1:
        host.link.loss = 0;
        break;
      case 2:
        host.stall_connections();
        break;
      case 3:
        host.reset_connections();
        break;
      case 4:
        host.isolate();
        break;
      case 5:
        host.rejoin();
        break;
      case 6:
        host.jump_wall(Millis{static_cast<std::int64_t>(world_.random().below(7'200'000)) - 3'600'000});
        break;
      case 7:
        server_host_.jump_wall(Millis{static_cast<std::int64_t>(world_.random().below(120'000)) - 60'000});
        break;
      case 8:
        ++kills_;
        server_.kill(world_.random().chance(0.5) ? runtime::SimHost::Death::process : runtime::SimHost::Death::power);
        server_.start();
        break;
      case 9:
        server_.fall_behind(world_.random().chance(0.5));
        break;
      default:
        host.link.short_writes = world_.random().chance(0.5) ? 0.5 : 0;
        host.link.split_reads = world_.random().chance(0.5) ? 0.5 : 0;
        break;
    }
  }

  void make_peace() {
    server_.fall_behind(false);
    for (const auto& board : boards_) {
      board->host().rejoin();
      board->host().link.loss = 0;
      board->take_readings(false);
    }
  }

  bool all_is_well() const {
    return std::all_of(boards_.begin(), boards_.end(),
                       [](const auto& board) { return board->is_online() && board->is_drained(); });
  }

  Outcome judge() {
    Outcome outcome;
    outcome.trace = world_.trace();
    outcome.boards = boards_.size();
    outcome.kills = kills_;
    outcome.faults = faults_;
    for (const auto& board : boards_) {
      outcome.online += board->is_online() ? 1 : 0;
      outcome.taken += board->taken().size();
      outcome.acknowledged += board->acknowledged().size();
      thing::Range range;
      range.to = UnixMillis{world_.wall().ms + 100'000'000};
      range.page_size = 1'000'000;
      const auto page = thing::query_property(server_.store(), board->identity().number, "temperature", range);
      TERCET_CHECK(page);
      std::set<std::int64_t> stored;
      for (const auto& point : page->points) stored.insert(point.time.ms);
      const auto gone = static_cast<std::size_t>(std::count_if(
          board->taken().begin(), board->taken().end(), [&](std::int64_t time) { return !stored.contains(time); }));
      if (board->is_drained() && gone > board->dropped()) outcome.missing += gone - board->dropped();
      for (const std::int64_t time : board->acknowledged()) {
        if (stored.contains(time)) continue;
        if (outcome.lost++ == 0) outcome.first_loss = board->identity().name + " at " + std::to_string(time);
      }
    }
    return outcome;
  }

  runtime::SimWorld world_;
  runtime::SimHost& server_host_;
  SimServer server_;
  std::vector<std::unique_ptr<SimBoard>> boards_;
  std::size_t kills_ = 0, faults_ = 0;
};

}  // namespace

Outcome live_through(std::uint64_t seed) { return World(seed).run(); }

}  // namespace tercet::simulation
