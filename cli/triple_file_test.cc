#include "cli/triple_file.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <cstdio>
#include <fstream>

using namespace tercet::cli;

TEST_CASE("a triple is read from JSON and from lines alike") {
  std::string problem;
  TripleFile json;
  REQUIRE(parse_triple(R"({"productKey":"a1","deviceName":"d","deviceSecret":"s","port":8883})", json, problem));
  TripleFile lines;
  REQUIRE(parse_triple("# board 7\nProductKey = a1\ndeviceName: d\ndeviceSecret=\"s\"\nport = 8883\n", lines, problem));
  CHECK(json.product_key == lines.product_key);
  CHECK(json.device_secret == lines.device_secret);
  CHECK(json.port == 8883);
  CHECK(lines.port == 8883);
}

TEST_CASE("what is missing or broken is named") {
  std::string problem;
  TripleFile triple;
  CHECK(!parse_triple(R"({"productKey":"a1"})", triple, problem));
  CHECK(problem.find("deviceName deviceSecret") != std::string::npos);
  CHECK(!parse_triple("productKey a1", triple, problem));
  CHECK(problem.find("line 1") != std::string::npos);
  CHECK(!parse_triple(R"({"port":"70000")", triple, problem));
  CHECK(!parse_triple("port=70000", triple, problem));
}

TEST_CASE("a triple file that others may read is refused with the command that mends it") {
  const std::string path = "triple_file_test.tmp";
  std::ofstream(path) << "productKey=a\ndeviceName=d\ndeviceSecret=s\nca=ca.pem\n";
  chmod(path.c_str(), 0644);
  TripleFile triple;
  std::string problem;
  CHECK(!read_triple_file(path, triple, problem));
  CHECK(problem.find("chmod 600") != std::string::npos);
  chmod(path.c_str(), 0600);
  CHECK(read_triple_file("./" + path, triple, problem));
  CHECK(triple.ca == "./ca.pem");
  std::remove(path.c_str());
}
