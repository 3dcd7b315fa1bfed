#include "tercet/device/system_topics.h"

namespace tercet::device {

Result<void> SystemTopics::start(Device& device, const DeviceId& id) {
  std::array<std::uint8_t, 96> buffer;
  Writer out{buffer};
  out.text("/sys/"), out.text(id.product.str()), out.ch('/'), out.text(id.device.str()), out.ch('/');
  if (!out.ok()) return fail(Error::too_large);
  device_ = &device;
  return head_.assign(out.text());
}

Result<void> SystemTopics::subscribe(std::string_view tail, Filter& filter) {
  if (device_ == nullptr) return fail(Error::bad_state);
  std::array<std::uint8_t, Filter::capacity()> buffer;
  Writer out{buffer};
  out.text(head_.str()), out.text(tail);
  if (!out.ok()) return fail(Error::too_large);
  if (const auto kept = filter.assign(out.text()); !kept) return kept;
  return device_->subscribe(filter.str(), mqtt::Qos::at_least_once);
}

std::string_view SystemTopics::tail_of(std::string_view topic) const {
  if (head_.empty() || !topic.starts_with(head_.str())) return {};
  return topic.substr(head_.size());
}

Result<void> SystemTopics::publish(std::string_view tail, Bytes payload, mqtt::Qos qos) {
  if (device_ == nullptr) return fail(Error::bad_state);
  std::array<std::uint8_t, 160> buffer;
  Writer out{buffer};
  out.text(head_.str()), out.text(tail);
  if (!out.ok()) return fail(Error::too_large);
  return device_->publish(out.text(), payload, qos);
}

}  // namespace tercet::device
