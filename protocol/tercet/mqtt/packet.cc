#include "tercet/mqtt/packet.h"

#include "tercet/base/reader.h"

namespace tercet::mqtt {

std::optional<Subscription> Subscriptions::next() {
  if (count_ == 0) return std::nullopt;
  Reader in{left_};
  Subscription each;
  each.filter = as_text(in.binary());
  const std::uint8_t options = in.u8();
  each.qos = static_cast<Qos>(options & 0x03);
  each.no_local = (options & 0x04) != 0;
  each.retain_as_published = (options & 0x08) != 0;
  each.retain_handling = static_cast<RetainHandling>((options >> 4) & 0x03);
  if (!in.ok()) return std::nullopt;
  left_ = in.rest();
  --count_;
  return each;
}

std::optional<std::string_view> Filters::next() {
  if (count_ == 0) return std::nullopt;
  Reader in{left_};
  const auto filter = as_text(in.binary());
  if (!in.ok()) return std::nullopt;
  left_ = in.rest();
  --count_;
  return filter;
}

std::string_view name(PacketType type) {
  switch (type) {
    case PacketType::connect:
      return "connect";
    case PacketType::connack:
      return "connack";
    case PacketType::publish:
      return "publish";
    case PacketType::puback:
      return "puback";
    case PacketType::pubrec:
      return "pubrec";
    case PacketType::pubrel:
      return "pubrel";
    case PacketType::pubcomp:
      return "pubcomp";
    case PacketType::subscribe:
      return "subscribe";
    case PacketType::suback:
      return "suback";
    case PacketType::unsubscribe:
      return "unsubscribe";
    case PacketType::unsuback:
      return "unsuback";
    case PacketType::pingreq:
      return "pingreq";
    case PacketType::pingresp:
      return "pingresp";
    case PacketType::disconnect:
      return "disconnect";
    case PacketType::auth:
      return "auth";
  }
  return "unknown";
}

}  // namespace tercet::mqtt
