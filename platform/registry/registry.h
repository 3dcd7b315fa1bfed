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

#include "platform/registry/certificate_index.h"
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

  // Classes of custom topics
  /// iot.prod.{NotExistedProduct, InvalidFormattedTopicShortName, LongTopicDesc, AlreadyExistedTopic,
  /// TopicCountExceedMax (50), NotExistedTopic}
  Answer<TopicClass> create_topic(std::string_view product, const TopicClass& wanted, runtime::Task applied = {});
  Answer<TopicClass> update_topic(std::uint64_t id, const TopicChange& change, runtime::Task applied = {});
  Answer<void> delete_topic(std::uint64_t id, runtime::Task applied = {});
  /// Whether devices may use custom topics that no class is for. New products: no, as in the cloud.
  Answer<void> set_free_topics(std::string_view product, bool is_free, runtime::Task applied = {});
  // Scripts of products
  /// Makes it the product's newest script; the oldest beyond limits().script_versions go. Its syntax is the caller's to
  /// check. iot.prod.{NullProductKey, NotExistedProduct}, tercet.script.{Empty, TooLong, NotJavaScript}
  Answer<ScriptRecord> set_script(std::string_view product, std::string_view type, std::string_view text,
                                  runtime::Task applied = {});
  /// version 0: the newest. tercet.script.NotExisted
  Answer<ScriptRecord> script(std::string_view product, std::uint64_t version = 0);

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
  // Dynamic registration, after the signature has been checked (registry_enrolment.cc)
  /// A token for one more board of this name; makes the device when there is none.
  /// tercet.register.{SwitchedOff, DeviceActive, TooManyTokens}, and what register_device() says.
  Answer<DeviceToken> register_unlisted(std::string_view product, std::string_view name, runtime::Task applied = {});
  /// The device may register once more: it is told its secret though it is active, or one more board gets a token.
  Answer<void> reset_registration(const DeviceRef& ref, runtime::Task applied = {});
  /// Keeps this token and lets no other board register. tercet.register.NotExistedClientId
  Answer<void> keep_token(const DeviceRef& ref, std::string_view client_id, runtime::Task applied = {});
  /// Takes one token away, "" all. Boards that use it are signed out. tercet.register.NotExistedClientId
  Answer<void> delete_tokens(const DeviceRef& ref, std::string_view client_id = {}, runtime::Task applied = {});

  // Rotation of secrets, an extension of ours (registry_rotation.cc)
  static constexpr Millis kLongestOverlap = std::chrono::hours{24 * 90};
  /// Makes a new DeviceSecret. The one that the device has now is taken for `overlap` more, 0..kLongestOverlap; 0: no
  /// longer, and the device is signed out. tercet.rotation.{InvalidOverlap, Running}
  Answer<DeviceRecord> rotate_secret(const DeviceRef& ref, Millis overlap, runtime::Task applied = {});
  /// The earlier secret is taken no longer, and the device is signed out: with the new one it comes back at once.
  /// tercet.rotation.NotRunning
  Answer<void> end_rotation(const DeviceRef& ref, runtime::Task applied = {});

  // X.509 certificates of devices whose product's AuthType is "x509" (registry_certificates.cc)
  static constexpr std::size_t kMostCertificates = 10;  ///< of a device, revoked ones too
  /// From now on the device may log in with this certificate (PEM; the first one counts, whoever has signed it).
  /// tercet.certificate.{Malformed, ProductUsesSecrets, AlreadyBound, Expired, TooMany}
  Answer<CertificateRecord> bind_certificate(const DeviceRef& ref, const std::string& pem);
  /// From now on the device may log in with whatever certificate of this serial number that authority has signed.
  /// authority: the first digits, eight at least, of an uploaded one's SHA-256; "" when there is only one. serial:
  /// hexadecimal, as openssl prints it. tercet.certificate.{NotExistedAuthority, BadSerial, ...as bind_certificate}
  Answer<CertificateRecord> bind_serial(const DeviceRef& ref, std::string_view authority, std::string_view serial);
  Answer<std::vector<CertificateRecord>> certificates(const DeviceRef& ref);  ///< newest first
  /// No longer, and the device is signed out. serial "": every one. tercet.certificate.NotExisted
  Answer<void> revoke_certificates(const DeviceRef& ref, std::string_view serial, runtime::Task applied = {});
  /// Certificates that this authority (PEM) has signed may be bound by their serial numbers.
  /// tercet.certificate.{Malformed, NoAuthorityCertificate, Expired, AuthorityExisted, TooManyAuthorities}
  static constexpr std::size_t kMostAuthorities = 10;
  Answer<AuthorityRecord> add_authority(const std::string& pem);
  Answer<std::vector<AuthorityRecord>> authorities();  ///< oldest first
  /// With what was bound by it: those certificates are revoked, and their devices signed out.
  /// sha256 as in bind_serial(). tercet.certificate.NotExistedAuthority
  Answer<void> delete_authority(std::string_view sha256, runtime::Task applied = {});
  /// For logins, on any thread.
  const CertificateIndex& certificate_index() const;

  Answer<void> set_nickname(const DeviceRef& ref, std::string_view nickname);
  /// The device's history is removed by the thing module, which its shard's DirectoryListener tells.
  Answer<void> delete_device(const DeviceRef& ref, runtime::Task applied = {});

  // Tags. Keys and values must be good ones (naming.h).
  /// Sets these, all or none, and gives those that are new or have another value now.
  /// iot.device.SaveOrUpdateDevicePropertiesFailed: more than limits().tags.
  Answer<std::vector<Tag>> put_tags(std::uint64_t device, const std::vector<Tag>& tags);
  /// Takes these away, and gives those that were there.
  Answer<std::vector<Tag>> delete_tags(std::uint64_t device, const std::vector<std::string>& keys);
  Answer<std::vector<Tag>> tags(std::uint64_t device);  ///< by key; those of its SDK last
  /// Every tag of every device, but those of SDKs. For who keeps a copy, at the start.
  void each_tag(const std::function<void(const Device& device, const Tag& tag)>& visit);
  /// Told of tags that are new or have another value, or are gone (value ""), once that is on disk. One listener.
  void listen_to_tags(std::function<void(std::uint64_t device, const std::vector<Tag>& changed)> told);
  /// Devices that have all of these, one with value "" whatever its value is; by number. iot.common.InvalidPageParams
  Answer<Page<DeviceRecord>> devices_by_tags(const std::vector<Tag>& tags, PageRequest page);

  /// Told after a change is on disk and before the shards hear of it; one listener, on the management thread.
  void listen(std::function<void(const Device& device, Lifecycle change)> listener);

  // Topology. A device is with one gateway at most. Problems below; what it takes to belong together (NodeType,
  // signatures) is the caller's business.
  /// Puts devices under a gateway, all of them or none; one that is with another moves. Those that are there already
  /// are left out of the answer. iot.device.TopoRelationCountExceeded
  Answer<std::vector<Moved>> add_sub_devices(const Device& gateway, const std::vector<Device>& devices,
                                             runtime::Task applied = {});
  /// Takes devices, of whichever gateways, out of their topology.
  Answer<void> remove_sub_devices(const std::vector<Device>& devices, runtime::Task applied = {});
  /// iot.device.QueryTopoRelationFailed
  Answer<Page<DeviceRecord>> sub_devices(std::uint64_t gateway, PageRequest page);
  /// All of them, without secrets, by number.
  std::vector<Device> sub_devices(std::uint64_t gateway);

  // Groups of devices, in a tree of three levels. A group has the devices that were put into it, not those of the
  // groups below. iot.group.{NullGroupId, NotExistedGroup, InvalidGroupName, GroupNameExisted,
  // GroupLevelExceedingLimitError, GroupCountExceedMax, SubGroupNotNull, TagCountExceedMax, InvalidFormattedTagString,
  // LongGroupDesc}
  /// parent: GroupId, "" none.
  Answer<DeviceGroup> create_group(std::string_view name, std::string_view description, std::string_view parent);
  Answer<void> describe_group(std::string_view id, std::string_view description);
  Answer<void> delete_group(std::string_view id);  ///< its devices stay
  Answer<DeviceGroup> group(std::string_view id);
  std::optional<DeviceGroup> group(std::uint64_t number);
  /// Newest first; parent "": on every level.
  Answer<Page<DeviceGroup>> groups(std::string_view name_contains, std::string_view parent, PageRequest page);
  /// In place of those there were.
  Answer<void> set_group_tags(std::string_view id, const std::vector<GroupTag>& tags);
  Answer<std::vector<GroupTag>> group_tags(std::string_view id);
  Answer<Page<DeviceGroup>> groups_with(const std::vector<GroupTag>& tags, PageRequest page);  ///< all of the tags
  Answer<GroupChange> join_group(std::string_view id, const std::vector<Device>& devices);
  Answer<GroupChange> leave_group(std::string_view id, const std::vector<Device>& devices);
  Answer<Page<DeviceRecord>> group_devices(std::string_view id, PageRequest page);
  Answer<std::vector<Device>> group_members(std::string_view id);  ///< all, without secrets, by number
  std::vector<DeviceGroup> groups_of(std::uint64_t device);
  bool is_in_group(std::uint64_t device, std::string_view id);

  /// What shards report, by post. Gathered and written at most a second later, and before the next question.
  /// The first login, or the first after reset_registration(); the time of a later one is ignored.
  void note_activated(std::uint64_t number, UnixMillis at);
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
  std::optional<RegistryProblem> new_device_problem(const NewDevice& wanted, const ProductRecord& product) const;
  Registry(std::unique_ptr<State> state, RegistryLimits limits);
  Answer<Batch> make_batch(Batch batch, const std::vector<std::string>& names, runtime::Task applied);
  std::unique_ptr<State> state_;
  RegistryLimits limits_;
};

}  // namespace tercet::registry
