// Programs that must not compile, one per number (CMakeLists.txt), and 0, which must.
#include <array>
#include <string>

#include "examples/stove_model.h"

using namespace tercet::device;

void program(Device& device, [[maybe_unused]] std::int64_t big, [[maybe_unused]] const stove::Wanted& wanted) {
  std::array<std::int32_t, 2> plates{1, 2};
#if MISTAKE == 0
  stove::Report report{.temperature = 21.5f, .mode = stove::Mode::heat, .plates = plates};
  report.target = 90;
  static_cast<void>(post(device, report));
  static_cast<void>(post(device, constant(stove::Report{.target = 250})));
  static_cast<void>(post(device, stove::WarmEvent{}));
#elif MISTAKE == 1
  static_cast<void>(post(device, stove::Report{.temprature = 21.5f}));
#elif MISTAKE == 2
  static_cast<void>(post(device, stove::Report{.temperature = "warm"}));
#elif MISTAKE == 3
  static_cast<void>(post(device, stove::Report{.child_lock = 1}));
#elif MISTAKE == 4
  static_cast<void>(post(device, stove::Report{.mode = 2}));
#elif MISTAKE == 5
  static_cast<void>(post(device, stove::Report{.target = big}));
#elif MISTAKE == 6
  static_cast<void>(post(device, stove::Report{.target = 90.5}));
#elif MISTAKE == 7
  static_cast<void>(post(device, stove::Report{.mode = stove::PowerPhase::l1}));
#elif MISTAKE == 8
  static_cast<void>(post(device, constant(stove::Report{.target = 251})));
#elif MISTAKE == 9
  static_cast<void>(*wanted.temperature);  // read only: the platform does not set it
#elif MISTAKE == 10
  static_cast<void>(post(device, stove::HeatInput{.minutes = 5}));  // no report and no event
#elif MISTAKE == 11
  static_cast<void>(post(device, stove::Report{.recipe = std::string("gone")}));
#elif MISTAKE == 12
  static_cast<void>(post(device, stove::Report{.plates = std::array<std::int32_t, 2>{1, 2}}));
#elif MISTAKE == 13
  struct Half final : stove::Handler {  // the service is not served
    std::int32_t change(const stove::Wanted&, stove::Report&) override { return 200; }
  } half;
#elif MISTAKE == 14
  static_cast<void>(post(device, stove::BurntEvent{.reason = 3}));
#endif
  static_cast<void>(device), static_cast<void>(plates);
}
