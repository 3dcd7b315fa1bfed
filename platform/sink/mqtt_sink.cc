#include <MQTTClient.h>

#include <atomic>
#include <mutex>

#include "platform/sink/make.h"
#include "platform/sink/message.h"
#include "tercet/mqtt/topic.h"

namespace tercet::sink {
namespace {

using rule::Sent;

struct MqttSettings {
  std::string url, client_id, user, password, ca_file;
  Template topic;
  std::optional<Template> body;
  int qos = 1;
  bool retain = false;
};

/// Topics of another MQTT broker. A record of QoS 1 counts when the broker has acknowledged it.
class MqttSink final : public rule::Sink {
 public:
  MqttSink(MqttSettings settings, std::string rule_name)
      : settings_(std::move(settings)), rule_name_(std::move(rule_name)) {
    static std::once_flag once;
    std::call_once(once, [] {
      MQTTClient_init_options options = MQTTClient_init_options_initializer;
      options.do_openssl_init = 1;
      MQTTClient_global_init(&options);
    });
  }
  ~MqttSink() override { close(); }
  void interrupt() override { is_interrupted_.store(true); }
  std::size_t max_batch() const override { return 100; }

  Sent send(std::span<const rule::Queued> records, UnixMillis) override {
    if (is_interrupted_.load()) return {0, Sent::Stop::retry, "the platform is stopping", {}};
    if (client_ == nullptr || MQTTClient_isConnected(client_) == 0) {
      close();
      if (const std::string problem = open(); !problem.empty()) {
        close();
        return {0, Sent::Stop::retry, problem, {}};
      }
    }
    std::vector<MQTTClient_deliveryToken> tokens;
    Sent refused{0, Sent::Stop::none, {}, {}};
    for (const rule::Queued& record : records) {
      const Message message(record, rule_name_);
      const std::string topic = settings_.topic.text(message);
      if (!mqtt::is_valid_topic(topic)) {
        refused = {0, Sent::Stop::reject, "no topic comes of the message: " + topic.substr(0, 100), {}};
        break;
      }
      const std::string body = settings_.body ? settings_.body->json_text(message) : std::string(record.result);
      MQTTClient_deliveryToken token = 0;
      const int code = MQTTClient_publish(client_, topic.c_str(), static_cast<int>(body.size()), body.data(),
                                          settings_.qos, settings_.retain ? 1 : 0, &token);
      if (code != MQTTCLIENT_SUCCESS) {
        refused = {0, Sent::Stop::retry, "the connection was lost", {}};
        break;
      }
      tokens.push_back(token);
    }
    std::size_t taken = 0;
    while (taken < tokens.size() && (settings_.qos == 0 || is_acknowledged(tokens[taken]))) ++taken;
    if (taken < tokens.size()) {
      close();
      return {taken, Sent::Stop::retry, "the broker did not acknowledge in time", {}};
    }
    refused.taken = taken;
    if (refused.stop == Sent::Stop::retry) close();
    return refused;
  }

 private:
  bool is_acknowledged(MQTTClient_deliveryToken token) {
    constexpr unsigned long kLongest = 10'000;
    return MQTTClient_waitForCompletion(client_, token, kLongest) == MQTTCLIENT_SUCCESS;
  }

  std::string open() {
    if (MQTTClient_create(&client_, settings_.url.c_str(), settings_.client_id.c_str(), MQTTCLIENT_PERSISTENCE_NONE,
                          nullptr) != MQTTCLIENT_SUCCESS) {
      client_ = nullptr;
      return "no client can be made for " + settings_.url;
    }
    MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer;
    options.keepAliveInterval = 30;
    options.cleansession = 1;
    options.connectTimeout = 10;
    options.maxInflightMessages = 100;
    if (!settings_.user.empty()) options.username = settings_.user.c_str();
    if (!settings_.password.empty()) options.password = settings_.password.c_str();
    MQTTClient_SSLOptions tls = MQTTClient_SSLOptions_initializer;
    tls.enableServerCertAuth = 1;
    tls.verify = 1;
    tls.CApath = settings_.ca_file.empty() ? "/etc/ssl/certs" : nullptr;
    if (!settings_.ca_file.empty()) tls.trustStore = settings_.ca_file.c_str();
    if (settings_.url.starts_with("ssl://")) options.ssl = &tls;
    const int code = MQTTClient_connect(client_, &options);
    if (code == MQTTCLIENT_SUCCESS) return {};
    switch (code) {
      case 1:
      case 2:
        return "the broker does not take the protocol version or client id";
      case 4:
      case 5:
        return "the broker refuses user and password";
      default:
        return settings_.url + " cannot be reached";
    }
  }

  void close() {
    if (client_ == nullptr) return;
    MQTTClient_disconnect(client_, 0);
    MQTTClient_destroy(&client_);
    client_ = nullptr;
  }

  MqttSettings settings_;
  std::string rule_name_;
  MQTTClient client_ = nullptr;
  std::atomic<bool> is_interrupted_{false};
};

}  // namespace

std::unique_ptr<rule::Sink> make_mqtt(const Making& making, Settings& settings) {
  MqttSettings made;
  const std::string url = settings.text("url");
  if (url.starts_with("mqtts://"))
    made.url = "ssl://" + url.substr(8);
  else if (url.starts_with("mqtt://"))
    made.url = "tcp://" + url.substr(7);
  else if (!url.empty())
    settings.refuse("url", "begins with mqtt:// or mqtts://, and has a host and a port");
  made.client_id = settings.text_or("client_id", "tercet-rule-" + std::to_string(making.action));
  made.user = settings.text_or("user", "");
  made.password = settings.text_or("password", "");
  made.ca_file = settings.text_or("ca_file", "");
  made.qos = static_cast<int>(settings.number_or("qos", 1, 0, 1));
  made.retain = settings.flag_or("retain", false);
  const auto parse = [&settings](std::string_view name, std::string_view text) {
    std::string problem;
    auto read = Template::parse(text, problem);
    if (!read) settings.refuse(name, problem);
    return read.value_or(Template{});
  };
  made.topic = parse("topic", settings.text("topic"));
  if (settings.has("body")) made.body = parse("body", settings.text("body"));
  if (making.only_checks || !settings.ok()) return nullptr;
  return std::make_unique<MqttSink>(std::move(made), making.rule_name);
}

}  // namespace tercet::sink
