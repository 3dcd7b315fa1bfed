#include "platform/runtime/log.h"

#include <doctest/doctest.h>

using namespace tercet::runtime;

TEST_CASE("a line is an event and key=value pairs, quoted only where needed") {
  CHECK(log_text("listening", {{"name", "tls"}, {"port", 8883}, {"plain", false}, {"load", 0.5}, {"bytes", 7UL}}) ==
        "listening name=tls port=8883 plain=false load=0.5 bytes=7");
  CHECK(log_text("refused", {{"client_id", "a b"}, {"name", ""}}) == "refused client_id=\"a b\" name=\"\"");
}

TEST_CASE("what a peer sent can neither forge a line nor a field") {
  CHECK(log_text("refused", {{"id", "x\n2026 info ok"}}) == "refused id=\"x\\x0a2026 info ok\"");
  CHECK(log_text("refused", {{"id", "a=b"}}) == "refused id=\"a=b\"");
  CHECK(log_text("refused", {{"id", "\"\\"}}) == "refused id=\"\\\"\\\\\"");
  CHECK(log_text("refused", {{"id", "\x1b[2J"}}) == "refused id=\"\\x1b[2J\"");
}

TEST_CASE("levels go by name, and an unknown name changes nothing") {
  CHECK(set_log_level("error"));
  CHECK(!set_log_level("loud"));
  log(LogLevel::info, "this line must not be seen");
  CHECK(set_log_level("info"));
}
