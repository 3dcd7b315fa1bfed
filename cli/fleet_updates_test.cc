#include "cli/fleet_updates.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <boost/json.hpp>

using namespace tercet;
using namespace tercet::cli;

namespace {

const std::vector<Triple> kTriples{
    {{*ProductKey::parse("a1"), *DeviceName::parse("b")}, *DeviceSecret::parse("secret")}};

FleetOptions nobody_answers() {
  FleetOptions options;
  options.plain = true;
  options.port = 1;  // nobody listens there
  options.connect_timeout_s = 0;
  options.updates.version = "2.0";
  options.updates.within_s = 0;
  return options;
}

}  // namespace

TEST_CASE("boards that nobody offers an update to are left behind, not counted as updated") {
  FleetUpdateResult result;
  std::string problem;
  REQUIRE(update_fleet(nobody_answers(), kTriples, result, problem));
  CHECK(result.boards == 1);
  CHECK(result.online == 0);
  CHECK(result.behind() == 1);
  CHECK(!result.ok());
}

TEST_CASE("each board of an update has a triple of its own, and roots that can be read") {
  FleetUpdateResult result;
  std::string problem;
  FleetOptions options = nobody_answers();
  options.boards = 2;
  CHECK(!update_fleet(options, kTriples, result, problem));
  CHECK(problem.find("as many triples") != std::string::npos);
  options.boards = 1;
  options.ca_file = "/nowhere/ca.pem";
  options.connect_timeout_s = 5;
  problem.clear();
  CHECK(!update_fleet(options, kTriples, result, problem));
  CHECK(problem.find("/nowhere/ca.pem") != std::string::npos);
}

TEST_CASE("the result of an update is one line of JSON with who was left behind, why, and the platform's memory") {
  FleetOptions options;
  options.updates.version = "2.0";
  FleetUpdateResult result;
  result.boards = 4, result.updated = 3, result.image_bytes = 4 << 20, result.seconds = 6;
  result.board_seconds = {1, 2, 6};
  result.counts.faults["wrong_digest"] = 1;
  const std::string line = render(options, result);
  CHECK(line.find('\n') == std::string::npos);
  auto json = boost::json::parse(line).as_object();
  CHECK(json.at("behind").as_int64() == 1);
  CHECK(json.at("mb_per_s").to_number<double>() == 2);
  CHECK(json.at("median_seconds").to_number<double>() == 2);
  CHECK(json.at("faults").at("wrong_digest").as_int64() == 1);
  CHECK(!json.contains("platform_rss_mb"));
  options.updates.platform_process = 1;
  result.platform = {50, 70, 60};
  json = boost::json::parse(render(options, result)).as_object();
  CHECK(json.at("platform_rss_mb").at("peak").to_number<double>() == 70);
}

TEST_CASE("memory is what the system says of a process, and nothing of one that is not there") {
  CHECK(resident_mb(::getpid()) > 1);
  CHECK(resident_mb(0) == 0);
  CHECK(resident_mb(1 << 30) == 0);
}
