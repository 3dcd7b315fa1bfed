#include <doctest/doctest.h>

#include <tuple>

#include "platform/openapi/test_platform.h"
#include "platform/runtime/pki.h"

using namespace tercet;
using namespace tercet::openapi;

namespace {

std::string text(const boost::json::value& value) { return std::string(value.as_string()); }

}  // namespace

TEST_CASE("certificates of devices are bound, shown without a key, listed and revoked") {
  TestPlatform platform;
  const auto product =
      platform.call("CreateProduct", {{"ProductName", "certified"}, {"NodeType", "0"}, {"AuthType", "x509"}});
  CHECK(text(product.at("Data").at("AuthType")) == "x509");
  const NamedTexts device{{"ProductKey", text(product.at("ProductKey"))}, {"DeviceName", "sensor_01"}};
  platform.call("RegisterDevice", device);
  CHECK(text(platform.call("QueryDeviceCert", device).at("Code")) == "tercet.certificate.NotExisted");
  CHECK(text(platform.call("IssueDeviceCert", device).at("Code")) == "tercet.certificate.NoAuthority");

  const auto authority = runtime::make_authority(runtime::KeyKind::ecdsa_p256, "CA", platform.loop.wall());
  REQUIRE(authority);
  const auto made =
      runtime::make_device_identity(*authority, runtime::KeyKind::ecdsa_p256, "board", platform.loop.wall(), 30);
  REQUIRE(made);
  NamedTexts binding = device;
  binding.emplace_back("Certificate", "nonsense");
  CHECK(text(platform.call("BindDeviceCert", binding).at("Code")) == "tercet.certificate.Malformed");
  binding.back().second = made->chain_pem;
  const auto bound = platform.call("BindDeviceCert", binding);
  REQUIRE(bound.at("Success").as_bool());
  const std::string serial = text(bound.at("Data").at("CertSN"));

  const auto shown = platform.call("QueryDeviceCert", device);
  CHECK(text(shown.at("DeviceCertInfo").at("CertSN")) == serial);
  CHECK(text(shown.at("DeviceCertInfo").at("Certificate")) == made->chain_pem);
  CHECK(text(shown.at("DeviceCertInfo").at("PrivateKey")).empty());
  CHECK(shown.at("DeviceCertInfo").at("Status") == 1);
  CHECK(platform.call("ListDeviceCerts", device).at("Data").at("CertInfo").as_array().size() == 1);

  NamedTexts revoking = device;
  revoking.emplace_back("CertSN", serial);
  CHECK(platform.call("RevokeDeviceCert", revoking).at("Success").as_bool());
  CHECK(platform.call("QueryDeviceCert", device).at("DeviceCertInfo").at("Status") == 0);
  CHECK(text(platform.call("RevokeDeviceCert", revoking).at("Code")) == "tercet.certificate.NotExisted");
}

TEST_CASE("authorities are uploaded, listed and deleted, and certificates bound by their serial numbers") {
  TestPlatform platform;
  const auto product =
      platform.call("CreateProduct", {{"ProductName", "certified"}, {"NodeType", "0"}, {"AuthType", "x509"}});
  const NamedTexts device{{"ProductKey", text(product.at("ProductKey"))}, {"DeviceName", "sensor_01"}};
  platform.call("RegisterDevice", device);
  const auto authority = runtime::make_authority(runtime::KeyKind::rsa_2048, "CA", platform.loop.wall());
  CHECK(text(platform.call("AddCaCertificate", {{"Certificate", "x"}}).at("Code")) == "tercet.certificate.Malformed");
  const auto added = platform.call("AddCaCertificate", {{"Certificate", authority->chain_pem}});
  REQUIRE(added.at("Success").as_bool());
  const std::string sha256 = text(added.at("Data").at("CaSha256"));
  NamedTexts binding = device;
  CHECK(text(platform.call("BindDeviceCert", binding).at("Code")) == "InvalidCertificate");
  binding.emplace_back("CertSN", "0A:0B");
  binding.emplace_back("CaSha256", sha256.substr(0, 12));
  const auto bound = platform.call("BindDeviceCert", binding);
  REQUIRE(bound.at("Success").as_bool());
  CHECK(text(bound.at("Data").at("CertSN")) == "0A0B");
  CHECK(text(bound.at("Data").at("CaSha256")) == sha256);
  const auto listed = platform.call("ListCaCertificates", {});
  REQUIRE(listed.at("Data").at("CaInfo").as_array().size() == 1);
  CHECK(listed.at("Data").at("CaInfo").at(0).at("BoundCount") == 1);
  CHECK(platform.call("DeleteCaCertificate", {{"CaSha256", sha256}}).at("Success").as_bool());
  CHECK(platform.call("ListDeviceCerts", device).at("Data").at("CertInfo").at(0).at("Status") == 0);
}

TEST_CASE("a certificate is made with a key of a kind and for days that there are") {
  TestPlatform platform;
  platform.make_board();
  const NamedTexts device{{"ProductKey", platform.product_key}, {"DeviceName", "board1"}};
  for (const auto& [name, value, code] : std::vector<std::tuple<std::string, std::string, std::string>>{
           {"KeyType", "DSA", "InvalidKeyType"}, {"Days", "0", "InvalidDays"}, {"Days", "10951", "InvalidDays"}}) {
    NamedTexts wrong = device;
    wrong.emplace_back(name, value);
    CHECK(text(platform.call("IssueDeviceCert", wrong).at("Code")) == code);
  }
}
