#include "platform/registry/file_links.h"

#include <array>
#include <charconv>

#include "tercet/crypto/digest.h"
#include "tercet/crypto/encoding.h"

namespace tercet::registry {
namespace {

constexpr std::size_t kKeyBytes = 32;

}  // namespace

FileLinks::FileLinks(runtime::Random& random) : key_(kKeyBytes, '\0') {
  random.fill({reinterpret_cast<std::uint8_t*>(key_.data()), key_.size()});
}

std::string FileLinks::sign(std::string_view path, std::string_view expires) const {
  crypto::Hmac mac(crypto::Algorithm::sha256, key_);
  const auto digest = mac.add("GET\n").add(path).add("\n").add(expires).finish();
  std::array<char, 2 * crypto::kMaxDigestBytes> digits{};
  const auto hex = crypto::encode_hex(digest.view(), digits);
  return hex ? std::string(*hex) : std::string{};
}

std::string FileLinks::link(std::string_view path, UnixMillis now, Seconds lifetime) const {
  const std::string expires = std::to_string(now.ms / 1000 + lifetime.count());
  std::string made = base_;
  made.append(path).append("?Expires=").append(expires).append("&Signature=").append(sign(path, expires));
  return made;
}

FileLinks::Verdict FileLinks::check(std::string_view path, std::string_view expires, std::string_view signature,
                                    UnixMillis now) const {
  const std::string wanted = sign(path, expires);
  if (wanted.empty() || !crypto::equals(as_bytes(wanted), as_bytes(signature))) return Verdict::forged;
  std::int64_t until = 0;
  const auto read = std::from_chars(expires.data(), expires.data() + expires.size(), until);
  if (read.ec != std::errc() || read.ptr != expires.data() + expires.size()) return Verdict::forged;
  return now.ms / 1000 < until ? Verdict::good : Verdict::expired;
}

}  // namespace tercet::registry
