#include "platform/openapi/handlers.h"
#include "platform/runtime/pki.h"

// X.509 certificates of devices (docs/identity.md). QueryDeviceCert is the cloud's; the others are ours: the cloud has
// pages for them.
namespace tercet::openapi {

namespace json = boost::json;

namespace {

constexpr std::int64_t kMostDays = 30 * 365;

json::object described(const registry::CertificateRecord& record) {
  return {{"CertSN", record.serial},           {"Sha256", record.sha256},         {"Status", record.revoked ? 0 : 1},
          {"NotBefore", record.not_before.ms}, {"NotAfter", record.not_after.ms}, {"GmtCreate", record.created.ms},
          {"CaSha256", record.authority}};
}

json::object described(const registry::AuthorityRecord& record) {
  return {{"CaSha256", record.sha256},         {"Name", record.subject},          {"CertSN", record.serial},
          {"NotBefore", record.not_before.ms}, {"NotAfter", record.not_after.ms}, {"GmtCreate", record.created.ms},
          {"BoundCount", record.bound}};
}

}  // namespace

/// KeyType EC (default) or RSA, Days 1 to 10950 (default ten years). The key is in this answer and nowhere else.
void issue_device_cert(Services& services, const Call& call, Reply reply) {
  const std::string_view kind = call.parameters.text("KeyType");
  if (!kind.empty() && kind != "EC" && kind != "RSA")
    return reply(gateway_error(400, "InvalidKeyType", "KeyType is EC (P-256) or RSA (2048 bits)."));
  std::int64_t days = runtime::kDeviceDays;
  if (call.parameters.has("Days")) days = call.parameters.number("Days").value_or(0);
  if (days < 1 || days > kMostDays) return reply(gateway_error(400, "InvalidDays", "Days is 1 to 10950."));
  const auto device = services.registry.device(call.device());
  if (!device) return reply(refusal(device.problem()));
  if (services.device_authority == nullptr)
    return reply(refusal("tercet.certificate.NoAuthority", "no certificates are made here"));
  const auto made = runtime::make_device_identity(
      *services.device_authority, kind == "RSA" ? runtime::KeyKind::rsa_2048 : runtime::KeyKind::ecdsa_p256,
      device->device.product + "/" + device->device.name, services.loop.wall(), static_cast<int>(days));
  if (!made) return reply(refusal("iot.system.SystemException", made.problem().detail));
  const auto bound = services.registry.bind_certificate(call.device(), made->chain_pem);
  if (!bound) return reply(refusal(bound.problem()));
  json::object data = described(*bound);
  data["Certificate"] = made->chain_pem;
  data["PrivateKey"] = made->key_pem;
  reply(success({{"Data", std::move(data)}}));
}

/// Certificate: PEM, from whatever authority; or CertSN of one that an uploaded authority signs, CaSha256.
void bind_device_cert(Services& services, const Call& call, Reply reply) {
  const Parameters& given = call.parameters;
  if (given.has("Certificate") == given.has("CertSN"))
    return reply(
        gateway_error(400, "InvalidCertificate",
                      "Give either Certificate, in PEM, or CertSN, a serial number of an uploaded authority."));
  const auto bound = given.has("Certificate")
                         ? services.registry.bind_certificate(call.device(), std::string(given.text("Certificate")))
                         : services.registry.bind_serial(call.device(), given.text("CaSha256"), given.text("CertSN"));
  if (!bound) return reply(refusal(bound.problem()));
  reply(success({{"Data", described(*bound)}}));
}

/// The newest one. PrivateKey is empty: it is not kept.
void query_device_cert(Services& services, const Call& call, Reply reply) {
  const auto known = services.registry.certificates(call.device());
  if (!known) return reply(refusal(known.problem()));
  if (known->empty())
    return reply(refusal("tercet.certificate.NotExisted", "the device has no certificate; IssueDeviceCert makes one"));
  const registry::CertificateRecord& newest = known->front();
  reply(success({{"DeviceCertInfo", json::object{{"CertSN", newest.serial},
                                                 {"Certificate", newest.pem},
                                                 {"PrivateKey", ""},
                                                 {"Status", newest.revoked ? 0 : 1}}}}));
}

void list_device_certs(Services& services, const Call& call, Reply reply) {
  const auto known = services.registry.certificates(call.device());
  if (!known) return reply(refusal(known.problem()));
  json::array rows;
  for (const registry::CertificateRecord& one : *known) rows.push_back(described(one));
  reply(success({{"Data", json::object{{"CertInfo", std::move(rows)}}}}));
}

/// CertSN: one of them; without it all.
void revoke_device_cert(Services& services, const Call& call, Reply reply) {
  const AfterApplied later(std::move(reply));
  const auto done =
      services.registry.revoke_certificates(call.device(), call.parameters.text("CertSN"), later.applied());
  if (!done) return later.refuse(done.problem());
  later.answer(success());
}

/// Certificate: PEM.
void add_ca_certificate(Services& services, const Call& call, Reply reply) {
  const auto added = services.registry.add_authority(std::string(call.parameters.text("Certificate")));
  if (!added) return reply(refusal(added.problem()));
  reply(success({{"Data", described(*added)}}));
}

void list_ca_certificates(Services& services, const Call&, Reply reply) {
  const auto known = services.registry.authorities();
  if (!known) return reply(refusal(known.problem()));
  json::array rows;
  for (const registry::AuthorityRecord& one : *known) {
    json::object row = described(one);
    row["Certificate"] = one.pem;
    rows.push_back(std::move(row));
  }
  reply(success({{"Data", json::object{{"CaInfo", std::move(rows)}}}}));
}

/// CaSha256: its first eight digits do. What was bound by it is revoked.
void delete_ca_certificate(Services& services, const Call& call, Reply reply) {
  const AfterApplied later(std::move(reply));
  const auto done = services.registry.delete_authority(call.parameters.text("CaSha256"), later.applied());
  if (!done) return later.refuse(done.problem());
  later.answer(success());
}

}  // namespace tercet::openapi
