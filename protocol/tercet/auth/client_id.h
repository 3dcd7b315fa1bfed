#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "tercet/crypto/digest.h"

namespace tercet::auth {

/// `signmethod` of the protocol is one of the three HMACs.
using SignMethod = crypto::Algorithm;
/// hmacmd5, hmacsha1, hmacsha256 in any case; also without `hmac`, as some pages print it. Nothing for others.
std::optional<SignMethod> parse_sign_method(std::string_view text);
std::string_view name(SignMethod method);  ///< "hmacsha256"

/// Longest part before the first `|`, in characters.
inline constexpr std::size_t kMaxClientIdCharacters = 64;

/// How the device is to prove itself (2.8, 2.9).
enum class AuthType : std::uint8_t {
  secret,             ///< no authType: one secret per device
  register_device,    ///< `register`: ask for the DeviceSecret with the ProductSecret
  register_unlisted,  ///< `regnwl`: the same without pre-registration
  connect_unlisted,   ///< `connwl`: with the token got by it
  id2,                ///< secure element; needs a proprietary library
  other,
};

/// What the parser found wrong. Nothing here stops the parsing.
struct ClientIdDefects {
  bool empty_id = false;
  bool id_too_long = false;             ///< over 64 characters before the first `|`
  bool no_closing_bar = false;          ///< one `|` only: cut short on its way, or forgotten
  bool text_after_closing_bar = false;  ///< ignored
  bool unknown_sign_method = false;     ///< sign_method then is hmacmd5
  bool bad_secure_mode = false;         ///< not a number
  /// Whether the cloud answers CONNACK 2 to it.
  bool any_fatal() const { return empty_id || id_too_long || no_closing_bar || unknown_sign_method || bad_secure_mode; }
};

/// `${clientId}|key=value,…|` taken apart. Views into the given text. Keys are compared without regard to case, blanks
/// around pairs do not count, a trailing comma and unknown keys are ignored, of a repeated key the last counts.
struct ClientId {
  std::string_view whole;
  std::string_view id;         ///< before the first `|`: the part that is signed
  std::string_view extension;  ///< between the bars
  bool has_extension = false;

  std::optional<int> secure_mode;             ///< 2 TLS, 3 plain TCP, -2 and -1 registration, 8 ID²
  SignMethod sign_method = SignMethod::md5;   ///< the protocol's default when none is given
  std::string_view sign_method_text;          ///< "" when none is given
  std::optional<std::string_view> timestamp;  ///< signed if present, whatever it says
  bool auto_subscribe = false;                ///< `_ss=1`
  std::uint32_t ext = 0;                      ///< bit 0: RRPC on custom topics, bit 1: extended notices
  AuthType auth_type = AuthType::secret;
  std::string_view random;
  std::string_view instance_id;
  std::string_view sdk_version;  ///< `_v`
  std::string_view language;     ///< `lan`
  /// Identity repeated inside, which only the article's dialect does.
  std::string_view inner_client_id;
  bool repeats_identity = false;  ///< deviceName, productKey or authId among the pairs
  ClientIdDefects defects;
};

/// Never fails: what could not be understood is in `defects`. Costs one pass over the text, no allocation.
ClientId parse_client_id(std::string_view text);

/// Walks the pairs of an extension: name and value, blanks trimmed, empty pairs skipped.
class ExtensionPairs {
 public:
  explicit ExtensionPairs(std::string_view extension) : rest_(extension) {}
  struct Pair {
    std::string_view key;
    std::string_view value;
    std::string_view written;  ///< the pair as it stands, blanks included
  };
  std::optional<Pair> next();

 private:
  std::string_view rest_;
};

/// ASCII only, as everything in the protocol that ignores case.
bool equals_ignoring_case(std::string_view a, std::string_view b);

}  // namespace tercet::auth
