#pragma once
#include <string>
#include <string_view>

#include "platform/runtime/loop.h"

namespace tercet::registry {

/// Which names the cloud takes. Lengths in its characters: CJK and everything else outside ASCII counts 2.
bool is_product_key(std::string_view text);   ///< 1..20 letters and digits
bool is_product_name(std::string_view text);  ///< 4..30: letters, digits, _ - @ . ( ) and blanks inside; not ASCII: any
bool is_device_name(std::string_view text);   ///< 4..32 of A-Za-z0-9-_@.:
bool is_nickname(std::string_view text);      ///< 4..64, no control characters
bool is_description(std::string_view text);   ///< at most 100, each character counting 1
bool is_secret(std::string_view text);        ///< 1..64 printable ASCII without blanks
bool is_tag_key(std::string_view text);       ///< 1..64 of A-Za-z0-9_-#@%&*.
bool is_tag_value(std::string_view text);     ///< 1..128: letters, digits, _ - # @ % & : . and what is not ASCII

/// New names and secrets, as the cloud's look.
class Names {
 public:
  explicit Names(runtime::Random& random) : random_(random) {}
  std::string product_key();        ///< "a1" and 9 letters and digits
  std::string product_secret();     ///< 16 letters and digits
  std::string device_name();        ///< 20 letters and digits
  std::string device_secret();      ///< 32 hex digits
  std::string client_id();          ///< of a token: 20 letters and digits
  std::string group_id();           ///< 16 letters and digits
  std::string iot_id();             ///< 20 letters and digits and "000100"
  std::string access_key_id();      ///< "LTAI" and 20 letters and digits
  std::string access_key_secret();  ///< 30 letters and digits

 private:
  std::string pick(std::string_view alphabet, std::size_t count);
  runtime::Random& random_;
};

}  // namespace tercet::registry
