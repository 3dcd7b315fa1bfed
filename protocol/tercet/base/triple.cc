#include "tercet/base/triple.h"

namespace tercet {
namespace {

bool is_alnum(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

}  // namespace

Result<ProductKey> ProductKey::parse(std::string_view text) {
  if (text.empty()) return fail(Error::malformed);
  for (const char c : text)
    if (!is_alnum(c)) return fail(Error::malformed);
  ProductKey made;
  if (!made.text_.assign(text)) return fail(Error::malformed);
  return made;
}

Result<DeviceName> DeviceName::parse(std::string_view text) {
  if (text.empty()) return fail(Error::malformed);
  for (const char c : text)
    if (!is_alnum(c) && c != '-' && c != '_' && c != '@' && c != '.' && c != ':') return fail(Error::malformed);
  DeviceName made;
  if (!made.text_.assign(text)) return fail(Error::malformed);
  return made;
}

Result<DeviceSecret> DeviceSecret::parse(std::string_view text) {
  if (text.empty()) return fail(Error::malformed);
  DeviceSecret made;
  if (!made.text_.assign(text)) return fail(Error::malformed);
  return made;
}

}  // namespace tercet
