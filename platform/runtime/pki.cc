#include "platform/runtime/pki.h"

#include <algorithm>

#include "platform/runtime/atomic_file.h"
#include "platform/runtime/loop.h"
#include "platform/runtime/random.h"

namespace tercet::runtime {
namespace {

struct Files {
  std::string certificate, key;
};

Files files(const std::string& directory, const std::string& name) {
  return {directory + "/" + name + ".pem", directory + "/" + name + ".key"};
}

Outcome<TlsIdentity> load(const Files& at) {
  auto certificate = read_file(at.certificate);
  if (!certificate) return certificate.problem();
  auto key = read_file(at.key);
  if (!key) return key.problem();
  return TlsIdentity{std::move(*certificate), std::move(*key)};
}

/// The key first: a certificate without its key would be taken for whole.
Outcome<void> save(const Files& at, const TlsIdentity& identity) {
  if (const auto key = write_file_atomically(at.key, identity.key_pem, FileMode::secret); !key) return key.problem();
  return write_file_atomically(at.certificate, identity.chain_pem, FileMode::shared);
}

Outcome<TlsIdentity> open_authority(const Files& at, KeyKind kind, const std::string& name, UnixMillis now) {
  auto known = load(at);
  if (known || known.problem().code != Error::not_found) return known;
  auto made = make_authority(kind, name, now);
  if (!made) return made;
  if (const auto saved = save(at, *made); !saved) return saved.problem();
  return made;
}

bool still_good(const TlsIdentity& identity, const TlsIdentity& authority, const std::vector<std::string>& names,
                UnixMillis now) {
  const auto facts = read_certificate(identity.chain_pem);
  const auto root = read_certificate(authority.chain_pem);
  if (!facts || !root || facts->issuer != root->subject) return false;
  std::vector<std::string> have = facts->names, want = names;
  std::sort(have.begin(), have.end());
  std::sort(want.begin(), want.end());
  return have == want && facts->not_after.ms - now.ms > kRenewDays * kDayMs && facts->not_before <= now;
}

struct Opened {
  TlsIdentity identity;
  bool made;
};

Outcome<Opened> open_server(const Files& at, const TlsIdentity& authority, KeyKind kind,
                            const std::vector<std::string>& names, UnixMillis now) {
  auto known = load(at);
  if (known && still_good(*known, authority, names, now)) return Opened{std::move(*known), false};
  auto made = make_server_identity(authority, kind, names, now);
  if (!made) return made.problem();
  if (const auto saved = save(at, *made); !saved) return saved.problem();
  return Opened{std::move(*made), true};
}

std::string authority_name(const char* kind) {
  // A number of its own, so that roots of two installations are not mistaken for each other.
  StrongRandom random;
  return "Tercet CA " + std::to_string(random.next() % 1'000'000'000) + " " + kind;
}

}  // namespace

std::vector<TlsIdentity> Pki::identities(TlsProfile profile) const {
  if (profile == TlsProfile::compatible) return {rsa};
  return {ecdsa, rsa};
}

Outcome<Pki> Pki::open(const std::string& directory, std::vector<std::string> names, UnixMillis now) {
  for (std::string& name : names)  // addresses as a certificate gives them back
    if (const auto address = make_address(name, 0)) name = address->ip_text();
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  const auto ecdsa_root =
      open_authority(files(directory, "ca-ecdsa"), KeyKind::ecdsa_p256, authority_name("ECDSA"), now);
  if (!ecdsa_root) return ecdsa_root.problem();
  const auto rsa_root = open_authority(files(directory, "ca-rsa"), KeyKind::rsa_2048, authority_name("RSA"), now);
  if (!rsa_root) return rsa_root.problem();
  auto ecdsa = open_server(files(directory, "server-ecdsa"), *ecdsa_root, KeyKind::ecdsa_p256, names, now);
  if (!ecdsa) return ecdsa.problem();
  auto rsa = open_server(files(directory, "server-rsa"), *rsa_root, KeyKind::rsa_2048, names, now);
  if (!rsa) return rsa.problem();
  auto devices = open_authority(files(directory, "ca-devices"), KeyKind::ecdsa_p256, authority_name("devices"), now);
  if (!devices) return devices.problem();

  Pki pki;
  pki.devices = std::move(*devices);
  pki.roots_pem = ecdsa_root->chain_pem + rsa_root->chain_pem;
  pki.roots_path = directory + "/ca.pem";
  const auto kept = read_file(pki.roots_path);
  if (!kept || *kept != pki.roots_pem) {
    if (const auto saved = write_file_atomically(pki.roots_path, pki.roots_pem, FileMode::shared); !saved)
      return saved.problem();
  }
  pki.renewed = ecdsa->made || rsa->made;
  pki.ecdsa = std::move(ecdsa->identity);
  pki.rsa = std::move(rsa->identity);
  const auto a = read_certificate(pki.ecdsa.chain_pem), b = read_certificate(pki.rsa.chain_pem);
  if (!a || !b) return Problem{Error::malformed, "server certificates in " + directory};
  pki.expires = std::min(a->not_after, b->not_after);
  return pki;
}

}  // namespace tercet::runtime
