#include "ports/posix/files.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>

#include "ports/posix/air_sensor.h"
#include "ports/posix/triple_file.h"

using namespace tercet;
using namespace tercet::posix;

namespace {

struct Directory {
  Directory() {
    char name[] = "/tmp/tercet-XXXXXX";
    path = mkdtemp(name);
  }
  ~Directory() { std::filesystem::remove_all(path); }
  std::string write(const std::string& name, const std::string& text, unsigned mode = 0600) const {
    const std::string file = path + '/' + name;
    std::filesystem::create_directories(std::filesystem::path(file).parent_path());
    std::ofstream(file) << text;
    ::chmod(file.c_str(), static_cast<mode_t>(mode));
    return file;
  }
  std::string path;
};

}  // namespace

TEST_CASE("values are kept in private files and replaced whole") {
  const Directory directory;
  FileStore store(directory.path + "/state");
  std::array<std::uint8_t, 16> buffer;
  CHECK(store.get("time", buffer).error() == Error::not_found);
  REQUIRE(store.set("time", as_bytes("first")));
  REQUIRE(store.set("time", as_bytes("2nd")));
  const auto got = store.get("time", buffer);
  REQUIRE(got);
  CHECK(as_text(Bytes{buffer}.first(*got)) == "2nd");
  CHECK(*is_readable_by_others(directory.path + "/state/time") == false);
  CHECK(store.get("time", MutableBytes{buffer}.first(2)).error() == Error::no_space);
  REQUIRE(store.remove("time"));
  REQUIRE(store.remove("time"));
  CHECK(store.get("time", buffer).error() == Error::not_found);
  for (const char* bad : {"", "../secret", "a/b", "a_key_that_is_too_long"})
    CHECK(store.set(bad, {}).error() == Error::bad_argument);
}

TEST_CASE("a triple is read from JSON and from lines, in the spellings people use") {
  const Directory directory;
  const std::string files[] = {
      directory.write("a.json", R"({"productKey":"a1B2c3D4e5F","deviceName":"sensor_01","deviceSecret":"0123",)"
                                R"("host":"iot.example","port":1883,"ca":"ca.pem"})"),
      directory.write("b.txt",
                      "# my board\nProductKey = a1B2c3D4e5F\ndevice_name=sensor_01\r\n\nDEVICE_SECRET: 0123\n"
                      "host=iot.example\nport=1883\nca=ca.pem\n")};
  for (const std::string& file : files) {
    CAPTURE(file);
    std::string problem;
    const auto triple = read_triple_file(file, problem);
    REQUIRE(triple);
    CHECK(triple->id.product.str() == "a1B2c3D4e5F");
    CHECK(triple->id.device.str() == "sensor_01");
    CHECK(triple->host == "iot.example");
    CHECK(triple->port == 1883);
    CHECK(triple->ca == directory.path + "/ca.pem");
    TripleFileSecrets secrets(file);
    CHECK(secrets.secret_of(triple->id)->str() == "0123");
    const DeviceId other{triple->id.product, *DeviceName::parse("other")};
    CHECK(secrets.secret_of(other).error() == Error::not_found);
  }
}

TEST_CASE("a triple file that others can read, or that lacks something, is refused with the reason") {
  const Directory directory;
  std::string problem;
  const std::string open = directory.write("open", "productKey=a1\ndeviceName=b\ndeviceSecret=c\n", 0644);
  CHECK(read_triple_file(open, problem).error() == Error::denied);
  CHECK(problem.find("chmod 600") != std::string::npos);
  CHECK(TripleFileSecrets(open).secret_of({*ProductKey::parse("a1"), *DeviceName::parse("b")}).error() ==
        Error::denied);
  CHECK(read_triple_file(directory.path + "/none", problem).error() == Error::not_found);
  CHECK(read_triple_file(directory.write("c", "productKey=a1\ndeviceName=b\n"), problem).error() == Error::malformed);
  CHECK(problem.find("deviceSecret") != std::string::npos);
  CHECK(read_triple_file(directory.write("d", "{\"productKey\":}"), problem).error() == Error::malformed);
  const std::string bad_port = directory.write("e", "productKey=a1\ndeviceName=b\ndeviceSecret=c\nport=70000\n");
  CHECK(read_triple_file(bad_port, problem).error() == Error::malformed);
}

TEST_CASE("a chip that measures air is found among the others and read in degrees and percent") {
  const Directory sys;
  CHECK(AirSensor::find(sys.path) == nullptr);
  sys.write("class/hwmon/hwmon0/name", "coretemp\n");
  sys.write("class/hwmon/hwmon0/temp1_input", "55000\n");
  CHECK(AirSensor::find(sys.path) == nullptr);
  sys.write("bus/iio/devices/iio:device0/name", "dht11\n");
  sys.write("bus/iio/devices/iio:device0/in_temp_input", "21500\n");
  sys.write("bus/iio/devices/iio:device0/in_humidityrelative_input", "48200\n");
  const auto dht = AirSensor::find(sys.path);
  REQUIRE(dht);
  CHECK(dht->description() == "dht11 at iio:device0");
  CHECK(dht->sample({})->temperature == doctest::Approx(21.5));
  CHECK(dht->sample({})->humidity == doctest::Approx(48.2));
  sys.write("class/hwmon/hwmon3/name", "sht3x\n");
  sys.write("class/hwmon/hwmon3/temp1_input", "-4250\n");
  sys.write("class/hwmon/hwmon3/humidity1_input", "61000\n");
  const auto sht = AirSensor::find(sys.path);
  CHECK(sht->description() == "sht3x at hwmon3");
  CHECK(sht->sample({})->temperature == doctest::Approx(-4.25));
  std::filesystem::remove(sys.path + "/class/hwmon/hwmon3/humidity1_input");
  CHECK(sht->sample({}).error() == Error::io_failed);
}

TEST_CASE("a raw IIO channel is scaled by what stands beside it") {
  const Directory sys;
  const std::string chip = "bus/iio/devices/iio:device1/";
  sys.write(chip + "name", "hdc100x\n");
  sys.write(chip + "in_temp_raw", "26214\n");
  sys.write(chip + "in_temp_offset", "-15887.515151\n");
  sys.write(chip + "in_temp_scale", "2.517700195\n");
  sys.write(chip + "in_humidityrelative_raw", "32768\n");
  sys.write(chip + "in_humidityrelative_scale", "1.525878906\n");
  const auto sensor = AirSensor::find(sys.path);
  REQUIRE(sensor);
  CHECK(sensor->sample({})->temperature == doctest::Approx(26.0).epsilon(0.01));
  CHECK(sensor->sample({})->humidity == doctest::Approx(50.0).epsilon(0.01));
}
