#include "cli/fleet.h"

#include <doctest/doctest.h>

#include <boost/json.hpp>

using namespace tercet;
using namespace tercet::cli;

TEST_CASE("the result is one line of JSON with rates and quantiles") {
  FleetOptions options;
  FleetResult result;
  result.boards = result.online = 10;
  result.seconds = 2;
  result.posts = result.acks = 1'000;
  for (std::uint32_t i = 1; i <= 100; ++i) result.ack_us.push_back(i);
  const std::string line = render(options, result);
  CHECK(line.find('\n') == std::string::npos);
  const auto json = boost::json::parse(line).as_object();
  CHECK(json.at("acks_per_s").to_number<double>() == 500);
  CHECK(json.at("ack_p50_us").as_int64() == 51);
  CHECK(json.at("ack_p99_us").as_int64() == 100);
  CHECK(result.ok());
  result.broken = 1;
  CHECK(!result.ok());
}

TEST_CASE("a fleet that nobody answers is counted as broken, not as a success") {
  FleetOptions options;
  options.plain = true;
  options.port = 1;  // nobody listens there
  options.connect_timeout_s = 0;
  options.boards = 3;
  const std::vector<Triple> triples{
      {{*ProductKey::parse("a1"), *DeviceName::parse("b")}, *DeviceSecret::parse("secret")}};
  FleetResult result;
  std::string problem;
  REQUIRE(measure_fleet(options, triples, result, problem));
  CHECK(result.online == 0);
  CHECK(!result.ok());
}
