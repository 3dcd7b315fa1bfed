#pragma once
#include <nvs.h>

#include <cstdint>
#include <string_view>

#include "tercet/base/fixed_string.h"
#include "tercet/base/triple.h"
#include "tercet/device/port.h"

namespace tercet::idf {

/// Makes NVS ready, encrypted where ESP-IDF's configuration says so (NVS_ENCRYPTION, keys in the partition `nvs_keys`).
/// A partition that cannot be read is left as it is: erasing it would lose the triple. Errors: io_failed.
Result<void> open_nvs();

/// Values in one NVS namespace. NVS writes a value whole or not at all, also when power fails.
class NvsStore final : public device::KeyValueStore {
 public:
  /// `name_space`: up to 15 characters; outlives the store.
  explicit NvsStore(const char* name_space) : name_space_(name_space) {}
  NvsStore(const NvsStore&) = delete;
  NvsStore& operator=(const NvsStore&) = delete;
  ~NvsStore() override;

  Result<std::size_t> get(std::string_view key, MutableBytes into) override;
  Result<void> set(std::string_view key, Bytes value) override;
  Result<void> remove(std::string_view key) override;

 private:
  bool open();
  const char* name_space_;
  nvs_handle_t handle_ = 0;
};

/// What a board is given before it works, in the namespace `tercet`: written by `tercet provision --nvs`, on the serial
/// console, or on the set-up page. Everything but the triple may be missing.
///
///   pk dn ds      text   the triple
///   ps            text   ProductSecret, for boards that fetch their DeviceSecret
///   host          text   the platform; without it the build's
///   port          u16 or text
///   ca            text   root certificates in PEM, or lines pin-sha256:…; up to 4000 bytes
///   wifi_ssid wifi_pass  text
class Provisioning {
 public:
  static constexpr const char* kNamespace = "tercet";

  using Text = FixedString<128>;
  /// Errors: not_found; no_space, longer than a Text; io_failed.
  Result<Text> text(const char* key) const;
  /// The long one, into `into`. Errors: the same.
  Result<std::string_view> text(const char* key, MutableBytes into) const;
  /// Errors: not_found; malformed, no number from 1 to 65535.
  Result<std::uint16_t> port() const;
  Result<DeviceId> device() const;  ///< errors: not_found, malformed
  bool is_complete() const { return device() && has("ds"); }
  bool has(const char* key) const;

  /// An empty text removes the key. Errors: no_space, io_failed.
  Result<void> set_text(const char* key, std::string_view value);
  /// Forgets everything, the triple too. Errors: io_failed.
  Result<void> erase();
};

/// The DeviceSecret of the provisioned triple, read at each login.
class NvsSecrets final : public device::SecretStore {
 public:
  explicit NvsSecrets(const Provisioning& from) : from_(from) {}
  Result<DeviceSecret> secret_of(const DeviceId& device) override;

 private:
  const Provisioning& from_;
};

}  // namespace tercet::idf
