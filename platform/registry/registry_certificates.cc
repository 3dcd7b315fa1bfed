// X.509 certificates that devices log in with (docs/identity.md).
#include <utility>

#include "platform/registry/registry_state.h"
#include "platform/runtime/pki.h"

namespace tercet::registry {
namespace {

constexpr std::size_t kLeastPrefix = 8;

RegistryProblem refused(ApiCode code, std::string detail, Error error = Error::bad_state) {
  return {error, code, std::move(detail)};
}

}  // namespace

runtime::Outcome<void> Registry::State::load_certificates() {
  auto signers = database.must_prepare("SELECT pem FROM device_authorities");
  for (;;) {
    const auto row = signers.step();
    if (!row) return row.problem();
    if (!*row) break;
    auto authority = runtime::SigningAuthority::read(signers.text(0));
    if (authority) certificates.put_authority(std::move(*authority));
  }
  auto read = database.must_prepare(
      "SELECT sha256, device, product, name, revoked FROM device_certificates JOIN devices ON number=device");
  for (;;) {
    const auto row = read.step();
    if (!row) return row.problem();
    if (!*row) return {};
    certificates.put(
        read.text(0),
        {static_cast<std::uint64_t>(read.integer(1)), read.text(2), read.text(3), read.integer(4) != 0, {}});
  }
}

const CertificateIndex& Registry::certificate_index() const { return state_->certificates; }

/// What both ways of binding ask of a device.
Answer<DeviceRecord> Registry::State::certifiable(Registry& registry, const DeviceRef& ref) {
  auto found = registry.device(ref);
  if (!found) return found.problem();
  if (!found->device.by_certificate)
    return refused("tercet.certificate.ProductUsesSecrets",
                   "the devices of this product log in with secrets, for good; make a product with AuthType x509 "
                   "(`tercet product create NAME --x509`)");
  const auto known = registry.certificates(ref);
  if (!known) return known.problem();
  if (known->size() >= kMostCertificates)
    return refused("tercet.certificate.TooMany",
                   "a device has " + std::to_string(kMostCertificates) +
                       " certificates at most, revoked ones too; delete the device and register it anew",
                   Error::no_space);
  return found;
}

Answer<void> Registry::State::keep_certificate(const Device& device, const std::string& key,
                                               const CertificateRecord& record) {
  const auto stored = database.must_prepare("INSERT INTO device_certificates VALUES(?,?,?,?,0,?)")
                          .bind(key, device.number, record.serial, record.pem, record.created.ms)
                          .run();
  if (!stored && stored.problem().code == Error::already_exists)
    return refused("tercet.certificate.AlreadyBound",
                   "this certificate is, or was, some device's; a certificate that was revoked does not come back",
                   Error::already_exists);
  if (!stored) return system_problem(stored.problem());
  certificates.put(key, {device.number, device.product, device.name, false, {}});
  return {};
}

Answer<CertificateRecord> Registry::bind_certificate(const DeviceRef& ref, const std::string& pem) {
  State& state = *state_;
  const auto found = state.certifiable(*this, ref);
  if (!found) return found.problem();
  const auto facts = runtime::read_certificate(pem);
  if (!facts)
    return refused("tercet.certificate.Malformed", "no certificate in PEM: " + facts.problem().detail,
                   Error::bad_argument);
  const UnixMillis now = state.now();
  if (facts->not_after.ms <= now.ms)
    return refused("tercet.certificate.Expired", "the certificate has expired", Error::bad_argument);
  const CertificateRecord record{facts->sha256,     facts->serial,   pem, {}, false, now,
                                 facts->not_before, facts->not_after};
  if (const auto kept = state.keep_certificate(found->device, record.sha256, record); !kept) return kept.problem();
  return record;
}

Answer<CertificateRecord> Registry::bind_serial(const DeviceRef& ref, std::string_view authority,
                                                std::string_view serial) {
  State& state = *state_;
  const auto found = state.certifiable(*this, ref);
  if (!found) return found.problem();
  const auto signer = state.authority(*this, authority);
  if (!signer) return signer.problem();
  const auto number = normal_serial(serial);
  if (!number)
    return refused("tercet.certificate.BadSerial",
                   "a serial number has 1 to 40 hexadecimal digits: `openssl x509 -noout -serial -in FILE`",
                   Error::bad_argument);
  const CertificateRecord record{{}, *number, {}, signer->sha256, false, state.now(), {}, {}};
  const std::string key = CertificateIndex::key_of(signer->sha256, *number);
  if (const auto kept = state.keep_certificate(found->device, key, record); !kept) return kept.problem();
  return record;
}

Answer<AuthorityRecord> Registry::State::authority(Registry& registry, std::string_view prefix) {
  const auto known = registry.authorities();
  if (!known) return known.problem();
  const AuthorityRecord* found = nullptr;
  std::size_t count = 0;
  for (const AuthorityRecord& one : *known) {
    if (!one.sha256.starts_with(prefix)) continue;
    found = &one;
    ++count;
  }
  if (count == 1 && (prefix.empty() || prefix.size() >= kLeastPrefix)) return *found;
  return refused("tercet.certificate.NotExistedAuthority",
                 prefix.empty() && count > 1
                     ? "there are several authorities: name one by the first digits of its SHA-256 (`tercet ca list`)"
                     : "no authority's SHA-256 begins with these digits (eight at least); `tercet ca list` shows them, "
                       "`tercet ca add FILE` adds one",
                 Error::not_found);
}

Answer<AuthorityRecord> Registry::add_authority(const std::string& pem) {
  State& state = *state_;
  auto read = runtime::SigningAuthority::read(pem);
  if (!read)
    return refused(read.problem().code == Error::bad_argument ? ApiCode("tercet.certificate.NoAuthorityCertificate")
                                                              : ApiCode("tercet.certificate.Malformed"),
                   read.problem().detail, Error::bad_argument);
  const runtime::CertificateFacts facts = read->facts();
  const UnixMillis now = state.now();
  if (facts.not_after.ms <= now.ms)
    return refused("tercet.certificate.Expired", "the authority's certificate has expired", Error::bad_argument);
  const auto known = authorities();
  if (!known) return known.problem();
  if (known->size() >= kMostAuthorities)
    return refused("tercet.certificate.TooManyAuthorities",
                   "there are " + std::to_string(kMostAuthorities) + " authorities at most; delete one",
                   Error::no_space);
  const auto stored =
      state.database.must_prepare("INSERT INTO device_authorities VALUES(?,?,?)").bind(facts.sha256, pem, now.ms).run();
  if (!stored && stored.problem().code == Error::already_exists)
    return refused("tercet.certificate.AuthorityExisted", "this authority is there already", Error::already_exists);
  if (!stored) return system_problem(stored.problem());
  state.certificates.put_authority(std::move(*read));
  return AuthorityRecord{facts.sha256, facts.subject, facts.serial, pem, now, facts.not_before, facts.not_after, 0};
}

Answer<std::vector<AuthorityRecord>> Registry::authorities() {
  auto read = state_->database.must_prepare(
      "SELECT a.sha256, pem, created, (SELECT count(*) FROM device_certificates c WHERE c.sha256 >= a.sha256||'/' AND "
      "c.sha256 < a.sha256||'0' AND revoked=0) FROM device_authorities a ORDER BY created, a.sha256");
  std::vector<AuthorityRecord> made;
  for (;;) {
    const auto row = read.step();
    if (!row) return system_problem(row.problem());
    if (!*row) return made;
    AuthorityRecord record;
    record.sha256 = read.text(0);
    record.pem = read.text(1);
    record.created = {read.integer(2)};
    record.bound = static_cast<std::uint64_t>(read.integer(3));
    if (const auto facts = runtime::read_certificate(record.pem)) {
      record.subject = facts->subject;
      record.serial = facts->serial;
      record.not_before = facts->not_before;
      record.not_after = facts->not_after;
    }
    made.push_back(std::move(record));
  }
}

Answer<void> Registry::delete_authority(std::string_view sha256, runtime::Task applied) {
  State& state = *state_;
  flush();
  const auto found = state.authority(*this, sha256);
  if (!found) return found.problem();
  std::vector<Device> leaving;
  std::vector<std::string> keys;
  {
    auto read = state.database.must_prepare(
        "SELECT sha256, product, name FROM device_certificates JOIN devices ON number=device WHERE revoked=0 AND "
        "sha256 >= ? AND sha256 < ?");
    read.bind(found->sha256 + "/", found->sha256 + "0");
    for (;;) {
      const auto row = read.step();
      if (!row) return system_problem(row.problem());
      if (!*row) break;
      keys.push_back(read.text(0));
      auto one = device({{}, read.text(1), read.text(2)});
      if (!one) return one.problem();
      one->device.sign_out = true;
      leaving.push_back(std::move(one->device));
    }
  }
  auto transaction = state.database.begin();
  if (!transaction) return system_problem(transaction.problem());
  for (const std::string& key : keys) {
    const auto done =
        state.database.must_prepare("UPDATE device_certificates SET revoked=1 WHERE sha256=?").bind(key).run();
    if (!done) return system_problem(done.problem());
  }
  const auto gone =
      state.database.must_prepare("DELETE FROM device_authorities WHERE sha256=?").bind(found->sha256).run();
  if (!gone) return system_problem(gone.problem());
  if (const auto written = transaction->commit(); !written) return system_problem(written.problem());
  state.certificates.drop_authority(found->sha256);
  for (std::size_t i = 0; i < keys.size(); ++i)
    state.certificates.put(keys[i], {leaving[i].number, leaving[i].product, leaving[i].name, true, {}});
  if (leaving.empty()) {
    if (applied) applied();
    return {};
  }
  state.feed.put(std::move(leaving), std::move(applied));
  return {};
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
    CertificateRecord record;
    record.sha256 = read.text(0);
    record.serial = read.text(1);
    record.pem = read.text(2);
    record.revoked = read.integer(3) != 0;
    record.created = {read.integer(4)};
    if (const std::size_t slash = record.sha256.find('/'); slash != std::string::npos) {
      record.authority = record.sha256.substr(0, slash);
      record.sha256.clear();
    }
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
  const auto wanted = normal_serial(serial);
  std::vector<std::string> taken;
  auto transaction = state.database.begin();
  if (!transaction) return system_problem(transaction.problem());
  for (const CertificateRecord& one : *known) {
    if (one.revoked || (!serial.empty() && one.serial != wanted)) continue;
    std::string key = one.authority.empty() ? one.sha256 : CertificateIndex::key_of(one.authority, one.serial);
    const auto done =
        state.database.must_prepare("UPDATE device_certificates SET revoked=1 WHERE sha256=?").bind(key).run();
    if (!done) return system_problem(done.problem());
    taken.push_back(std::move(key));
  }
  if (taken.empty())
    return refused(
        "tercet.certificate.NotExisted",
        "the device has no certificate in force with this serial number; `tercet cert list PK DN` shows them",
        Error::not_found);
  if (const auto written = transaction->commit(); !written) return system_problem(written.problem());
  for (const std::string& key : taken)
    state.certificates.put(key, {device.number, device.product, device.name, true, {}});
  device.sign_out = true;
  state.feed.put(std::vector{device}, std::move(applied));
  return {};
}

}  // namespace tercet::registry
