// X.509 certificates that devices log in with (docs/identity.md).
#include <utility>

#include "platform/registry/registry_state.h"
#include "platform/runtime/pki.h"

namespace tercet::registry {
namespace {

RegistryProblem refused(ApiCode code, std::string detail, Error error = Error::bad_state) {
  return {error, code, std::move(detail)};
}

}  // namespace

runtime::Outcome<void> Registry::State::load_certificates() {
  auto read = database.must_prepare(
      "SELECT sha256, device, product, name, revoked FROM device_certificates JOIN devices ON number=device");
  for (;;) {
    const auto row = read.step();
    if (!row) return row.problem();
    if (!*row) return {};
    certificates.put(read.text(0),
                     {static_cast<std::uint64_t>(read.integer(1)), read.text(2), read.text(3), read.integer(4) != 0});
  }
}

const CertificateIndex& Registry::certificate_index() const { return state_->certificates; }

Answer<CertificateRecord> Registry::bind_certificate(const DeviceRef& ref, const std::string& pem) {
  State& state = *state_;
  const auto found = device(ref);
  if (!found) return found.problem();
  const Device& device = found->device;
  if (!device.by_certificate)
    return refused("tercet.certificate.ProductUsesSecrets",
                   "the devices of this product log in with secrets, for good; make a product with AuthType x509 "
                   "(`tercet product create NAME --x509`)");
  const auto facts = runtime::read_certificate(pem);
  if (!facts)
    return refused("tercet.certificate.Malformed", "no certificate in PEM: " + facts.problem().detail,
                   Error::bad_argument);
  const UnixMillis now = state.now();
  if (facts->not_after.ms <= now.ms)
    return refused("tercet.certificate.Expired", "the certificate has expired", Error::bad_argument);
  const auto known = certificates(ref);
  if (!known) return known.problem();
  if (known->size() >= kMostCertificates)
    return refused("tercet.certificate.TooMany",
                   "a device has " + std::to_string(kMostCertificates) +
                       " certificates at most, revoked ones too; delete the device and register it anew",
                   Error::no_space);
  CertificateRecord record{facts->sha256, facts->serial, pem, false, now, facts->not_before, facts->not_after};
  const auto stored = state.database.must_prepare("INSERT INTO device_certificates VALUES(?,?,?,?,0,?)")
                          .bind(record.sha256, device.number, record.serial, record.pem, now.ms)
                          .run();
  if (!stored && stored.problem().code == Error::already_exists)
    return refused("tercet.certificate.AlreadyBound",
                   "this certificate is, or was, some device's; a certificate that was revoked does not come back",
                   Error::already_exists);
  if (!stored) return system_problem(stored.problem());
  state.certificates.put(record.sha256, {device.number, device.product, device.name, false});
  return record;
}

Answer<std::vector<CertificateRecord>> Registry::certificates(const DeviceRef& ref) {
  const auto found = device(ref);
  if (!found) return found.problem();
  auto read = state_->database.must_prepare(
      "SELECT sha256, serial, pem, revoked, created FROM device_certificates WHERE device=? ORDER BY created DESC, "
      "sha256");
  read.bind(found->device.number);
  std::vector<CertificateRecord> made;
  for (;;) {
    const auto row = read.step();
    if (!row) return system_problem(row.problem());
    if (!*row) return made;
    CertificateRecord record{read.text(0), read.text(1), read.text(2), read.integer(3) != 0, {read.integer(4)}, {}, {}};
    if (const auto facts = runtime::read_certificate(record.pem))
      record.not_before = facts->not_before, record.not_after = facts->not_after;
    made.push_back(std::move(record));
  }
}

Answer<void> Registry::revoke_certificates(const DeviceRef& ref, std::string_view serial, runtime::Task applied) {
  State& state = *state_;
  flush();
  auto found = device(ref);
  if (!found) return found.problem();
  const auto known = certificates(ref);
  if (!known) return known.problem();
  Device& device = found->device;
  std::vector<std::string> taken;
  auto transaction = state.database.begin();
  if (!transaction) return system_problem(transaction.problem());
  for (const CertificateRecord& one : *known) {
    if (one.revoked || (!serial.empty() && one.serial != serial)) continue;
    const auto done =
        state.database.must_prepare("UPDATE device_certificates SET revoked=1 WHERE sha256=?").bind(one.sha256).run();
    if (!done) return system_problem(done.problem());
    taken.push_back(one.sha256);
  }
  if (taken.empty())
    return refused(
        "tercet.certificate.NotExisted",
        "the device has no certificate in force with this serial number; `tercet cert list PK DN` shows them",
        Error::not_found);
  if (const auto written = transaction->commit(); !written) return system_problem(written.problem());
  for (const std::string& sha256 : taken)
    state.certificates.put(sha256, {device.number, device.product, device.name, true});
  device.sign_out = true;
  state.feed.put(std::vector{device}, std::move(applied));
  return {};
}

}  // namespace tercet::registry
