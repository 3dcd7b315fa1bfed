#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "platform/broker/ingress.h"
#include "platform/broker/message.h"
#include "platform/broker/retained.h"

namespace tercet::broker {

/// What one shard tells another. A pass's records for one shard are one batch: one text, one post.
enum class LinkKind : std::uint8_t {
  publish,    ///< deliver to your sessions: clients, devices or named shared groups
  to_device,  ///< deliver a system topic to one device
  confirm,    ///< what you asked me to confirm is stored
  refused,    ///< what you asked me to confirm never will be
  want,       ///< my clients subscribe to this filter
  unwant,     ///< no longer
  join,       ///< a client of mine joined this shared group
  leave,      ///< left it
  barrier,    ///< tell me when you have come to here
  reached,    ///< I have
  retain,     ///< set or erase this retained message
  ride_up,    ///< a message of your sub-device, from its gateway
  ride_down,  ///< a message to a sub-device of your gateway
  ride_left,  ///< your sub-device is logged out, or its gateway has gone
  ride_over,  ///< your gateway's sub-device is no longer logged in
};

/// One record taken apart. Views into the batch.
struct LinkRecord {
  LinkKind kind = LinkKind::publish;
  // publish and to_device
  bool clients = false;
  bool devices = false;
  std::optional<std::uint32_t> confirm;  ///< also of confirm and retain
  std::string_view text;                 ///< identity key, filter; of publish: the shared groups, see groups();
                                         ///< of rides: the sub-device's name
  std::string_view group;
  Publication publication;  ///< retain too
  // the others
  std::uint64_t number = 0;  ///< barrier, reached; want: 1 when messages are stored before they are acknowledged
  RetainStamp stamp;
  Ride ride;  ///< rides; its shard is the gateway's
  RideEnd why = RideEnd::elsewhere;
};

/// Builds a batch.
class LinkBatch {
 public:
  using Shares = std::vector<std::pair<std::string, std::string_view>>;  ///< filter, group

  void publish(const Publication& publication, bool clients, bool devices, std::optional<std::uint32_t> confirm,
               const Shares& shares = {});
  void to_device(std::string_view key, const Publication& publication, std::optional<std::uint32_t> confirm);
  void confirm(std::uint32_t id);
  void refuse(std::uint32_t id);
  void filter(LinkKind kind, std::string_view filter, bool durable = false);
  void group(LinkKind kind, std::string_view filter, std::string_view group);
  void number(LinkKind kind, std::uint64_t number);
  void retain(const Publication& publication, const RetainStamp& stamp, std::optional<std::uint32_t> confirm);
  /// ride_up and ride_down.
  void ride(LinkKind kind, const Ride& ride, std::string_view name, const Publication& publication,
            std::optional<std::uint32_t> confirm = std::nullopt);
  /// ride_left and ride_over.
  void ride_ended(LinkKind kind, const Ride& ride, std::string_view name, RideEnd why = RideEnd::elsewhere);

  bool empty() const { return bytes_.empty(); }
  std::size_t size() const { return bytes_.size(); }
  std::string& bytes() { return bytes_; }

 private:
  std::size_t begin(LinkKind kind);
  void end(std::size_t start);
  std::string bytes_;
};

/// Reads a batch from front to back.
class LinkReader {
 public:
  explicit LinkReader(std::string_view batch) : rest_(batch) {}
  std::optional<LinkRecord> next();

 private:
  std::string_view rest_;
};

/// Calls visit(filter, group) for each shared group that a publish record names.
template <typename Visit>
void each_share(std::string_view shares, Visit&& visit);

namespace detail {
inline std::string_view take_text(std::string_view& in) {
  const auto high = static_cast<unsigned char>(in[0]);
  const auto low = static_cast<unsigned char>(in[1]);
  const auto size = static_cast<std::size_t>(high << 8 | low);
  const auto text = in.substr(2, size);
  in.remove_prefix(2 + size);
  return text;
}
}  // namespace detail

template <typename Visit>
void each_share(std::string_view shares, Visit&& visit) {
  while (!shares.empty()) {
    const auto filter = detail::take_text(shares);
    const auto group = detail::take_text(shares);
    visit(filter, group);
  }
}

}  // namespace tercet::broker
