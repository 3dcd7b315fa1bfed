#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "platform/registry/naming.h"
#include "platform/registry/registry.h"

namespace tercet::registry {

/// What the registry's files share. Products and access keys are few and kept in memory beside the database; devices
/// are read from it when asked for.
struct Registry::State {
  State(store::Database opened, SecretBox sealer, runtime::Loop& loop, DirectoryFeed& to)
      : database(std::move(opened)), box(std::move(sealer)), management(loop), feed(to), names(loop.random()) {}

  std::function<void(std::uint64_t device, const std::vector<Tag>& changed)> tags_changed;
  store::Database database;
  SecretBox box;
  runtime::Loop& management;
  DirectoryFeed& feed;
  Names names;
  std::map<std::uint64_t, ProductRecord> products;  ///< by row, so by age
  std::unordered_map<std::string, std::uint64_t> product_rows;
  std::uint64_t device_total = 0;
  CertificateIndex certificates;
  std::map<std::string, AccessKey, std::less<>> access_keys;

  struct Seen {
    UnixMillis at;
    std::string ip;
  };
  std::unordered_map<std::uint64_t, UnixMillis> activated;  ///< noted, not written yet
  std::unordered_map<std::uint64_t, Seen> online;
  std::unordered_map<std::uint64_t, ConfigurationAnswer> configured;  ///< by device
  std::optional<runtime::Timer> due;

  std::function<void(const Device&, Lifecycle)> listener;
  void tell(const Device& device, Lifecycle change) const {
    if (listener) listener(device, change);
  }

  // While products are loaded.
  std::unordered_map<std::string, std::vector<TopicClass>> topics;  ///< by product
  std::unordered_set<std::string> closed_topics;

  runtime::Outcome<void> prepare();
  runtime::Outcome<void> check_key();
  runtime::Outcome<void> load_products();
  /// The newest of each product.
  runtime::Outcome<std::unordered_map<std::string, Configuration>> load_configurations();
  runtime::Outcome<void> load_topics();
  runtime::Outcome<void> begin_topics(Product& product);
  runtime::Outcome<void> insert_topic(std::string_view product, TopicClass& wanted);
  std::pair<ProductRecord*, TopicClass*> find_topic(std::uint64_t id);
  runtime::Outcome<std::unordered_map<std::string, std::shared_ptr<const std::string>>> load_scripts();
  runtime::Outcome<void> load_devices();
  runtime::Outcome<void> load_certificates();
  Answer<DeviceRecord> certifiable(Registry& registry, const DeviceRef& ref);
  Answer<void> keep_certificate(const Device& device, const std::string& key, const CertificateRecord& record);
  Answer<AuthorityRecord> authority(Registry& registry, std::string_view prefix);
  runtime::Outcome<void> load_access_keys();

  UnixMillis now() const { return management.wall(); }
  ProductRecord* find_product(std::string_view key);
  void publish(const ProductRecord& record, runtime::Task applied);
  Answer<ProductRecord> store_product(const ProductRecord& changed, runtime::Task applied);
  /// A row of kDeviceColumns. Its secret does not open: the row is damaged, and the device cannot log in ("").
  DeviceRecord read_device(const store::Statement& row);
  std::vector<DeviceToken> read_tokens(const Device& device);  ///< those that do not open are left out
  std::optional<DeviceRecord> find_device(std::string_view where, std::string_view a, std::string_view b = {});
  /// Inserts within the caller's transaction.
  Answer<DeviceRecord> insert_device(const NewDevice& wanted, std::uint64_t apply_id,
                                     Enrolment enrolment = Enrolment::listed);
  /// Keeps the tokens that `keep` says, and takes the others away.
  Answer<void> keep_tokens(Device& device, const std::function<bool(const DeviceToken&)>& keep, Enrolment enrolment,
                           runtime::Task applied);
  /// Takes the devices of a gateway out of its topology, within the caller's transaction. Gives them.
  runtime::Outcome<std::vector<Device>> unbind_all(std::uint64_t gateway);
  Answer<std::uint64_t> note_batch(const Batch& batch);  ///< gives the apply id
  runtime::Outcome<std::optional<std::string>> setting(std::string_view name);
  runtime::Outcome<void> set_setting(std::string_view name, std::string_view value);
};

inline constexpr std::string_view kDeviceColumns =
    "number, iot_id, product, name, secret, enabled, nickname, created, modified, activated, last_online, "
    "last_address, enrolment, reset, gateway, earlier_secret, earlier_until";

inline constexpr std::string_view kByCertificate = "x509";  // AuthType

inline std::string device_row(std::string_view product, std::string_view name) {
  return std::string("d/").append(product).append("/").append(name);
}
inline std::string earlier_row(std::string_view product, std::string_view name) {
  return std::string("e/").append(product).append("/").append(name);
}
inline std::string token_row(std::uint64_t device, std::string_view client_id) {
  return "t/" + std::to_string(device) + "/" + std::string(client_id);
}
inline std::string product_row(std::string_view key) { return std::string("p/").append(key); }
inline std::string access_key_row(std::string_view id) { return std::string("k/").append(id); }

/// The file could not be read or written: not the caller's fault.
RegistryProblem system_problem(const runtime::Problem& problem);
/// Null when the page may be asked for.
std::optional<RegistryProblem> page_problem(PageRequest page, std::size_t largest);

}  // namespace tercet::registry
