#include "cli/fleet.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <fstream>

using namespace tercet;
using namespace tercet::cli;

namespace {

struct TextFile {
  explicit TextFile(const std::string& text) {
    char name[] = "/tmp/tercet-triples-XXXXXX";
    ::close(mkstemp(name));
    path = name;
    std::ofstream(path) << text;
  }
  ~TextFile() { ::unlink(path.c_str()); }
  std::string path;
};

}  // namespace

TEST_CASE("triples are read from lines with blanks or commas, comments and empty lines left out") {
  const TextFile file("# fleet\na1B2c3D4e5F board_1 0123\n\na1B2c3D4e5F,board_2,4567\r\n");
  std::vector<Triple> triples;
  std::string problem;
  REQUIRE(read_triples(file.path, triples, problem));
  REQUIRE(triples.size() == 2);
  CHECK(triples[1].id.device.str() == "board_2");
  CHECK(triples[1].secret.str() == "4567");
}

TEST_CASE("a bad line of triples is named by its number, and an empty file is no fleet") {
  std::vector<Triple> triples;
  std::string problem;
  const TextFile bad("a1B2c3D4e5F board_1 0123\na1B2c3D4e5F board_2\n");
  CHECK(!read_triples(bad.path, triples, problem));
  CHECK(problem.find(":2:") != std::string::npos);
  triples.clear();
  const TextFile empty("\n");
  CHECK(!read_triples(empty.path, triples, problem));
  CHECK(!read_triples("/nowhere/triples", triples, problem));
}

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
