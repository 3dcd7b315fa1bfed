#include "provision/source_check.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "provision/source_walk.h"

using namespace tercet::provision;

namespace {

struct Case {
  const char* file;
  const char* text;
};

// Invented; none of a platform that exists.
constexpr Case kSecrets[] = {
    {"main.ino", R"(#define DEVICE_SECRET "9f2c41d07be85a6630cd1ef4a7925b18")"},
    {"main.ino", R"(#define DEVICE_SECRET  9f2c41d07be85a6630cd1ef4a7925b18)"},
    {"main.ino", "#define DEVICE_SECRET \\\n  \"9f2c41d07be85a6630cd1ef4a7925b18\""},
    {"main.cpp", R"(const char* deviceSecret = "9f2c41d07be85a6630cd1ef4a7925b18";)"},
    {"main.cpp", R"(static constexpr char kDeviceSecret[] =
    "9F2C41D07BE85A6630CD1EF4A7925B18";)"},
    {"main.cpp", R"(String device_secret("9f2c41d07be85a66" "30cd1ef4a7925b18");)"},
    {"main.c", R"(strcpy(meta.device_secret, "9f2c41d07be85a6630cd1ef4a7925b18");)"},
    {"main.c", R"(IOT_SetDeviceSecret('9f2c41d07be85a6630cd1ef4a7925b18');)"},
    {"main.c", R"(char *json = "{\"deviceSecret\":\"9f2c41d07be85a6630cd1ef4a7925b18\"}";)"},
    {"main.c", R"(const char *ds = "9f2c41d07be85a6630cd1ef4a7925b18"; // test board)"},
    {"main.c", R"(// old board, secret: 9f2c41d07be85a6630cd1ef4a7925b18)"},
    {"main.c", R"(connect("a1B2c3D4e5F", "sensor_01", "9f2c41d07be85a6630cd1ef4a7925b18");)"},
    {"main.c", R"(#define PRODUCT_SECRET "q7Zk2MxW9tLb4RyP")"},
    {"main.c", R"(#define ACCESS_KEY_SECRET "Jd8fT2kLq0Zx7vN4bW1mR6yH3sC9pG")"},
    {"main.c", R"(#define MQTT_PASSWORD "376dbf3b7cc637b0be87948f573aeb5ba5d2e124")"},
    {"main.py", "device_secret = '9f2c41d07be85a6630cd1ef4a7925b18'"},
    {"main.js", "const o = { deviceSecret: `9f2c41d07be85a6630cd1ef4a7925b18` }"},
    {"triple.json", R"({"productKey":"a1B2c3D4e5F","deviceSecret":"9f2c41d07be85a6630cd1ef4a7925b18"})"},
    {"sdkconfig", R"(CONFIG_TERCET_DEVICE_SECRET="9f2c41d07be85a6630cd1ef4a7925b18")"},
    {"sdkconfig.defaults", "CONFIG_DEVICE_SECRET=q7Zk2MxW9tLb4RyPq7Zk2MxW9tLb4RyC"},
    {"board.yaml", "device-secret: 9f2c41d07be85a6630cd1ef4a7925b18"},
    {"board.ini", "DeviceSecret = 9f2c41d07be85a6630cd1ef4a7925b18"},
    {"nvs.csv", "key,type,encoding,value\ntercet,namespace,,\nds,data,string,9f2c41d07be85a6630cd1ef4a7925b18"},
    {"boards.csv", "Name,Secret\nsensor_01,q7Zk2MxW9tLb4RyPq7Zk2MxW9tLb4RyC"},
    {"key.h", R"(const char key[] = "-----BEGIN EC PRIVATE KEY-----\n")"},
    {"psk.c", R"(char wifi_password[] = "9f2c41d07be85a6630cd1ef4a7925b189f2c41d07be85a6630cd1ef4a7925b19";)"},
};

constexpr Case kNoSecrets[] = {
    {"main.ino", R"(#define DEVICE_SECRET "YOUR_DEVICE_SECRET")"},
    {"main.ino", R"(#define DEVICE_SECRET "YourDeviceSecret12345")"},
    {"main.ino", R"(#define DEVICE_SECRET "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")"},
    {"main.ino", R"(#define DEVICE_SECRET "a1XXXXXXXXXXXXXXXXXXXXXXXXXXXXXX")"},
    {"main.ino", R"(#define DEVICE_SECRET "********************************")"},
    {"main.ino", R"(#define DEVICE_SECRET "0123456789abcdef0123456789abcdef")"},
    {"main.ino", R"(#define DEVICE_SECRET "abcdef0123456789abcdef0123456789")"},
    {"main.ino", R"(#define DEVICE_SECRET "00000000000000000000000000000000")"},
    {"main.ino", R"(#define DEVICE_SECRET "deadbeefdeadbeefdeadbeefdeadbeef")"},
    {"main.ino", R"(#define DEVICE_SECRET "")"},
    {"main.ino", R"(#define PRODUCT_KEY "a1XXXXXXXXX")"},
    {"main.ino", R"(#define PRODUCT_KEY "a1B2c3D4e5F")"},
    {"main.cpp", R"(const char* deviceSecret = "<your device secret 1234567890>";)"},
    {"main.cpp", R"(constexpr std::size_t kMaxDeviceSecretLength = 64;)"},
    {"main.cpp", R"(problem = "deviceSecret is missing or too long";)"},
    {"main.cpp", R"(const char* file = getenv("TERCET_DEVICE_SECRET_FILE");)"},
    {"main.cpp", R"(auto secret = readStoredValue0x12(partition2Offset);)"},
    {"main.cpp", R"(deviceSecret = boards1[index2].credentials34Triple;)"},
    {"main.cpp", R"(nvs_get_str(handle, "ds", secret, &length);)"},
    {"main.cpp", R"(char hash[] = "376dbf3b7cc637b0be87948f573aeb5ba5d2e124";)"},
    {"main.cpp", R"(#define WIFI_PASSWORD "correct horse battery 42")"},
    {"main.cpp", R"(#define WIFI_PASSWORD "MyHouse2024Garden16")"},
    {"main.cpp", R"(load_secret("/etc/tercet/a1B2c3D4/board17.json");)"},
    {"main.cpp", R"(DEVICE_SECRET "9f2c41d07be85a6630cd1ef4a7925b18" // vector of the manual, not-a-secret)"},
    {"main.cpp", "// not-a-secret: the manual's\nDEVICE_SECRET \"9f2c41d07be85a6630cd1ef4a7925b18\""},
    {"main.cpp", "int secret = 0;\nconst char* commit = \"376dbf3b7cc637b0be87948f573aeb5ba5d2e124\";"},
    {"cert.h", R"(const char ca[] = "-----BEGIN CERTIFICATE-----\n")"},
    {"sdkconfig", "CONFIG_TERCET_DEVICE_SECRET=\"\"\nCONFIG_APP_BUILD_ID=9f2c41d07be85a6630cd1ef4a7925b18"},
    {"nvs.csv", "key,type,encoding,value\nds,data,string,YOUR_DEVICE_SECRET\nbuild,data,u32,1234567890"},
};

}  // namespace

TEST_CASE("secrets in source are found, and never shown") {
  for (const Case& one : kSecrets) {
    const auto found = find_secrets(one.file, one.text);
    REQUIRE_MESSAGE(found.size() == 1, one.text);
    for (const char* value : {"9f2c41", "9F2C41", "q7Zk2M", "Jd8fT2", "376dbf"})
      CHECK_MESSAGE(found[0].what.find(value) == std::string::npos, found[0].what);
  }
}

TEST_CASE("placeholders, names and other numbers are no secrets") {
  for (const Case& one : kNoSecrets) {
    const auto found = find_secrets(one.file, one.text);
    CHECK_MESSAGE(found.empty(), one.text);
  }
}

TEST_CASE("a finding names its line and what was seen") {
  const auto found =
      find_secrets("main.ino", "// board\n\n#define DEVICE_SECRET \"9f2c41d07be85a6630cd1ef4a7925b18\"\n");
  REQUIRE(found.size() == 1);
  CHECK(found[0].line == 3);
  CHECK(found[0].what == "DEVICE_SECRET: 32 hex digits");
}

TEST_CASE("folders are read whole, but for builds, links, hidden files and what is no text") {
  char made[] = "/tmp/tercet-XXXXXX";
  const std::filesystem::path root = mkdtemp(made);
  const auto write = [&](const std::string& name, const std::string& text) {
    std::filesystem::create_directories((root / name).parent_path());
    std::ofstream(root / name, std::ios::binary) << text;
  };
  const std::string secret = "#define DEVICE_SECRET \"9f2c41d07be85a6630cd1ef4a7925b18\"\n";
  write("main/clean.c", "int main;\n");
  write("build/CMakeCache.txt", "x");
  write("build/config.h", secret);
  write(".git/old.c", secret);
  write("managed_components/other/test.c", secret);
  write("data.bin", secret + std::string(1, '\0'));
  std::filesystem::create_directory_symlink(root, root / "main/loop");
  std::ostringstream out, err;
  CHECK(check_source({root.string()}, out, err) == 0);
  CHECK(out.str() == "check-source: no secret in 1 file\n");
  CHECK(err.str() == "");

  write("main/board.h", "\n" + secret);
  CHECK(check_source({root.string()}, out, err) == 1);
  CHECK(err.str().starts_with((root / "main/board.h").string() + ":2: DEVICE_SECRET: 32 hex digits\n"));
  CHECK(err.str().find("cause:") != std::string::npos);
  CHECK(err.str().find("tercet provision") != std::string::npos);
  CHECK(err.str().find("9f2c") == std::string::npos);
  CHECK(check_source({(root / "build/config.h").string()}, out, err) == 1);  // named, so it is read
  CHECK(check_source({(root / "nothing").string()}, out, err) == 2);
  CHECK(check_source({}, out, err) == 2);
  std::filesystem::remove_all(root);
}
