#include "cli/provision.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "cli/provision_source.h"
#include "ports/posix/triple_file.h"

using namespace tercet;
using namespace tercet::cli;
namespace fs = std::filesystem;

namespace {

constexpr const char* kSecret = "9f2c41d07be85a6630cd1ef4a7925b18";

struct Folder {
  Folder() {
    char name[] = "/tmp/tercet-XXXXXX";
    path = mkdtemp(name);
  }
  ~Folder() { fs::remove_all(path); }
  std::string at(const std::string& name) const { return path + '/' + name; }
  std::string write(const std::string& name, const std::string& text, mode_t mode = 0600) const {
    std::ofstream(at(name)) << text;
    ::chmod(at(name).c_str(), mode);
    return at(name);
  }
  std::string text(const std::string& name) const {
    std::ifstream in(at(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(path), fs::directory_iterator()));
  }
  std::string triple() const {
    return write("triple.json", R"({"productKey":"a1B2c3D4e5F","deviceName":"sensor_01","deviceSecret":")" +
                                    std::string(kSecret) + R"(","host":"iot.example","port":1883})");
  }
  provision::NvsImage image(const std::string& name, const std::string& keys_name) const {
    std::string problem;
    const auto keys = provision::NvsKeys::parse(as_bytes(text(keys_name)), problem);
    REQUIRE_MESSAGE(keys, problem);
    return provision::decode_nvs(as_bytes(text(name)), &*keys);
  }
  std::string path;
};

std::string value(const provision::NvsImage& image, const std::string& key) {
  for (const auto& entry : image.entries)
    if (entry.key == key) return entry.type == provision::NvsType::text ? entry.bytes : std::to_string(entry.number);
  return "none";
}

}  // namespace

TEST_CASE("a triple is read in the forms people have it in") {
  std::string problem;
  for (const char* text : {
           R"({"productKey":"a1B2c3D4e5F","deviceName":"s:1","deviceSecret":"9f2c"})",
           "product_key=a1B2c3D4e5F\ndevice_name=s:1\ndevice_secret=9f2c\n",
           "a1B2c3D4e5F s:1 9f2c",
           " a1B2c3D4e5F,s:1,9f2c\r\n",
           "a1B2c3D4e5F\ts:1\n9f2c\n",
       }) {
    const auto board = parse_board(text, problem);
    REQUIRE_MESSAGE(board, problem);
    CHECK(board->triple.id.product.str() == "a1B2c3D4e5F");
    CHECK(board->triple.id.device.str() == "s:1");
    CHECK(board->triple.secret.str() == "9f2c");
  }
  for (const char* text : {"", "a1B2c3D4e5F s1", "a1B2c3D4e5F s1 9f2c more", "{", "a1 s?1 9f2c"})
    CHECK(!parse_board(text, problem));
}

TEST_CASE("a list is read by its titles, and refused with the line that is wrong") {
  std::string problem;
  const auto boards = parse_list(
      "\xEF\xBB\xBF"
      "device_name,Note,DeviceSecret,\"ProductKey\",port,Host\r\ns1,first,9f2c,a1,1883,h\r\n\r\n\"s2\",,abcd,a1,,\n",
      problem);
  REQUIRE_MESSAGE(boards, problem);
  REQUIRE(boards->size() == 2);
  CHECK((*boards)[0].port == 1883);
  CHECK((*boards)[0].host == "h");
  CHECK((*boards)[1].triple.id.device.str() == "s2");
  CHECK(!(*boards)[1].port);
  struct Case {
    const char *text, *says;
  };
  for (const Case& one : {Case{"", "titles"}, Case{"ProductKey,DeviceName\na1,s1", "titles"},
                          Case{"ProductKey,DeviceName,DeviceSecret\n", "no board"},
                          Case{"ProductKey,DeviceName,DeviceSecret\na1,s1,9f2c\na1,s1,abcd", "line 3"},
                          Case{"ProductKey,DeviceName,DeviceSecret\na1,s1,9f2c\na1,s?2,abcd", "line 3"},
                          Case{"ProductKey,DeviceName,DeviceSecret\na1,s1,", "DeviceSecret"},
                          Case{"ProductKey,DeviceName,DeviceSecret\na1,s1,9f2c,more", "titles"},
                          Case{"ProductKey,DeviceName,DeviceSecret,Port\na1,s1,9f2c,0", "port"}}) {
    CHECK(!parse_list(one.text, problem));
    CHECK_MESSAGE(problem.find(one.says) != std::string::npos, problem);
    CHECK(problem.find("9f2c") == std::string::npos);
  }
}

TEST_CASE("Wi-Fi is taken as it is written") {
  std::string problem;
  auto board = *parse_board("a1 s1 9f2c", problem);
  REQUIRE(parse_wifi("# home\nssid=My Home \r\npassword= a=b \r\n", board, problem));
  CHECK(board.wifi_ssid == "My Home ");
  CHECK(board.wifi_password == " a=b ");
  auto other = *parse_board("a1 s1 9f2c", problem);
  CHECK(!parse_wifi("password=x", other, problem));
}

TEST_CASE("the platform's answer gives a triple, or the reason why not") {
  std::string problem;
  const auto board = board_of_answer(
      R"({"Success":true,"Data":{"ProductKey":"a1","DeviceName":"s1","DeviceSecret":"9f2c","IotId":"x"}})", problem);
  REQUIRE(board);
  CHECK(board->triple.secret.str() == "9f2c");
  for (const char* body : {"", "[]", R"({"Data":1})", R"({"Data":{"ProductKey":"a1","DeviceName":"s1"}})"})
    CHECK(!board_of_answer(body, problem));
}

TEST_CASE("a board's image is encrypted with new keys, private, and holds what was given") {
  const Folder folder;
  ProvisionOptions options;
  options.triple = folder.triple();
  options.nvs_out = folder.at("board.bin"), options.keys_out = folder.at("keys.bin");
  options.ca_file = folder.write("ca.pem", "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n", 0644);
  options.wifi_file = folder.write("wifi", "ssid=home\npassword=correct horse\n");
  options.product_secret_file = folder.write("ps", "ProductSecret01\n");
  options.port = 8883;
  REQUIRE(run_provision(options) == 0);
  CHECK(folder.text("board.bin").size() == 0x6000);
  CHECK(folder.text("board.bin").find(kSecret) == std::string::npos);
  const auto image = folder.image("board.bin", "keys.bin");
  CHECK(image.problems == std::vector<std::string>{});
  CHECK(value(image, "pk") == "a1B2c3D4e5F");
  CHECK(value(image, "dn") == "sensor_01");
  CHECK(value(image, "ds") == kSecret);
  CHECK(value(image, "ps") == "ProductSecret01");
  CHECK(value(image, "host") == "iot.example");
  CHECK(value(image, "port") == "8883");
  CHECK(value(image, "ca").starts_with("-----BEGIN CERTIFICATE-----"));
  CHECK(value(image, "wifi_ssid") == "home");
  CHECK(value(image, "wifi_pass") == "correct horse");
  struct stat info {};
  for (const char* name : {"board.bin", "keys.bin"}) {
    REQUIRE(::stat(folder.at(name).c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0600);
  }
  const std::string shown = render_image(image);
  for (const char* secret : {kSecret, "ProductSecret01", "correct horse"})
    CHECK_MESSAGE(shown.find(secret) == std::string::npos, shown);
  CHECK(shown.find("iot.example") != std::string::npos);

  const std::string before = folder.text("board.bin") + folder.text("keys.bin");
  CHECK(run_provision(options) == 2);  // both are there
  CHECK(folder.text("board.bin") + folder.text("keys.bin") == before);
  options.force = true;
  CHECK(run_provision(options) == 0);
  CHECK(folder.text("keys.bin") != before.substr(0x6000));

  options.nvs_out = folder.at("again.bin"), options.keys_out.clear(), options.use_keys = folder.at("keys.bin");
  CHECK(run_provision(options) == 0);
  CHECK(folder.text("again.bin") == folder.text("board.bin"));
  CHECK(show_image(folder.at("again.bin"), folder.at("keys.bin"), false) == 0);
  CHECK(show_image(folder.at("again.bin"), "", false) == 1);
  CHECK(show_image(folder.at("nothing.bin"), "", false) == 2);
}

TEST_CASE("a triple file is one the device side reads") {
  const Folder folder;
  ProvisionOptions options;
  options.triple = folder.write("pasted", std::string("a1B2c3D4e5F sensor_01 ") + kSecret);
  options.triple_out = folder.at("out.json");
  options.host = "localhost", options.port = 1883;
  REQUIRE(run_provision(options) == 0);
  std::string problem;
  const auto read = posix::read_triple_file(folder.at("out.json"), problem);
  REQUIRE_MESSAGE(read, problem);
  CHECK(read->id.device.str() == "sensor_01");
  CHECK(read->host == "localhost");
  CHECK(read->port == 1883);
}

TEST_CASE("a list becomes two files a board and a table without secrets") {
  const Folder folder;
  ProvisionOptions options;
  options.list = folder.write("list.csv", std::string("ProductKey,DeviceName,DeviceSecret\na1,s1,") + kSecret +
                                              "\na1,s2,q7Zk2MxW9tLb4RyPq7Zk2MxW9tLb4RyC\n");
  options.directory = folder.at("out");
  REQUIRE(run_provision(options) == 0);
  CHECK(folder.text("out/boards.csv") ==
        "ProductKey,DeviceName,File,Keys\na1,s1,a1.s1.nvs.bin,a1.s1.keys.bin\na1,s2,a1.s2.nvs.bin,a1.s2.keys.bin\n");
  CHECK(value(folder.image("out/a1.s1.nvs.bin", "out/a1.s1.keys.bin"), "ds") == kSecret);
  CHECK(value(folder.image("out/a1.s2.nvs.bin", "out/a1.s2.keys.bin"), "dn") == "s2");
  CHECK(folder.text("out/a1.s1.keys.bin") != folder.text("out/a1.s2.keys.bin"));
  CHECK(run_provision(options) == 2);
  fs::remove_all(folder.at("out"));
  options.as = "file";
  REQUIRE(run_provision(options) == 0);
  CHECK(fs::exists(folder.at("out/a1.s2.json")));
}

TEST_CASE("what does not go together is refused, and nothing is written") {
  const Folder folder;
  const std::string triple = folder.triple(), open = folder.write("open.json", folder.text("triple.json"), 0644);
  const std::string wifi = folder.write("wifi", "ssid=home\npassword=correct horse\n");
  const std::string short_wifi = folder.write("short", "ssid=home\npassword=x\n");
  const std::size_t before = folder.files();
  const auto refused = [&](auto&& change) {
    ProvisionOptions options;
    options.triple = triple, options.nvs_out = folder.at("b.bin"), options.keys_out = folder.at("k.bin");
    change(options);
    return run_provision(options) == 2 && folder.files() == before;
  };
  CHECK(refused([](auto& o) { o.triple.clear(); }));
  CHECK(refused([](auto& o) { o.product = "a1"; }));
  CHECK(refused([](auto& o) { o.name = "s1"; }));
  CHECK(refused([](auto& o) { o.keys_out.clear(); }));
  CHECK(refused([](auto& o) { o.keys_out = o.nvs_out, o.force = true; }));
  CHECK(refused([](auto& o) { o.unencrypted = true; }));
  CHECK(refused([](auto& o) { o.nvs_out.clear(); }));
  CHECK(refused([](auto& o) { o.use_keys = o.triple; }));
  CHECK(refused([&](auto& o) { o.directory = folder.at("out"); }));
  CHECK(refused([](auto& o) { o.size = 0x2000; }));
  CHECK(refused([](auto& o) { o.size = 0x6001; }));
  CHECK(refused([&](auto& o) { o.triple = open; }));
  CHECK(refused([&](auto& o) { o.ca_file = folder.at("missing.pem"); }));
  CHECK(refused([&](auto& o) { o.ca_file = triple; }));
  CHECK(refused([](auto& o) { o.pins = {"abcd"}; }));
  CHECK(refused([&](auto& o) { o.wifi_file = short_wifi; }));
  CHECK(refused([&](auto& o) { o.keys_out = folder.at("missing/k.bin"); }));
  CHECK(refused([&](auto& o) { o.triple_out = o.nvs_out, o.nvs_out.clear(), o.wifi_file = wifi, o.keys_out.clear(); }));
  CHECK(refused(
      [&](auto& o) { o.triple.clear(), o.product = "a1", o.platform.ready_file = folder.at("no_platform.json"); }));
}
