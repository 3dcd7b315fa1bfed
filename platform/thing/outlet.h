#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "platform/store/stream_store.h"

namespace tercet::thing {

/// What a message for applications is about (cloud-side reference 3.3).
enum class Source : std::uint8_t {
  custom,            ///< `/{pk}/{dn}/user/...`, as it was sent
  status,            ///< a device came online or went offline
  property,          ///< properties that passed their check
  property_history,  ///< the same from a history post
  event,
  event_history,
  reply,      ///< what a device said to a property set or an asynchronous service
  lifecycle,  ///< a device was created, deleted, enabled or disabled
  topology,   ///< a sub-device came to a gateway or left it
  found,      ///< a gateway has found sub-devices
  tags,
  ota_result,
  ota_progress,
  ota_version,
  ota_job,
  shadow,  ///< a device's shadow has changed; not in the cloud
};
inline constexpr std::size_t kSources = 16;
/// "property", "ota_result": as metrics and tools name it.
std::string_view name(Source source);
constexpr std::uint32_t bit(Source source) { return std::uint32_t{1} << static_cast<unsigned>(source); }

/// A message for applications, made of what a device sent or of what happened to it. Views live as long as the call.
struct Outgoing {
  Source source = Source::custom;
  std::uint64_t device = 0;      ///< 0: about no single device
  std::string_view product;      ///< ProductKey
  std::string_view device_name;  ///< "" when about no single device
  std::string_view topic;        ///< as applications see it: `/{pk}/{dn}/thing/event/property/post`
  std::string_view payload;      ///< JSON; of custom topics any bytes
  std::int64_t time = 0;         ///< when it was made, milliseconds since 1970
  std::uint8_t qos = 1;          ///< of the message that it was made of
};

/// Where such messages go: rules and server-side subscriptions. One per shard, called on it. What take() puts is
/// durable together with the message itself, so before a device is answered; if the group is refused, nothing of it
/// happened.
class Outlet {
 public:
  virtual ~Outlet() = default;
  /// Which sources of a product anybody wants, as bit()s. Asked once per product and version().
  virtual std::uint32_t wanted(std::string_view product) const = 0;
  /// Changes whenever an answer of wanted() may have changed.
  virtual std::uint64_t version() const = 0;
  virtual void take(const Outgoing& message, store::Mutations& mutations) = 0;
  /// What has been taken since the last call is a commit group now, on its way to the store.
  virtual void on_submitted() = 0;
  /// The oldest group that is on its way is durable.
  virtual void on_durable() = 0;
  /// The newest group that is on its way is not kept: nothing of it happened.
  virtual void on_undone() = 0;
};

/// A message for applications that is made elsewhere than on the device's shard (Things::tell_applications()).
struct Announcement {
  Source source = Source::lifecycle;
  std::uint64_t device = 0;
  std::string product, device_name, topic, payload;
};

}  // namespace tercet::thing
