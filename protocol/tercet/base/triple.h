#pragma once
#include <string_view>

#include "tercet/base/fixed_string.h"

namespace tercet {

/// The names of a device, as distinct types so that two cannot be swapped. Longest of the cloud: ProductKey 20 bytes,
/// DeviceName 32 (letters, digits, - _ @ . :), secrets 64. Longer ones come only from bad input.
class ProductKey {
 public:
  static Result<ProductKey> parse(std::string_view text);  ///< errors: malformed
  std::string_view str() const { return text_.str(); }
  friend bool operator==(const ProductKey&, const ProductKey&) = default;

 private:
  FixedString<20> text_;
};

class DeviceName {
 public:
  static Result<DeviceName> parse(std::string_view text);  ///< errors: malformed
  std::string_view str() const { return text_.str(); }
  friend bool operator==(const DeviceName&, const DeviceName&) = default;

 private:
  FixedString<32> text_;
};

/// Wiped when it goes out of scope; never logged.
class DeviceSecret {
 public:
  static Result<DeviceSecret> parse(std::string_view text);  ///< errors: malformed (empty or over 64 bytes)
  DeviceSecret(const DeviceSecret&) = default;
  DeviceSecret& operator=(const DeviceSecret&) = default;
  ~DeviceSecret() { text_.wipe(); }
  std::string_view str() const { return text_.str(); }

 private:
  DeviceSecret() = default;
  FixedString<64> text_;
};

/// ProductKey and DeviceName together name a device everywhere; the MQTT client id never does.
struct DeviceId {
  ProductKey product;
  DeviceName device;
  friend bool operator==(const DeviceId&, const DeviceId&) = default;
};

struct Triple {
  DeviceId id;
  DeviceSecret secret;
};

}  // namespace tercet
