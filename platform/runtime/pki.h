#pragma once
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "platform/runtime/problem.h"
#include "platform/runtime/tls.h"
#include "tercet/base/time.h"

struct x509_st;

namespace tercet::runtime {

enum class KeyKind : std::uint8_t { ecdsa_p256, rsa_2048 };

inline constexpr std::int64_t kDayMs = 86'400'000;
inline constexpr int kAuthorityDays = 20 * 365 + 5;
inline constexpr int kServerDays = 825;
inline constexpr int kDeviceDays = 10 * 365 + 2;
inline constexpr int kRenewDays = 30;  ///< a server certificate with less left is replaced

/// A root of our own: certificate and key. Valid from a day before `now` (clocks of boards lag) for twenty years.
Outcome<TlsIdentity> make_authority(KeyKind kind, const std::string& name, UnixMillis now);

/// A server certificate signed by the authority. names: DNS names, with at most a leading "*.", and addresses; one at
/// least. Problems: bad_argument, a name that is neither.
Outcome<TlsIdentity> make_server_identity(const TlsIdentity& authority, KeyKind kind,
                                          std::span<const std::string> names, UnixMillis now, int days = kServerDays);

/// A device's certificate for TLS, signed by the authority. The name is its common name (64 bytes at most).
Outcome<TlsIdentity> make_device_identity(const TlsIdentity& authority, KeyKind kind, const std::string& name,
                                          UnixMillis now, int days = kDeviceDays);

/// What the first certificate of a PEM text says.
struct CertificateFacts : PeerCertificate {
  std::string issuer;              ///< common name
  std::vector<std::string> names;  ///< DNS names and addresses
};
Outcome<CertificateFacts> read_certificate(const std::string& pem);  ///< problems: malformed

/// Somebody's certificate authority, at hand to look whether it has signed a certificate. Never changes: any thread.
class SigningAuthority {
 public:
  /// The first certificate of the text. Problems: malformed, no certificate; bad_argument, not one of an authority.
  static Outcome<SigningAuthority> read(const std::string& pem);
  const CertificateFacts& facts() const { return facts_; }
  /// By name and by signature; one over MD5 or SHA-1 does not count. Says nothing of dates.
  bool has_signed(const PeerCertificate& certificate) const;

 private:
  CertificateFacts facts_;
  std::shared_ptr<x509_st> certificate_;
};

/// The certificates of an installation, in a directory: two roots of our own (ECDSA, and RSA for clients that know
/// nothing else), and a server certificate of each; and the authority for devices.
struct Pki {
  std::string roots_pem;   ///< both roots; what clients trust
  std::string roots_path;  ///< the file that holds them, "ca.pem"
  TlsIdentity ecdsa, rsa;
  TlsIdentity devices;   ///< a third authority, whose certificates are for devices; no client trusts it
  UnixMillis expires;    ///< the earlier of the two
  bool renewed = false;  ///< server certificates were made now

  /// What a listener of this profile presents.
  std::vector<TlsIdentity> identities(TlsProfile profile) const;

  /// Loads, or makes what is missing: roots once; server certificates again when names have changed or kRenewDays are
  /// left. The directory must exist. Keys are 0600, certificates 0644. Problems: io_failed, malformed, with the path.
  static Outcome<Pki> open(const std::string& directory, std::vector<std::string> names, UnixMillis now);
};

}  // namespace tercet::runtime
