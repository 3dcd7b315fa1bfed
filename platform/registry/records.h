#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/registry/api_code.h"
#include "platform/registry/directory.h"
#include "platform/runtime/problem.h"
#include "tercet/base/error.h"
#include "tercet/base/time.h"

namespace tercet::registry {

/// Why the registry would not. `code` is the cloud's business code (cloud-protocol 1.8) with static lifetime, `detail`
/// our explanation with the remedy.
struct RegistryProblem {
  Error error = Error::internal;
  ApiCode code;  ///< "iot.prod.AlreadyExistedProductName"
  std::string detail;
};
template <typename T>
using Answer = runtime::Outcome<T, RegistryProblem>;

/// Limits of the cloud (cloud-protocol 5.6), all configurable.
struct RegistryLimits {
  std::uint64_t products = 1000;
  std::uint64_t devices_per_product = 1'000'000;
  std::uint64_t devices = 10'000'000;
  std::size_t batch = 1000;  ///< devices per batch registration
  std::size_t tsl_bytes = 512 * 1024;
  std::size_t product_page = 200;
  std::size_t device_page = 50;
  std::size_t products_per_page_default = 10;
  std::size_t access_keys = 1000;
  std::size_t configuration_bytes = 64 * 1024;
  std::uint64_t sub_devices = 2000;                 ///< of one gateway
  std::uint64_t groups = 1000, groups_below = 100;  ///< in all; below one
  std::uint64_t groups_of_device = 10;
  std::size_t group_tags = 100;
  std::size_t script_bytes = 128 * 1024;
  std::uint64_t tags = 100;                  ///< of one device, those of its SDK not counted
  std::uint64_t script_versions = 10;        ///< kept of each product
  std::uint64_t configuration_versions = 5;  ///< kept of each product
};

/// What CreateProduct takes. Empty texts mean the cloud's default.
struct NewProduct {
  std::string name;     ///< 4..30 characters, CJK counts 2: letters, digits, CJK, _ - ( ) @ . and blank inside
  int node_type = 0;    ///< 0 device, 1 gateway
  int data_format = 1;  ///< 0 pass-through, 1 Alink JSON
  std::string auth_type = "secret";  ///< or "x509": its devices log in with certificates, and with nothing else
  std::string category_key;
  std::string net_type = "WIFI";  ///< WIFI, CELLULAR, ETHERNET, LORA, OTHER
  std::string protocol_type;      ///< gateways: modbus, opc-ua, customize, ble, zigbee
  std::string commodity_code = "iothub_senior";
  std::string description;  ///< at most 100 characters
  bool id2 = false;
  Validation validation = Validation::weak;
  ClockPolicy clock_policy = ClockPolicy::warn;
  bool article_dialect = true;
  bool dynamic_register = false;
  std::string key;     ///< "" = made; else taken as it is (a product brought along from the cloud)
  std::string secret;  ///< "" = made
};

/// Only what is set changes.
struct ProductChange {
  std::optional<std::string> name;
  std::optional<std::string> description;
  std::optional<Validation> validation;
  std::optional<ClockPolicy> clock_policy;
  std::optional<bool> article_dialect;
  std::optional<bool> dynamic_register;
  std::optional<bool> released;
};

/// Only what is set changes.
struct TopicChange {
  std::optional<std::string> name;
  std::optional<TopicRight> right;
  std::optional<std::string> description;
};

struct ProductRecord {
  Product product;  ///< key, name, secret, policies, TSL, version
  int node_type = 0;
  int data_format = 1;
  std::string auth_type, category_key, net_type, protocol_type, commodity_code, description;
  bool id2 = false;
  bool released = false;
  UnixMillis created{};
  UnixMillis modified{};
  std::uint64_t device_count = 0;
};

/// What RegisterDevice and ImportDevice take.
struct NewDevice {
  std::string product;
  std::string name;      ///< 4..32 of A-Za-z0-9-_@.: ; "" = made
  std::string nickname;  ///< "" or 4..64 characters, CJK counts 2
  std::string secret;    ///< "" = made; else taken as it is (1..64 printable)
};

struct DeviceRecord {
  Device device;
  std::string nickname;
  UnixMillis modified{};
  UnixMillis last_online{};  ///< of the last login; 0 never
  std::string last_address;  ///< IP text of the last login
};

/// Which one it is, and no more.
struct DeviceName {
  std::uint64_t number = 0;
  std::string name;
};

/// A label of a device (device-protocol 8.5), for people and programs to find it by.
struct Tag {
  std::string key, value;
  bool is_system = false;  ///< told by the device's SDK about itself; kept apart from the others
  friend bool operator==(const Tag&, const Tag&) = default;
};

/// What has become of a device.
enum class Lifecycle : std::uint8_t { created, deleted, enabled, disabled };

/// How a request names a device: IotId, or ProductKey and DeviceName; the IotId wins.
struct DeviceRef {
  std::string iot_id;
  std::string product;
  std::string name;
};

/// A device that came to a gateway, and from which it came.
struct Moved {
  Device device;
  std::uint64_t from = 0;  ///< number of the gateway it was with; 0 none
};

/// Some devices that belong together for people. The device may be in other groups too.
struct DeviceGroup {
  std::uint64_t number = 0;
  std::string id, name, description;
  std::uint64_t parent = 0;  ///< number of the group above; 0 none
  UnixMillis created{};
};
struct GroupTag {
  std::string key, value;
};
/// What became of the devices of one call.
struct GroupChange {
  std::size_t done = 0;     ///< came, or went
  std::size_t already = 0;  ///< were there, or were not
  std::size_t full = 0;     ///< are in as many groups as a device may be
};

/// Pages count from 1.
struct PageRequest {
  std::size_t page = 1;
  std::size_t size = 10;
};
template <typename T>
struct Page {
  std::vector<T> items;
  std::uint64_t total = 0;
  PageRequest asked;
  std::uint64_t page_count() const { return asked.size == 0 ? 0 : (total + asked.size - 1) / asked.size; }
};

struct DeviceFilter {
  std::string product;  ///< "" = all products
  std::optional<bool> enabled;
  std::optional<bool> activated;
  std::string name_contains;  ///< "" = any
};

/// One batch registration.
struct Batch {
  std::uint64_t apply_id = 0;
  std::string product;
  std::string status;                       ///< CHECK_SUCCESS, CHECK_FAILED, CREATE_SUCCESS, CREATE_FAILED
  std::vector<std::string> valid, invalid;  ///< names, when the names were given
};

/// One version of a product's configuration file.
struct ConfigurationRecord {
  Configuration configuration;
  std::uint64_t version = 0;  ///< counts from 1 within the product
  UnixMillis created{};
  std::string text;  ///< "" in lists
};

/// One version of a product's script (docs/pass-through.md).
struct ScriptRecord {
  std::uint64_t version = 0;  ///< counts from 1 within the product
  std::string type;           ///< "JavaScript"
  UnixMillis created{};
  std::string text;
};

/// What a device said to a push of its product's configuration.
struct ConfigurationAnswer {
  std::uint64_t device = 0;
  std::string id;  ///< of the configuration that was pushed
  std::int32_t code = 0;
  UnixMillis at{};
};

/// What devices have said to the pushes of one version; the last answer of each counts.
struct ConfigurationTally {
  std::uint64_t taken = 0, refused = 0;  ///< 200, another code
  struct Refusal {
    std::string device;  ///< DeviceName
    std::int32_t code = 0;
    UnixMillis at{};
  };
  std::vector<Refusal> last_refusals;  ///< newest first
};

struct AccessKey {
  std::string id;
  std::string secret;
  std::string remark;
  bool active = true;
  UnixMillis created{};
};

/// A certificate that a device may log in with: a certain one, or whichever of this serial number an authority signs.
struct CertificateRecord {
  std::string sha256;     ///< of its DER, 64 lower-case hexadecimal digits; "" of one that is known by its authority
  std::string serial;     ///< upper-case hexadecimal digits
  std::string pem;        ///< "" of one that is known by its authority; it has no dates either
  std::string authority;  ///< that authority's SHA-256; "" of a certain one
  bool revoked = false;
  UnixMillis created{}, not_before{}, not_after{};
};

/// A certificate authority that was uploaded.
struct AuthorityRecord {
  std::string sha256, subject, serial, pem;
  UnixMillis created{}, not_before{}, not_after{};
  std::uint64_t bound = 0;  ///< certificates in force that are known by it
};

}  // namespace tercet::registry
