#pragma once
#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>

#include "tercet/base/fixed_string.h"
#include "tercet/device/client.h"

namespace tercet::device {

/// What a shadow says (device-side reference, section 6). Lives during the handler only.
class ShadowState {
 public:
  ShadowState(std::int64_t version, const json::Value& state) : version_(version), state_(state) {}
  std::int64_t version() const { return version_; }
  /// Nothing when it is not desired, or of another type or out of the property's range.
  template <typename T>
  std::optional<T> desired(const Property<T>& property) const {
    return find("desired", property);
  }
  /// What was reported last, perhaps before a restart.
  template <typename T>
  std::optional<T> reported(const Property<T>& property) const {
    return find("reported", property);
  }
  const json::Value& json() const { return state_; }  ///< {"reported":{...},"desired":{...}}, as far as they are there

 private:
  template <typename T>
  std::optional<T> find(std::string_view section, const Property<T>& property) const {
    const auto members = state_.find(section);
    const auto value = members ? members->find(property.identifier) : std::nullopt;
    return value ? property.parse(*value) : std::nullopt;
  }
  std::int64_t version_;
  json::Value state_;
};

/// What a shadow tells a board, on the task that calls Device::run().
class ShadowEvents {
 public:
  /// An application desires another state: obey, report what holds now, and clear what is done. Each wish comes once,
  /// the newest last; one that was overtaken while the board was off does not come.
  virtual void on_control(const ShadowState& state) = 0;
  /// The answer to get().
  virtual void on_shadow(const ShadowState& state) { static_cast<void>(state); }
  /// An update, report or clearing was taken; the shadow has this version now.
  virtual void on_taken(std::int64_t version) { static_cast<void>(version); }
  /// It was refused. 409: another one was faster; get() tells its version, then report again. 429: too often. Others:
  /// see text.
  virtual void on_refused(std::int32_t code, std::string_view text) {
    static_cast<void>(code), static_cast<void>(text);
  }

 protected:
  ~ShadowEvents() = default;
};

/// The shadow of a board: what it reported, and what is desired of it, kept by the platform while either is away. Takes
/// one of the device's user filters. Costs no flash unless it is used. Same task as the device; `device`, `events` and
/// `scratch`, which holds the longest message (about 60 bytes and the values), outlive it.
///   void on_message(std::string_view topic, Bytes payload) override { if (shadow.on_message(topic, payload)) return; }
///   void on_online() override { shadow.get(); }
class ShadowClient {
 public:
  ShadowClient(Device& device, ShadowEvents& events, MutableBytes scratch)
      : device_(device), events_(events), scratch_(scratch) {}
  ShadowClient(const ShadowClient&) = delete;
  ShadowClient& operator=(const ShadowClient&) = delete;

  /// After Device::start(). Errors: too_large, the names; as Device::subscribe().
  Result<void> start(const DeviceId& id);

  /// All that follows goes out at once, at QoS 1. Errors: bad_state, not online; would_block or no_space, retry after
  /// the next run(); too_large, more than `scratch`.
  Result<void> get();
  /// These members hold now; others stay.
  Result<void> report(std::span<const PropertyValue> values);
  Result<void> report(std::initializer_list<PropertyValue> values) {
    return report(std::span(values.begin(), values.size()));
  }
  /// These are reported no more; all of them when empty.
  Result<void> forget(std::initializer_list<std::string_view> names);
  /// All that was desired is seen to.
  Result<void> clear_desired();

  /// True: it was the shadow's, and events were told. Call it from DeviceEvents::on_message().
  bool on_message(std::string_view topic, Bytes payload);
  /// The newest version that is known; nothing is known before the first answer.
  std::int64_t version() const { return version_; }

 private:
  struct Seen {
    std::int64_t version = -1;
    std::uint32_t content = 0;
  };
  template <typename Write>
  Result<void> send(std::string_view method, bool has_version, Write&& write_state);
  void on_reply(const json::Value& payload, const json::Value& message);
  void on_control(const json::Value& payload, const json::Value& message);
  bool is_known(std::int64_t version, std::string_view content);

  Device& device_;
  ShadowEvents& events_;
  MutableBytes scratch_;
  FixedString<112> up_, down_;
  std::int64_t version_ = 0;
  std::array<Seen, 4> seen_{};  ///< control messages may come again after a lost acknowledgement
  std::uint8_t next_seen_ = 0;
};

}  // namespace tercet::device
