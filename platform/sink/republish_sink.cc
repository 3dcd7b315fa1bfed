#include "platform/sink/make.h"
#include "platform/sink/message.h"
#include "tercet/mqtt/topic.h"

namespace tercet::sink {
namespace {

using rule::Sent;

constexpr std::string_view kSet = "/thing/service/property/set";

/// A topic of this platform. A property set gets the frame of Alink around it, unless the result has one.
class RepublishSink final : public rule::Sink {
 public:
  RepublishSink(const Surroundings& around, std::string rule_name, Template topic, std::uint8_t qos)
      : around_(around), rule_name_(std::move(rule_name)), topic_(std::move(topic)), qos_(qos) {}

  Sent send(std::span<const rule::Queued> records, UnixMillis) override {
    for (std::size_t i = 0; i < records.size(); ++i) {
      const Message message(records[i], rule_name_);
      const std::string topic = topic_.text(message);
      if (!mqtt::is_valid_topic(topic) || topic.find("//") != std::string::npos)
        return {i, Sent::Stop::reject, "no topic comes of the message: " + topic.substr(0, 100), {}};
      std::string payload(records[i].result);
      if (topic.starts_with("/sys/") && topic.ends_with(kSet) && !message.at("params"))
        payload = "{\"method\":\"thing.service.property.set\",\"id\":\"" + std::string(records[i].message_id) +
                  "\",\"version\":\"1.0\",\"params\":" + payload + "}";
      if (!around_.publish(topic, std::move(payload), qos_))
        return {i, Sent::Stop::retry, "the broker has no room now", Millis{200}};
    }
    return {records.size(), Sent::Stop::none, {}, {}};
  }

 private:
  const Surroundings& around_;
  std::string rule_name_;
  Template topic_;
  std::uint8_t qos_;
};

}  // namespace

std::unique_ptr<rule::Sink> make_republish(const Making& making, Settings& settings) {
  const std::string text = settings.text("topic");
  const auto type = settings.number_or("topicType", text.starts_with("/sys/") ? 0 : 1, 0, 1);
  const auto qos = static_cast<std::uint8_t>(settings.number_or("qos", 1, 0, 1));
  static_cast<void>(settings.value("role"));  // the cloud's, of no meaning here
  std::string problem;
  auto topic = Template::parse(text, problem);
  if (!topic) settings.refuse("topic", problem);
  const bool is_system = text.starts_with("/sys/");
  const bool is_service = text.find("/thing/service/") != std::string::npos;
  if (!text.empty() && (is_system ? !is_service : text.front() != '/' || text.find("/user/") == std::string::npos))
    settings.refuse("topic",
                    "is one that a device may subscribe to: /PRODUCTKEY/DEVICENAME/user/... or "
                    "/sys/PRODUCTKEY/DEVICENAME/thing/service/property/set");
  if (!text.empty() && (type == 0) != is_system)
    settings.refuse("topicType", "is 0 for /sys/..., 1 for topics of devices' own");
  if (making.only_checks || !settings.ok()) return nullptr;
  return std::make_unique<RepublishSink>(making.around, making.rule_name, std::move(*topic), qos);
}

}  // namespace tercet::sink
