#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "platform/registry/directory_feed.h"
#include "platform/registry/records.h"
#include "platform/registry/secret_box.h"
#include "platform/runtime/loop.h"
#include "platform/runtime/problem.h"
#include "platform/store/sqlite.h"

namespace tercet::registry {

/// Products, devices, access keys and the admin password: SQLite on the management thread. Every change is on disk when
/// the call returns, and is then carried to the shards; the Task handed in runs on the management loop when the last
/// shard has applied it (never, when the call failed). Answer the API there. Not thread-safe: management thread only.
///
/// Problems carry the cloud's business code: see each call; any of them may also give iot.system.SystemException.
class Registry {
 public:
  /// Opens or creates the database, migrates it, checks that the master key is the one it was written with, and fills
  /// the directories. Call before the loops run. Problems: io_failed (file), unsupported (written by a newer version),
  /// denied (another master key).
  static runtime::Outcome<std::unique_ptr<Registry>> open(const std::filesystem::path& file, SecretBox box,
                                                          runtime::Loop& management, DirectoryFeed& feed,
                                                          RegistryLimits limits = {});
  ~Registry();
  const RegistryLimits& limits() const { return limits_; }

  // Products
  /// iot.prod.{NullProductName, InvalidFormattedProductName, AlreadyExistedProductName, LongProductDesc,
  /// InvalidNodeType, InvalidFormattedProductkey, ProductCountExceedMax}
  Answer<ProductRecord> create_product(const NewProduct& wanted, runtime::Task applied = {});
  Answer<ProductRecord> product(std::string_view key);  ///< iot.prod.{NullProductKey, NotExistedProduct}
  /// Newest first. commodity_code "" = all. iot.common.InvalidPageParams
  Answer<Page<ProductRecord>> products(PageRequest page, std::string_view commodity_code = {});
  Answer<ProductRecord> update_product(std::string_view key, const ProductChange& change, runtime::Task applied = {});
  /// Stores a thing model that has been checked already; raises the version. Errors: too_large.
  Answer<ProductRecord> set_tsl(std::string_view key, std::string_view tsl, runtime::Task applied = {});
  Answer<void> delete_product(std::string_view key, runtime::Task applied = {});  ///< refused while it has devices

  // Remote configuration
  /// Stores a new version; one equal to the newest changes nothing and is given back. The oldest ones beyond
  /// limits().configuration_versions go. iot.prod.{NullProductKey, NotExistedProduct},
  /// tercet.config.{EmptyContent, ContentTooLong, ContentNotJson}
  Answer<ConfigurationRecord> set_configuration(std::string_view product, std::string_view text,
                                                runtime::Task applied = {});
  /// Newest first, without texts.
  Answer<std::vector<ConfigurationRecord>> configurations(std::string_view product);
  /// With its text. id "": the newest. tercet.config.NotExistedConfiguration
  Answer<ConfigurationRecord> configuration(std::string_view product, std::string_view id = {});
  Answer<ConfigurationTally> configuration_answers(std::string_view product, std::string_view id, std::size_t refusals);

  // Devices
  /// iot.device.{InvalidFormattedDeviceName, AlreadyExistedDeviceName, DeviceCountExceeded, ...}, iot.prod.*
  Answer<DeviceRecord> register_device(const NewDevice& wanted, runtime::Task applied = {});
  /// Makes `count` devices with names of their own: gives the apply id; done when it returns.
  /// iot.device.ApplyManyDevicesFailed
  Answer<Batch> batch_register(std::string_view product, std::size_t count, runtime::Task applied = {});
  /// First step of a batch with given names; no device is made. status CHECK_SUCCESS or CHECK_FAILED.
  Answer<Batch> batch_check(std::string_view product, const std::vector<std::string>& names);
  /// Second step: iot.device.{DeviceApplyIsNotFound, NoneDeviceNameElement}
  Answer<Batch> batch_register_checked(std::string_view product, std::uint64_t apply_id, runtime::Task applied = {});
  Answer<Batch> batch(std::string_view product, std::uint64_t apply_id);
  Answer<Page<DeviceRecord>> batch_devices(std::uint64_t apply_id, PageRequest page);

  Answer<DeviceRecord> device(const DeviceRef& ref);  ///< iot.device.{NotExistedDevice, InvalidIoTId, NullDeviceName}
  std::optional<DeviceRecord> device(std::uint64_t number);
  std::vector<DeviceRecord> devices(std::string_view product,
                                    const std::vector<std::string>& names);  ///< unknown: left out
  Answer<Page<DeviceRecord>> devices(const DeviceFilter& filter, PageRequest page);
  /// Every device of the product that is enabled, by number. For jobs that concern them all.
  std::vector<DeviceName> device_names(std::string_view product);
  std::uint64_t device_count(std::string_view product = {});
  bool is_known(std::string_view product, std::string_view name);

  Answer<void> set_enabled(const DeviceRef& ref, bool enabled, runtime::Task applied = {});
  Answer<void> set_nickname(const DeviceRef& ref, std::string_view nickname);
  /// The device's history is removed by the thing module, which its shard's DirectoryListener tells.
  Answer<void> delete_device(const DeviceRef& ref, runtime::Task applied = {});

  /// What shards report, by post. Gathered and written at most a second later, and before the next question.
  void note_activated(std::uint64_t number, UnixMillis at);  ///< the first login; later ones are ignored
  void note_online(std::uint64_t number, UnixMillis at, std::string_view ip);
  void note_configuration_answer(const ConfigurationAnswer& answer);
  /// Writes what was noted. Called by itself; also by the server before it ends.
  void flush();

  // Access
  Answer<AccessKey> create_access_key(std::string_view remark);
  const AccessKey* access_key(std::string_view id) const;  ///< null: unknown. Valid until the next change
  std::vector<AccessKey> access_keys() const;
  Answer<void> set_access_key_active(std::string_view id, bool active);
  Answer<void> delete_access_key(std::string_view id);
  Answer<void> set_admin_password(std::string_view password);  ///< at least 8 characters
  /// About 50 ms, on purpose: throttle the callers. False also when none was set.
  bool check_admin_password(std::string_view password);
  bool has_admin_password();

  /// So many pages of 4 KB may the file have: a full disk, for tests.
  void limit_pages_for_test(std::int64_t pages);

  struct State;

 private:
  bool write_notes();
  Registry(std::unique_ptr<State> state, RegistryLimits limits);
  Answer<Batch> make_batch(Batch batch, const std::vector<std::string>& names, runtime::Task applied);
  std::unique_ptr<State> state_;
  RegistryLimits limits_;
};

}  // namespace tercet::registry
