#include <doctest/doctest.h>

#include "Tercet.h"
#include "WiFi.h"
#include "ports/arduino/test_board.h"
#include "secrets.h"

namespace minimal_sketch {
#include "examples/Minimal/Minimal.ino"
}

using namespace tercet;
using arduino::TestBoard;

TEST_CASE("the sketch Minimal posts every ten seconds and switches its light") {
  TestBoard board;
  auto& platform = board.fake.platform;
  minimal_sketch::setup();
  board.run(minimal_sketch::loop, Seconds{61});
  REQUIRE(minimal_sketch::cloud.online());
  CHECK(platform.posts_received == 8);  // the setting once, the temperature at once and six times more
  CHECK(platform.last_post.str().find("\"temperature\":{\"value\":25") != std::string_view::npos);
  CHECK(standin::pins.level[2] == 0);
  platform.push_set("9", R"({"light":1})");
  board.run(minimal_sketch::loop, Seconds{2});
  CHECK(standin::pins.level[2] == 1);
  CHECK(platform.last_set_reply.str().find("\"code\":200") != std::string_view::npos);
}
