#include "provision/board_record.h"

#include <doctest/doctest.h>

using namespace tercet;
using namespace tercet::provision;

namespace {

BoardRecord a_record() {
  return {.triple = {{*ProductKey::parse("a1B2c3D4e5F"), *DeviceName::parse("sensor_01")},
                     *DeviceSecret::parse("0123456789abcdef0123456789abcdef")}};
}

}  // namespace

TEST_CASE("a record becomes the entries the ports read") {
  BoardRecord record = a_record();
  std::string problem;
  auto entries = entries_of(record, problem);
  REQUIRE(entries);
  CHECK(*entries == std::vector<NvsEntry>{{"tercet", "pk", "a1B2c3D4e5F"},
                                          {"tercet", "dn", "sensor_01"},
                                          {"tercet", "ds", "0123456789abcdef0123456789abcdef"}});
  record.product_secret = "ProductSecret01";
  record.host = "iot.example", record.port = 1883;
  record.ca = "-----BEGIN CERTIFICATE-----\n...";
  record.pins = {std::string(64, 'a')};
  record.wifi_ssid = "home", record.wifi_password = "correct horse";
  entries = entries_of(record, problem);
  REQUIRE(entries);
  std::string keys;
  for (const NvsEntry& entry : *entries) keys += entry.key + (is_public(entry) ? " " : "* ");
  CHECK(keys == "pk dn ds* ps* host port ca wifi_ssid wifi_pass* ");
  CHECK((*entries)[5] == NvsEntry("tercet", "port", NvsType::u16, 1883));
  CHECK((*entries)[6].bytes == record.ca + "\npin-sha256:" + record.pins[0] + "\n");
  CHECK(!is_public({"nvs.net80211", "pk", "x"}));
}

TEST_CASE("a record that a board could not use is refused, without its secrets in the reason") {
  struct Case {
    void (*spoil)(BoardRecord&);
    const char* says;
  };
  const Case cases[] = {
      {[](BoardRecord& r) { r.product_secret = "two words"; }, "ProductSecret"},
      {[](BoardRecord& r) { r.host = "a b"; }, "host"},
      {[](BoardRecord& r) { r.port = 0; }, "port"},
      {[](BoardRecord& r) { r.ca = "not PEM"; }, "PEM"},
      {[](BoardRecord& r) { r.ca = "-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----"; }, "private key"},
      {[](BoardRecord& r) { r.ca = "-----BEGIN CERTIFICATE-----" + std::string(4000, 'x'); }, "3999"},
      {[](BoardRecord& r) { r.pins = {"abcd"}; }, "64 hex"},
      {[](BoardRecord& r) { r.pins = {std::string(64, 'g')}; }, "64 hex"},
      {[](BoardRecord& r) { r.pins.assign(5, std::string(64, 'a')); }, "at most 4"},
      {[](BoardRecord& r) { r.wifi_ssid = std::string(33, 's'); }, "32"},
      {[](BoardRecord& r) { r.wifi_password = "long enough"; }, "without a Wi-Fi name"},
      {[](BoardRecord& r) { r.wifi_ssid = "s", r.wifi_password = "short77"; }, "8 to 63"},
      {[](BoardRecord& r) { r.wifi_ssid = "s", r.wifi_password = std::string(64, 'z'); }, "8 to 63"},
  };
  for (const Case& one : cases) {
    BoardRecord record = a_record();
    one.spoil(record);
    std::string problem;
    CHECK(!entries_of(record, problem));
    CHECK_MESSAGE(problem.find(one.says) != std::string::npos, problem);
    CHECK(problem.find("short77") == std::string::npos);
    CHECK(problem.find("two words") == std::string::npos);
  }
}
