#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/registry/directory.h"
#include "platform/runtime/problem.h"
#include "tercet/base/error.h"
#include "tercet/base/time.h"

namespace tercet::registry {

/// Why the registry would not. `code` is the cloud's business code (cloud-protocol 1.8) with static lifetime, `detail`
/// our explanation with the remedy.
struct RegistryProblem {
  Error error = Error::internal;
  std::string_view code;  ///< "iot.prod.AlreadyExistedProductName"
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
  std::uint64_t configuration_versions = 5;  ///< kept of each product
};

/// What CreateProduct takes. Empty texts mean the cloud's default.
struct NewProduct {
  std::string name;     ///< 4..30 characters, CJK counts 2: letters, digits, CJK, _ - ( ) @ . and blank inside
  int node_type = 0;    ///< 0 device, 1 gateway
  int data_format = 1;  ///< 0 pass-through, 1 Alink JSON
  std::string auth_type = "secret";
  std::string category_key;
  std::string net_type = "WIFI";  ///< WIFI, CELLULAR, ETHERNET, LORA, OTHER
  std::string protocol_type;      ///< gateways: modbus, opc-ua, customize, ble, zigbee
  std::string commodity_code = "iothub_senior";
  std::string description;  ///< at most 100 characters
  bool id2 = false;
  Validation validation = Validation::weak;
  ClockPolicy clock_policy = ClockPolicy::warn;
  bool article_dialect = true;
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
  std::optional<bool> released;
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

/// How a request names a device: IotId, or ProductKey and DeviceName; the IotId wins.
struct DeviceRef {
  std::string iot_id;
  std::string product;
  std::string name;
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

}  // namespace tercet::registry
