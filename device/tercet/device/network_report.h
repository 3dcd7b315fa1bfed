#pragma once
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>

#include "tercet/device/client.h"
#include "tercet/device/system_topics.h"

namespace tercet::device {

/// How often one thing went wrong. The numbers of types and codes are the board's own.
struct NetworkError {
  std::uint16_t type = 0, code = 0, count = 0;
};

/// How a board's Wi-Fi is, now or at some time.
struct NetworkState {
  std::int32_t rssi = 0;                      ///< dBm: -40 is near, -80 is far
  std::int32_t snr = 0;                       ///< dB
  std::int32_t per = 0;                       ///< packets lost, percent
  std::span<const NetworkError> errors = {};  ///< since the last report
  std::optional<UnixMillis> at = {};          ///< nothing: when it arrives
};

/// Tells the platform how the network is that the board hangs on (`tercet network PRODUCT DEVICE`): one report, or
/// those of a time without network. Takes one subscription. The client's task only.
class NetworkReport {
 public:
  /// scratch: the message: 120 bytes for the first state and 80 for each further one, and 9 per error. Outlives it.
  explicit NetworkReport(MutableBytes scratch) : scratch_(scratch) {}

  /// Subscribes; call it once after Device::start(). Errors: those of Device::subscribe(); too_large, the names.
  Result<void> start(Device& device, const DeviceId& id);

  /// How it is. At once, at QoS 1. Errors: of Device::publish(); too_large, more than `scratch`.
  Result<MessageId> post(const NetworkState& now);
  /// How it was: up to 100 states, best each with its time. Errors as post(); bad_argument, none or more than 100.
  Result<MessageId> post_history(std::span<const NetworkState> states);
  Result<MessageId> post_history(std::initializer_list<NetworkState> states) {
    return post_history(std::span(states.begin(), states.size()));
  }

  /// The answer to a post, if it is one. Call it from DeviceEvents::on_message().
  std::optional<PostReply> on_message(std::string_view topic, Bytes payload) const;

 private:
  template <typename Write>
  Result<MessageId> send(std::string_view model, Write&& write_states);

  MutableBytes scratch_;
  SystemTopics topics_;
  SystemTopics::Filter filter_;
};

}  // namespace tercet::device
