#include "platform/registry/psk_keys.h"

#include <algorithm>

#include "platform/broker/identity.h"
#include "tercet/auth/psk.h"
#include "tercet/base/utf8.h"

namespace tercet::registry {
namespace {

constexpr std::size_t kMostName = 64;

}  // namespace

runtime::PskAnswer PskKeys::answer(std::string_view text) const {
  using Kind = runtime::PskAnswer::Kind;
  const auto identity = auth::parse_psk_identity(text);
  if (!identity) return {};
  runtime::PskAnswer made{Kind::unknown, {}, {}};
  made.name.append(utf8_prefix(identity->product, kMostName))
      .append("/")
      .append(utf8_prefix(identity->device, kMostName));
  const std::size_t home = home_of_(broker::device_key(identity->product, identity->device));
  std::string secret = directories_[home]->copy_secret(identity->product, identity->device);
  const auth::PskKey key = auth::make_psk_key(*identity, secret);
  if (!secret.empty() && !key.empty()) made.kind = Kind::known, made.key = key.str();
  std::fill(secret.begin(), secret.end(), '\0');
  return made;
}

}  // namespace tercet::registry
