#include "cli/triples.h"

#include <doctest/doctest.h>
#include <unistd.h>

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

TEST_CASE("a list of devices may leave secrets out, where that is allowed") {
  const TextFile file("a1B2c3D4e5F board_1\na1B2c3D4e5F board_2 0123\n");
  std::vector<ListedDevice> devices;
  std::string problem;
  REQUIRE(read_devices(file.path, false, devices, problem));
  REQUIRE(devices.size() == 2);
  CHECK(devices[0].secret.empty());
  CHECK(devices[1].secret == "0123");
  CHECK(!read_devices(file.path, true, devices, problem));
  CHECK(problem.find(":1: want ProductKey DeviceName DeviceSecret") != std::string::npos);
}
