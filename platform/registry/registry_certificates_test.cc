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

TEST_CASE("a certificate of an uploaded authority is known by its serial number, also across a restart") {
  Certified world;
  CHECK(world.registry->bind_serial(world.ref(), "", "01").problem().code == "tercet.certificate.NotExistedAuthority");
  const auto added = world.registry->add_authority(world.authority.chain_pem);
  REQUIRE(added);
  CHECK(world.registry->certificate_index().in_use());
  CHECK(world.registry->add_authority(world.authority.chain_pem).problem().code ==
        "tercet.certificate.AuthorityExisted");
  const auto shown = *runtime::read_certificate(world.make());
  const auto found = [&](const runtime::PeerCertificate& one) { return world.registry->certificate_index().find(one); };
  CHECK(!found(shown));
  CHECK(world.registry->bind_serial(world.ref(), "", "xyz").problem().code == "tercet.certificate.BadSerial");
  std::string serial = shown.serial;  // as people paste it
  for (char& c : serial)
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c | 0x20);
  const auto bound = world.registry->bind_serial(world.ref(), added->sha256.substr(0, 8), "0x" + serial);
  REQUIRE(bound);
  CHECK(bound->serial == shown.serial);
  REQUIRE(found(shown));
  CHECK(found(shown)->name == "sensor_01");
  CHECK(found(shown)->authority_ends->ms == added->not_after.ms);
  CHECK(world.registry->bind_serial(world.ref("sensor_02"), "", shown.serial).problem().code ==
        "tercet.certificate.AlreadyBound");

  SUBCASE("the same number from somebody else's authority, of the same name, is nobody") {
    const auto other = *runtime::make_authority(runtime::KeyKind::ecdsa_p256, "CA", world.management.wall());
    auto forged = *runtime::read_certificate(
        runtime::make_device_identity(other, runtime::KeyKind::ecdsa_p256, "board", world.management.wall(), 30)
            ->chain_pem);
    forged.serial = shown.serial;
    CHECK(!found(forged));
  }
  SUBCASE("after a restart, until it is revoked") {
    world.open();
    REQUIRE(found(shown));
    const auto listed = world.registry->certificates(world.ref());
    REQUIRE(listed->size() == 1);
    CHECK(listed->front().authority == added->sha256);
    CHECK(listed->front().sha256.empty());
    CHECK(world.registry->authorities()->front().bound == 1);
    REQUIRE(world.registry->revoke_certificates(world.ref(), serial));
    CHECK(found(shown)->revoked);
    CHECK(world.registry->authorities()->front().bound == 0);
    CHECK(world.registry->bind_serial(world.ref(), "", serial).problem().code == "tercet.certificate.AlreadyBound");
  }
  SUBCASE("until its authority is deleted, which signs the device out") {
    CHECK(world.registry->delete_authority("00000000").problem().code == "tercet.certificate.NotExistedAuthority");
    CHECK(world.registry->delete_authority(added->sha256.substr(0, 7)).problem().code ==
          "tercet.certificate.NotExistedAuthority");
    REQUIRE(world.registry->delete_authority(added->sha256));
    CHECK(!found(shown));
    CHECK(world.at_home().sign_out);
    CHECK(world.registry->authorities()->empty());
    CHECK(world.registry->certificates(world.ref())->front().revoked);
    world.open();
    CHECK(!found(shown));
  }
}

TEST_CASE("what is no authority is not taken for one, nor more than ten") {
  Certified world;
  const auto code = [&](const std::string& pem) {
    const auto added = world.registry->add_authority(pem);
    return added ? std::string_view() : added.problem().code;
  };
  CHECK(code("nothing") == "tercet.certificate.Malformed");
  CHECK(code(world.make()) == "tercet.certificate.NoAuthorityCertificate");
  const auto make = [&](std::int64_t days_ago) {
    const UnixMillis at{world.management.wall().ms - days_ago * runtime::kDayMs};
    return runtime::make_authority(runtime::KeyKind::ecdsa_p256, "CA", at)->chain_pem;
  };
  CHECK(code(make(runtime::kAuthorityDays + 1)) == "tercet.certificate.Expired");
  for (std::size_t i = 0; i < Registry::kMostAuthorities; ++i) CHECK(code(make(0)).empty());
  CHECK(code(make(0)) == "tercet.certificate.TooManyAuthorities");
  CHECK(world.registry->bind_serial(world.ref(), "", "01").problem().code == "tercet.certificate.NotExistedAuthority");
}

TEST_CASE("a serial number is read as people paste it") {
  for (const auto& [given, read] : {std::pair{"01", "01"},
                                    {"1", "01"},
                                    {"0x0aB", "AB"},
                                    {"AB:cd:0e", "ABCD0E"},
                                    {"00 12 3", "0123"},
                                    {"00ff", "FF"}})
    CHECK(normal_serial(given) == std::optional<std::string>(read));
  for (const char* wrong : {"", "0", "0x", "12g4", "12-34", "123456789012345678901234567890123456789012"})
    CHECK(!normal_serial(wrong));
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
