#include "tercet/auth/host.h"

#include <doctest/doctest.h>

#include <string>

using namespace tercet;
using namespace tercet::auth;

TEST_CASE("hosts of both generations of instances are derived") {
  CHECK(host_of_product(*ProductKey::parse("a1B2c3D4e5F"), "cn-shanghai")->str() ==
        "a1B2c3D4e5F.iot-as-mqtt.cn-shanghai.aliyuncs.com");
  CHECK(host_of_instance("iot-060a0bgd")->str() == "iot-060a0bgd.mqtt.iothub.aliyuncs.com");
  for (const std::string bad : {"", "a.b", "a b", "-a", "a-", "a/b"}) {
    CHECK(host_of_instance(bad).error() == Error::bad_argument);
    CHECK(host_of_product(*ProductKey::parse("pk"), bad).error() == Error::bad_argument);
  }
  CHECK(host_of_instance(std::string(64, 'a')).error() == Error::bad_argument);
}

TEST_CASE("a host tells which generation it belongs to") {
  const Host product = parse_host("a1B2c3D4e5F.iot-as-mqtt.cn-shanghai.aliyuncs.com:1883");
  CHECK(product.kind == HostKind::product);
  CHECK(product.product == "a1B2c3D4e5F");
  CHECK(product.region == "cn-shanghai");
  CHECK(product.name == "a1B2c3D4e5F.iot-as-mqtt.cn-shanghai.aliyuncs.com");
  const Host instance = parse_host("iot-060a0bgd.mqtt.iothub.aliyuncs.com");
  CHECK(instance.kind == HostKind::instance);
  CHECK(instance.instance == "iot-060a0bgd");
  CHECK(parse_host("x509.itls.cn-shanghai.aliyuncs.com").kind == HostKind::x509);
  CHECK(parse_host("pk.itls.cn-shanghai.aliyuncs.com").kind == HostKind::itls);
  CHECK(parse_host("192.168.1.5:8883").kind == HostKind::other);
  CHECK(parse_host("192.168.1.5:8883").name == "192.168.1.5");
  CHECK(parse_host("").kind == HostKind::other);
}
