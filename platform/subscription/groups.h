#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "platform/registry/records.h"
#include "platform/rule/rule_set.h"
#include "platform/runtime/loop.h"
#include "platform/store/sqlite.h"

namespace tercet::subscription {

using registry::Answer;

/// Consumers that share messages among them.
struct Group {
  std::uint64_t number = 0;  ///< since the beginning, never used again
  std::string id;            ///< GroupId: "DEFAULT_GROUP", or 24 letters and digits
  std::string name;
  UnixMillis created{};
  std::uint64_t destination() const;  ///< the number of its queue (rule::Destinations::kFirstGroup)
};

/// What of a product's messages consumers get: the flags of CreateSubscribeRelation.
enum class Wish : std::uint8_t {
  device_data,  ///< what devices send: custom topics, properties, events, replies
  history,      ///< properties and events of history posts
  status,       ///< online, offline
  life_cycle,   ///< made, deleted, enabled, disabled
  tags,         ///< DeviceTagFlag
  topology,     ///< DeviceTopoLifeCycleFlag
  found,        ///< FoundDeviceListFlag
  ota_event,    ///< OtaEventFlag: progress and result
  ota_version,
  ota_job,
  shadow,  ///< ShadowFlag: of ours, not in the cloud
};
inline constexpr std::size_t kWishes = 11;
/// "DeviceDataFlag": the parameter's name.
std::string_view parameter(Wish wish);
constexpr std::uint32_t bit(Wish wish) { return std::uint32_t{1} << static_cast<unsigned>(wish); }
/// The sources of messages behind wishes, as thing::bit()s.
std::uint32_t sources_of(std::uint32_t wishes);

/// A product's subscription over AMQP.
struct Relation {
  std::string product;
  std::uint32_t wishes = 0;         ///< bit()s
  std::vector<std::string> groups;  ///< GroupIds; 1 to 10
};

/// Consumer groups and subscriptions. SQLite; whatever changes is told to `changed` before the call returns.
/// Management thread.
class Groups {
 public:
  static constexpr std::size_t kMaxGroups = 1000, kMaxGroupsOfProduct = 10;  ///< documented (cloud-side reference 4.5)
  struct Wiring {
    runtime::Loop& loop;
    std::function<bool(std::string_view product)> is_product;
    /// Whether an action of a rule sends to the group.
    std::function<bool(std::string_view group)> is_used;
    std::function<void()> changed;
  };
  static runtime::Outcome<std::unique_ptr<Groups>> open(const std::filesystem::path& file, Wiring wiring);

  Answer<Group> create(std::string_view name);
  Answer<void> rename(std::string_view id, std::string_view name);
  /// Not the default one, and none that a subscription or a rule names. What waits for it is lost.
  Answer<void> erase(std::string_view id);
  Answer<Group> group(std::string_view id);
  /// Newest first; of those whose name is `name`, or holds it when `fuzzy`; "" = all.
  Answer<registry::Page<Group>> groups(std::string_view name, bool fuzzy, registry::PageRequest page);

  Answer<void> create_relation(const Relation& relation);  ///< there is at most one for each product
  Answer<void> update_relation(const Relation& relation);  ///< takes the place of the one that is there
  Answer<void> erase_relation(std::string_view product);
  Answer<Relation> relation(std::string_view product);
  Answer<void> add_group(std::string_view product, std::string_view group);
  Answer<void> remove_group(std::string_view product, std::string_view group);

  /// What shards hold messages against.
  std::vector<rule::Subscription> subscriptions();
  std::vector<Group> all();

 private:
  Groups(store::Database database, Wiring wiring) : database_(std::move(database)), wiring_(std::move(wiring)) {}
  Answer<void> check(const Relation& relation);
  Answer<void> write(const Relation& relation);
  runtime::Outcome<void> make_default();
  std::string new_id();

  store::Database database_;
  Wiring wiring_;
};

}  // namespace tercet::subscription
