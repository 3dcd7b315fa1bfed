#include "platform/server/config.h"

#include <doctest/doctest.h>

using namespace tercet::server;

TEST_CASE("a file changes what it names and leaves the rest") {
  Config config = default_config();
  std::string problem;
  REQUIRE(parse_config(R"(
data = "/srv/tercet"
[limits]
offline_messages = 5
offline_share = 2
device_connects_per_minute = 60
retained_bytes = 1000
[[listener]]
name = "bench"
host = "127.0.0.1"
port = 0
transport = "plain"
policy = "standard"
anonymous = true
)",
                       "t.toml", config, problem));
  CHECK(config.data_dir == "/srv/tercet");
  CHECK(config.offline_messages == 5);
  CHECK(config.offline_share == 2);
  CHECK(config.device_connects_per_minute == 60);
  CHECK(config.device_down_per_second == 50);
  CHECK(config.retained_bytes == 1000);
  CHECK(config.history_days == 30);
  REQUIRE(config.listeners.size() == 1);
  CHECK(config.listeners[0].policy == ListenerConfig::Policy::standard);
}

TEST_CASE("what is wrong in a file is named with its line and what is allowed, and nothing of it is taken") {
  struct Row {
    const char *text, *says;
  };
  for (const Row& row :
       {Row{"shards = 1000", "t.toml:1: shards must be a number from 0 to 64"},
        Row{"\n[limits]\nofline_messages = 1", "t.toml:3: unknown key 'ofline_messages'"},
        Row{"data = 5", "data must be a text in quotes"}, Row{"data = ", "t.toml:1:"},
        Row{"[history]\ndurability = \"maybe\"", "one of \"memory\" \"synced\""},
        Row{"[[listener]]\nname=\"x\"\nanonymous = true", "standard policy on a loopback address only"},
        Row{"[[listener]]\nname=\"x\"\ntransport=\"plain\"", "allow_plain"},
        Row{"[[listener]]\nname=\"x\"\npolicy=\"standard\"", "[[user]]"}, Row{"listener = 3", "[[listener]]"},
        Row{"[http]\nhost = \"0.0.0.0\"", "allow_plain"}, Row{"[[user]]\nname = \"dash\"", "not empty"},
        Row{"[[user]]\npassword = \"secret\"", "not empty"},
        Row{"[[user]]\nname=\"a\"\npassword=\"b\"\n[[user]]\nname=\"a\"\npassword=\"c\"", "'a' is there twice"}}) {
    Config config = default_config();
    std::string problem;
    CHECK_MESSAGE(!parse_config(row.text, "t.toml", config, problem), row.text);
    CHECK_MESSAGE(problem.find(row.says) != std::string::npos, problem);
    CHECK(config.listeners.size() == 2);
  }
}

TEST_CASE("HTTP outside loopback is served when the file says so") {
  Config config = default_config();
  std::string problem;
  CHECK_MESSAGE(parse_config("[http]\nhost = \"0.0.0.0\"\nallow_plain = true", "t.toml", config, problem), problem);
  CHECK(config.http_host == "0.0.0.0");
}

TEST_CASE("losing data is accepted only when the file says so") {
  Config config = default_config();
  std::string problem;
  CHECK(!config.accept_data_loss);
  CHECK_MESSAGE(parse_config("[history]\naccept_data_loss = true", "t.toml", config, problem), problem);
  CHECK(config.accept_data_loss);
}

TEST_CASE("a missing file is an error with its name") {
  Config config;
  std::string problem;
  CHECK(!load_config("/nonexistent.toml", config, problem));
  CHECK(problem.find("/nonexistent.toml") != std::string::npos);
}

TEST_CASE("the address that devices fetch files from is https, a host and perhaps a port") {
  for (const std::string url : {"https://iot.example.com", "https://iot.example.com:8443", "https://[2001:db8::1]:9"}) {
    Config config = default_config();
    std::string problem;
    CHECK(parse_config("[files]\nurl = \"" + url + "\"\nport = 9443\nhost = \"192.0.2.1\"\n", "f", config, problem));
    CHECK(config.files_url == url);
    CHECK(config.files_port == 9443);
  }
  for (const std::string url :
       {"http://iot.example.com", "iot.example.com", "https://", "https://h/path", "https://h?x", "https://u@h"}) {
    Config config = default_config();
    std::string problem;
    CHECK(!parse_config("[files]\nurl = \"" + url + "\"\n", "f", config, problem));
    CHECK(problem.find("files: url") != std::string::npos);
  }
  Config config = default_config();
  std::string problem;
  CHECK(parse_config("[files]\noffered = false\n", "f", config, problem));
  CHECK(!config.files_offered);
}
