#include <doctest/doctest.h>

#include "platform/registry/test_world.h"
#include "platform/runtime/pki.h"

using namespace tercet;
using namespace tercet::registry;

namespace {

struct Certified : TestWorld {
  std::string product;
  runtime::TlsIdentity authority;
  Certified() {
    NewProduct wanted;
    wanted.name = "climate";
    wanted.auth_type = "x509";
    product = open().create_product(wanted)->product.key;
    for (const char* name : {"sensor_01", "sensor_02"})
      static_cast<void>(registry->register_device({product, name, {}, {}}));
    settle();
    authority = *runtime::make_authority(runtime::KeyKind::ecdsa_p256, "CA", management.wall());
  }
  DeviceRef ref(const std::string& name = "sensor_01") const { return {{}, product, name}; }
  std::string make(int days = 30, std::int64_t ago = 0) {
    return runtime::make_device_identity(authority, runtime::KeyKind::ecdsa_p256, "board",
                                         {management.wall().ms - ago * runtime::kDayMs}, days)
        ->chain_pem;
  }
  const Device& at_home() {
    settle();
    return *home(product, "sensor_01").device(product, "sensor_01");
  }
};

}  // namespace

TEST_CASE("a certificate that is bound is found by logins, also across a restart, and no longer after it is revoked") {
  Certified world;
  CHECK(!world.registry->certificate_index().in_use());
  CHECK(world.at_home().by_certificate);
  const std::string pem = world.make();
  const auto bound = world.registry->bind_certificate(world.ref(), pem);
  REQUIRE(bound);
  CHECK(bound->sha256.size() == 64);
  CHECK(bound->not_after.ms > world.management.wall().ms);
  const auto found = [&] { return world.registry->certificate_index().find(bound->sha256); };
  REQUIRE(found());
  CHECK(found()->name == "sensor_01");
  CHECK(!found()->revoked);

  world.open();
  REQUIRE(found());
  CHECK(found()->device == world.at_home().number);
  CHECK(world.at_home().by_certificate);
  REQUIRE(world.registry->certificates(world.ref())->size() == 1);
  CHECK(world.registry->certificates(world.ref())->front().pem == pem);

  CHECK(world.registry->revoke_certificates(world.ref(), "00").problem().code == "tercet.certificate.NotExisted");
  CHECK(world.registry->revoke_certificates(world.ref("sensor_02"), "").problem().code ==
        "tercet.certificate.NotExisted");
  REQUIRE(world.registry->revoke_certificates(world.ref(), bound->serial));
  CHECK(found()->revoked);
  CHECK(world.at_home().sign_out);
  CHECK(world.registry->bind_certificate(world.ref(), pem).problem().code == "tercet.certificate.AlreadyBound");
  world.open();
  CHECK(found()->revoked);
}

TEST_CASE("what cannot be bound is refused with a reason") {
  Certified world;
  const auto code = [&](const DeviceRef& ref, const std::string& pem) {
    const auto bound = world.registry->bind_certificate(ref, pem);
    return bound ? std::string_view() : bound.problem().code;
  };
  CHECK(code(world.ref(), "no certificate") == "tercet.certificate.Malformed");
  CHECK(code(world.ref(), world.make(1, 3)) == "tercet.certificate.Expired");
  CHECK(code(world.ref("sensor_09"), world.make()) == "iot.device.NotExistedDevice");
  const std::string pem = world.make();
  CHECK(code(world.ref(), pem).empty());
  CHECK(code(world.ref("sensor_02"), pem) == "tercet.certificate.AlreadyBound");
  for (std::size_t i = 1; i < Registry::kMostCertificates; ++i) CHECK(code(world.ref(), world.make()).empty());
  CHECK(code(world.ref(), world.make()) == "tercet.certificate.TooMany");

  NewProduct other;
  other.name = "secretive";
  const std::string key = world.registry->create_product(other)->product.key;
  static_cast<void>(world.registry->register_device({key, "sensor_01", {}, {}}));
  CHECK(code({{}, key, "sensor_01"}, world.make()) == "tercet.certificate.ProductUsesSecrets");
}

TEST_CASE("a product of certificates has no dynamic registration") {
  Certified world;
  ProductChange change;
  change.dynamic_register = true;
  CHECK(world.registry->update_product(world.product, change).problem().code == "tercet.certificate.NoRegistration");
  NewProduct wanted;
  wanted.name = "both";
  wanted.auth_type = "x509";
  wanted.dynamic_register = true;
  CHECK(world.registry->create_product(wanted).problem().code == "tercet.certificate.NoRegistration");
}
