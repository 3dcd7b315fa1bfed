#include "tercet/device/raw.h"

#include <array>

#include "tercet/base/writer.h"

namespace tercet::device {

Result<alink::TopicName> Raw::topic(std::string_view tail) const {
  std::array<std::uint8_t, alink::kMaxBuiltTopic> buffer;
  Writer out{buffer};
  out.text("/sys/"), out.text(id_.product.str()), out.ch('/'), out.text(id_.device.str());
  out.text("/thing/model/"), out.text(tail);
  alink::TopicName made;
  if (!out.ok() || !made.assign(out.text())) return fail(Error::too_large);
  return made;
}

Result<void> Raw::listen(mqtt::Qos qos) {
  const auto filter = topic("+");
  if (!filter) return fail(filter.error());
  filter_ = *filter;
  return device_.subscribe(filter_.str(), qos);
}

Result<void> Raw::post(Bytes message, mqtt::Qos qos) {
  const auto to = topic("up_raw");
  if (!to) return fail(to.error());
  return device_.publish(to->str(), message, qos);
}

Result<void> Raw::answer(Bytes message, mqtt::Qos qos) {
  const auto to = topic("down_raw_reply");
  if (!to) return fail(to.error());
  return device_.publish(to->str(), message, qos);
}

Raw::Kind Raw::kind_of(std::string_view name) const {
  if (const auto down = topic("down_raw"); down && down->str() == name) return Kind::command;
  if (const auto reply = topic("up_raw_reply"); reply && reply->str() == name) return Kind::reply;
  return Kind::none;
}

}  // namespace tercet::device
