#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "platform/broker/ingress.h"
#include "platform/registry/directory.h"
#include "platform/thing/model.h"
#include "platform/thing/things.h"

namespace tercet::thing {

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};

/// The identifiers that devices of this shard have values of. Each is kept once and never moves, so that two are equal
/// when their addresses are.
class Names {
 public:
  const std::string* intern(std::string_view name) {
    const auto found = names_.find(name);
    return found != names_.end() ? &*found : &*names_.emplace(name).first;
  }

 private:
  std::unordered_set<std::string, TextHash, std::equal_to<>> names_;
};

/// A product as its devices' messages need it.
struct ProductBinding {
  std::string key;
  bool stale = true;  ///< look the product up again before use
  bool known = false;
  bool is_gateway = false;
  bool pass_through = false;                  ///< its devices speak bytes, which the script reads and writes
  std::shared_ptr<const std::string> script;  ///< null: there is none
  registry::Validation validation = registry::Validation::weak;
  std::shared_ptr<const Model> model;     ///< never null when known
  std::uint64_t model_version = 0;        ///< of the product the model was made from; 0: none
  std::uint32_t wanted = 0;               ///< by applications: Outlet::wanted()
  std::uint64_t wanted_version = 0;       ///< of the Outlet then; 0: not asked yet
  std::vector<const std::string*> names;  ///< interned, by position in model->properties()
};

/// The newest value of a property.
struct Held {
  const std::string* name;
  std::int64_t time;
  std::string value;  ///< JSON
};

/// A device's shadow (shadow.h).
struct Shadow {
  std::string document;
  bool is_owed = false;       ///< what an application desired has not been acknowledged by the device
  bool is_sent = false;       ///< but sent on this connection
  std::uint32_t control = 0;  ///< counts what applications desired since the start
  std::int64_t second = 0;    ///< in which these requests came
  std::uint32_t requests = 0;
};

/// What a shard remembers of a device.
struct DeviceState {
  std::uint64_t number = 0;
  ProductBinding* product = nullptr;
  std::string name;
  std::vector<Held> values;  ///< in the order of first appearance; positions are stored (record.h) and never change
  std::uint32_t hint = 0;    ///< where the next property probably is: devices post in a fixed order
  std::uint64_t dirty = 0;   ///< chunks of values to be stored with this pass, bit = chunk % 64
  std::unique_ptr<Shadow> shadow;  ///< null: it has none
  std::vector<Desired> desired;    ///< in the order in which they were first set
  std::uint64_t gateway = 0;       ///< over which it is logged in, its number; 0: over none
  bool online = false;
  bool uploads_logs = false;  ///< the platform wants its log (8.6)
  bool presence_due = false;  ///< to be stored with this pass
  std::int64_t since = 0;     ///< the last change of presence; 0: never seen
  std::string login;          ///< address, newline, client id of the last login: one block, there may be a million
  std::int64_t last_message = 0;
  // Journal entries about this device: how many in the current minute, and what the last was about.
  std::int64_t notes_minute = 0;
  std::uint32_t notes = 0;
  std::uint32_t last_said = kNothingSaid;  ///< a cause, or a digest of the causes and names of one post

  static constexpr std::uint32_t kNothingSaid = 0xFFFFFFFF;
  static constexpr std::uint32_t kNew = 0xFFFFFFFF;
  std::uint32_t find(const std::string* name) const;
  void set_login(std::string_view address, std::string_view client_id);
  std::string_view address() const { return std::string_view(login).substr(0, login.find('\n')); }
  std::string_view client_id() const { return std::string_view(login).substr(address().size() + !login.empty()); }
  Presence presence() const { return {online, UnixMillis{since}, std::string(address()), std::string(client_id())}; }
};

/// Devices by number: one probe of a flat table, and in order for listings.
class DeviceTable {
 public:
  DeviceState* find(std::uint64_t number) const;
  DeviceState& add(std::unique_ptr<DeviceState> device);  ///< the number is not there yet
  void remove(std::uint64_t number);
  std::size_t size() const { return ordered_.size(); }
  const std::vector<std::unique_ptr<DeviceState>>& ordered() const { return ordered_; }
  /// The first device whose number is above.
  std::size_t after(std::uint64_t number) const;

 private:
  void insert(DeviceState* device);
  void rebuild(std::size_t slots);
  std::vector<std::unique_ptr<DeviceState>> ordered_;  // by number
  std::vector<DeviceState*> slots_;                    // open addressing, a power of two, at most half full
};

}  // namespace tercet::thing
