#pragma once
#include "tercet/auth/sign.h"
#include "tercet/base/result.h"
#include "tercet/base/triple.h"

namespace tercet::device {

/// Makes the three strings of a login, where they are not those of a DeviceSecret (Options::login). Asked at each
/// login, on the client's task; what it gives is wiped when CONNECT is written.
class LoginSource {
 public:
  /// `wishes`: what an ordinary login would be made with. Errors end the attempt at the rung `connect`.
  virtual Result<auth::Credentials> credentials(const DeviceId& id, const auth::LoginOptions& wishes) = 0;

 protected:
  ~LoginSource() = default;
};

}  // namespace tercet::device
