// Three lines: client id, user name, password. Nothing gets in without the signature; every examination ends in time
// and never shows a secret.
#include <array>
#include <cstdlib>
#include <string>

#include "tercet/auth/mistake.h"

using namespace tercet;
using namespace tercet::auth;

namespace {

constexpr std::string_view kSecret = "abcdef0123456789abcdef0123456789";
constexpr UnixMillis kNow{1712345678000};

std::string_view take_line(std::string_view& rest) {
  const std::size_t end = rest.find('\n');
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return line;
}

void check_views(const ClientId& id) {
  if (id.id.size() + id.extension.size() > id.whole.size()) std::abort();
  ExtensionPairs pairs{id.extension};
  while (const auto pair = pairs.next())
    if (pair->key.empty() && pair->value.empty() && pair->written.empty()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest = as_text({data, size});
  const std::string_view client_id = take_line(rest);
  const std::string_view user_name = take_line(rest);
  const LoginStrings strings{client_id, user_name, rest};
  const Login login = parse_login(strings);
  check_views(login.client_id);
  (void)verify(login, kSecret, kNow);
  (void)what_the_real_cloud_would_refuse(strings);
  if (size % 64 != 0) return 0;  // an examination costs as much as hundreds of parses

  const Known known{
      .product = {}, .device = {}, .device_secret = kSecret, .product_secret = "product secret", .siblings = nullptr};
  const Examination done = examine(strings, known, Transport::tls, kNow);
  if (done.digests > kMaxDigests) std::abort();
  for (const Mistake& mistake : done.mistakes)
    if (mistake.evidence.find(kSecret) != std::string::npos) std::abort();
  return 0;
}
