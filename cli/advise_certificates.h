#pragma once
#include <array>
#include <memory>
#include <span>
#include <string>

#include "cli/advise_point.h"
#include "platform/runtime/problem.h"
#include "platform/runtime/stream.h"
#include "platform/runtime/tls.h"

namespace tercet::cli::advise {

/// The advisor's CA, kept in a directory so that a device need learn it only once, and a certificate for each act: the
/// right one, and the six that a device must not believe. RSA throughout, TLS 1.2 and 1.3, old cipher suites too: the
/// device is graded on what it believes, not on what it can compute.
class Certificates {
 public:
  /// names: host names and addresses the device may connect by. Problems: io_failed, malformed, with the path.
  static runtime::Outcome<Certificates> open(const std::string& directory, std::span<const std::string> names,
                                             UnixMillis now);
  /// Answers the stream's ClientHello with the certificate of this act. `initial`: bytes read from it already.
  std::unique_ptr<runtime::Stream> wrap(Act act, std::unique_ptr<runtime::Stream> inner, Bytes initial) const;
  const std::string& ca_path() const { return ca_path_; }

 private:
  static constexpr std::size_t kContexts = 7;  ///< the right one, then in the order of the acts
  std::array<runtime::SslContext, kContexts> contexts_;
  std::string ca_path_;
};

}  // namespace tercet::cli::advise
