#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tercet/auth/cause.h"
#include "tercet/auth/verify.h"

namespace tercet::auth {

/// One thing that is wrong with a login. Texts of cause and remedy: text(cause). `evidence` is one line of English and
/// formulas: what was received, and what reproduces it. It never holds a secret, nor a password, right or wrong.
struct Mistake {
  Cause cause;
  std::string evidence;
};

/// What the connection ran over.
enum class Transport : std::uint8_t { unknown, tcp, tls };

/// Another device of the same product.
struct Sibling {
  std::string_view device;
  std::string_view secret;
};

/// What the examiner knows. Whatever is unknown is left empty; the doctor on a developer's machine has only the triple.
struct Known {
  std::string_view product;  ///< names of the device that the login is meant to be of; "" = those of the user name
  std::string_view device;
  std::string_view device_secret;  ///< "" when the device is unknown: then only the form is examined
  std::string_view product_secret;
  /// Calls its argument with one sibling after the other until that says false. At most kMaxSiblings are used.
  std::function<void(const std::function<bool(const Sibling&)>&)> siblings;
};
inline constexpr std::size_t kMaxSiblings = 200;
inline constexpr std::size_t kMaxDigests = 2000;  ///< digests computed per examination, about 2.5 ms

/// Examines a login that was refused, most telling mistake first. A password that nothing explains gives
/// wrong_password; a login without a fault of any kind gives an empty list. Costs up to kMaxDigests digests and
/// allocates: run it only for refusals, and not for each one of a storm.
std::vector<Mistake> find_mistakes(const LoginStrings& login, const Known& known, Transport transport, UnixMillis now);

/// What is wrong with a user name by its form alone, for logins whose device is not found: swapped, another separator,
/// `&amp;`, blanks, a placeholder left in. `is_device(product, device)` may be null; with it a swapped name is certain.
std::vector<Mistake> find_user_name_mistakes(
    std::string_view user_name,
    const std::function<bool(std::string_view product, std::string_view device)>& is_device);

/// For a login that this platform has accepted (or would): what the real cloud would refuse in it, and what it would
/// only ignore. Empty for an official login. Form only, so no secret is needed.
std::vector<Mistake> what_the_real_cloud_would_refuse(const LoginStrings& login);

/// The same, with the number of digests it took.
struct Examination {
  std::vector<Mistake> mistakes;
  std::size_t digests = 0;
};
Examination examine(const LoginStrings& login, const Known& known, Transport transport, UnixMillis now);

}  // namespace tercet::auth
