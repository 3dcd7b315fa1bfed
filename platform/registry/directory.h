#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "platform/registry/topic_classes.h"
#include "tercet/base/time.h"

namespace tercet::registry {

/// How strictly a login's timestamp is held against the server's clock (device-protocol 2.2: the cloud does not).
enum class ClockPolicy : std::uint8_t { off, warn, enforce };
/// How thoroughly posted values are checked (device-protocol 5.10).
enum class Validation : std::uint8_t { none, weak, strong };

/// The configuration file that devices of a product are to have (device-protocol 8.4), without its text.
struct Configuration {
  std::string id;      ///< "" = there is none
  std::string sha256;  ///< 64 hexadecimal digits
  std::uint64_t bytes = 0;
};

/// What a shard must know of a product. Immutable; replaced as a whole.
struct Product {
  std::string key;
  std::string name;
  std::string secret;  ///< in memory only; encrypted on disk
  ClockPolicy clock_policy = ClockPolicy::warn;
  bool article_dialect = true;  ///< accept the tutorial's login form (section 3)
  Validation validation = Validation::weak;
  std::string tsl;  ///< thing model as JSON text; "" when none was imported
  std::uint64_t version = 0;
  Configuration configuration = {};
  bool dynamic_register = false;  ///< boards may ask for secrets with the ProductSecret
  std::vector<TopicClass> topics = {};
  bool free_topics = true;    ///< custom topics that no class is for may be used
  bool is_gateway = false;    ///< NodeType 1: its devices may have sub-devices
  bool pass_through = false;  ///< DataFormat 0: devices send bytes of their own, which the script reads
  std::shared_ptr<const std::string> script = {};  ///< null: there is none
};

/// What a board that registered without pre-registration logs in with.
struct DeviceToken {
  std::string client_id;
  std::string token;  ///< in memory only; encrypted on disk
  UnixMillis created{};
};

/// How a device came to be, which says how it may register.
enum class Enrolment : std::uint8_t {
  listed,    ///< made beforehand: it is told its secret until it is active
  unlisted,  ///< made by its own registration: up to kMostTokens boards get a token each
  closed,    ///< the same, and no further board
};
inline constexpr std::size_t kMostTokens = 5;

/// The secret that a device had before a rotation (registry_rotation.cc).
struct EarlierSecret {
  std::string secret;  ///< in memory only; encrypted on disk
  UnixMillis until{};  ///< it is taken before that moment, and known only to say so after it
};

/// What a shard must know of a device to let it in.
struct Device {
  std::uint64_t number = 0;  ///< never reused; keys of history begin with it
  std::string iot_id;
  std::string product;
  std::string name;
  std::string secret;  ///< in memory only; encrypted on disk
  bool enabled = true;
  UnixMillis created{};
  UnixMillis activated{};  ///< 0: never logged in
  Enrolment enrolment = Enrolment::listed;
  bool reset = false;  ///< may be told its secret once more although it has been active; the next login ends that
  std::shared_ptr<const std::vector<DeviceToken>> tokens = {};  ///< null: none
  bool sign_out = false;  ///< this change takes something away that a session may have been opened with
  bool may_register() const { return activated.ms == 0 || reset; }
  std::shared_ptr<const EarlierSecret> earlier = {};  ///< null: its secret was never rotated
  bool is_rotating(UnixMillis wall) const { return earlier != nullptr && wall.ms < earlier->until.ms; }
  /// Whether `check(secret)` holds for the secret or, while a rotation runs, for the earlier one. A damaged secret
  /// proves nothing.
  template <typename Check>
  bool proves(UnixMillis wall, Check&& check) const {
    if (by_certificate) return false;
    return (!secret.empty() && check(std::string_view(secret))) ||
           (is_rotating(wall) && check(std::string_view(earlier->secret)));
  }
  bool by_certificate = false;  ///< its product's AuthType is x509: its secret opens nothing
  std::uint64_t gateway = 0;    ///< the number of the gateway in whose topology it is; 0 none
};

/// Told on the shard's thread right after its Directory has changed: to drop what was compiled from the old value, to
/// close the connection of a device that was disabled or removed. Outlives the Directory it listens to.
class DirectoryListener {
 public:
  virtual void on_product_changed(const Product&) {}
  virtual void on_product_removed(std::string_view /*key*/) {}
  virtual void on_device_changed(const Device&) {}  ///< new, enabled, disabled
  virtual void on_device_removed(const Device&) {}  ///< the last moment of it

 protected:
  ~DirectoryListener() = default;
};

/// One shard's copy of the registry: every product, and the devices whose home it is. Changed only by values that the
/// registry posts to the shard; read by the shard without locks, and by others through copy_secret() alone. Lookups
/// give pointers that live until the next change. Besides, it knows the newest kSiblings devices of every product,
/// wherever their home is, for the examination of wrong logins.
class Directory {
 public:
  static constexpr std::size_t kSiblings = 200;

  Directory();
  ~Directory();
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  const Product* product(std::string_view key) const;
  const Device* device(std::string_view product, std::string_view name) const;  ///< allocates nothing
  const Device* device(std::uint64_t number) const;
  std::shared_ptr<const Product> shared_product(std::string_view key) const;
  /// For any thread, the one exception: the secret of a device that may come in, "" for every other. The accepting
  /// shard needs it in the middle of a TLS handshake, before the connection can go home.
  std::string copy_secret(std::string_view product, std::string_view name) const;
  std::size_t device_count() const { return by_name_.size(); }

  void put(std::shared_ptr<const Product> product);
  /// Keeps the earlier time of activation when the new value has none (it may still be on its way to the disk).
  void put(Device device);
  /// The device has logged in: at this time for the first time, unless it had before.
  void set_activated(std::uint64_t number, UnixMillis at);
  void remove_device(std::string_view product, std::string_view name);
  void remove_product(std::string_view key);
  void put_sibling(std::string_view product, std::string_view name, std::string_view secret);
  void remove_sibling(std::string_view product, std::string_view name);
  /// Told of each later change, in the order of registration.
  void listen(DirectoryListener& listener) { listeners_.push_back(&listener); }

  /// Visits the newest devices of one product, of all shards, newest first; `visit(name, secret)` says false to stop.
  template <typename Visit>
  void each_sibling(std::string_view product, Visit&& visit) const {
    const auto found = siblings_.find(product);
    if (found == siblings_.end()) return;
    for (auto at = found->second.rbegin(); at != found->second.rend(); ++at)
      if (!visit(std::string_view(at->first), std::string_view(at->second))) return;
  }
  bool has_sibling(std::string_view product, std::string_view name) const;

 private:
  const Device& place(Device device);
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  template <typename V>
  using ByText = std::unordered_map<std::string, V, Hash, std::equal_to<>>;
  using Sibling = std::pair<std::string, std::string>;  // name and secret

  /// Held by the shard while it changes by_name_ or a secret, by others while they look there.
  mutable std::shared_mutex names_;
  ByText<std::shared_ptr<const Product>> products_;
  ByText<std::unique_ptr<Device>> by_name_;  // broker::device_key()
  std::unordered_map<std::uint64_t, Device*> by_number_;
  ByText<std::vector<Sibling>> siblings_;  // oldest first, at most kSiblings each
  std::vector<DirectoryListener*> listeners_;
};

}  // namespace tercet::registry
