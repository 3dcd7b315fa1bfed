#include <librdkafka/rdkafka.h>

#include <atomic>

#include "platform/sink/make.h"
#include "platform/sink/message.h"

namespace tercet::sink {
namespace {

using rule::Sent;

struct KafkaSettings {
  std::vector<std::pair<std::string, std::string>> options;  ///< of librdkafka
  Template topic, key;
  std::optional<Template> body;
};

/// Topics of Kafka's. The producer is idempotent, so that a broker that answers late makes neither doubles nor disorder
/// while this sink lives; a batch counts from its front up to the first record that no broker has confirmed.
class KafkaSink final : public rule::Sink {
 public:
  KafkaSink(KafkaSettings settings, std::string rule_name)
      : settings_(std::move(settings)), rule_name_(std::move(rule_name)) {}
  ~KafkaSink() override { close(); }
  void interrupt() override { is_interrupted_.store(true); }
  std::size_t max_batch() const override { return 5'000; }

  Sent send(std::span<const rule::Queued> records, UnixMillis) override {
    if (producer_ == nullptr)
      if (const std::string problem = open(); !problem.empty()) return {0, Sent::Stop::retry, problem, {}};
    std::vector<rd_kafka_resp_err_t> results(records.size(), RD_KAFKA_RESP_ERR__WAIT_COORD);
    std::size_t count = 0;
    Sent refused{0, Sent::Stop::none, {}, {}};
    for (; count < records.size(); ++count) {
      const Message message(records[count], rule_name_);
      const std::string topic = settings_.topic.text(message), key = settings_.key.text(message);
      std::string body = settings_.body ? settings_.body->json_text(message) : std::string(records[count].result);
      const auto error = produce(topic, key, body, records[count].time, &results[count]);
      if (error == RD_KAFKA_RESP_ERR_NO_ERROR) continue;
      const bool is_never = error == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE || error == RD_KAFKA_RESP_ERR__INVALID_ARG;
      refused = {0, is_never ? Sent::Stop::reject : Sent::Stop::retry, rd_kafka_err2str(error), {}};
      break;
    }
    for (int waited = 0; waited < kLongest && rd_kafka_outq_len(producer_) > 0 && !is_interrupted_.load();
         waited += 100)
      rd_kafka_flush(producer_, 100);
    std::size_t taken = 0;
    while (taken < count && results[taken] == RD_KAFKA_RESP_ERR_NO_ERROR) ++taken;
    if (taken == count) {
      refused.taken = taken;
      if (refused.stop == Sent::Stop::none) refused.taken = records.size();
      return refused;
    }
    const auto error = results[taken];
    const bool is_never = error == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE || error == RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE;
    std::string cause = error == RD_KAFKA_RESP_ERR__WAIT_COORD ? "no broker has answered" : rd_kafka_err2str(error);
    if (!last_error_.empty()) cause += " (" + last_error_ + ")";
    close();  // with what is still under way: it is sent again
    return {taken, is_never ? Sent::Stop::reject : Sent::Stop::retry, std::move(cause), {}};
  }

 private:
  static constexpr int kLongest = 15'000;

  rd_kafka_resp_err_t produce(const std::string& topic, const std::string& key, std::string& body, std::int64_t time,
                              void* result) {
    rd_kafka_vu_t parts[6] = {};
    parts[0].vtype = RD_KAFKA_VTYPE_TOPIC;
    parts[0].u.cstr = topic.c_str();
    parts[1].vtype = RD_KAFKA_VTYPE_KEY;
    parts[1].u.mem.ptr = const_cast<char*>(key.data());
    parts[1].u.mem.size = key.size();
    parts[2].vtype = RD_KAFKA_VTYPE_VALUE;
    parts[2].u.mem.ptr = body.data();
    parts[2].u.mem.size = body.size();
    parts[3].vtype = RD_KAFKA_VTYPE_TIMESTAMP;
    parts[3].u.i64 = time;
    parts[4].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
    parts[4].u.i = RD_KAFKA_MSG_F_COPY;
    parts[5].vtype = RD_KAFKA_VTYPE_OPAQUE;
    parts[5].u.ptr = result;
    rd_kafka_error_t* const error = rd_kafka_produceva(producer_, parts, std::size(parts));
    const auto code = error == nullptr ? RD_KAFKA_RESP_ERR_NO_ERROR : rd_kafka_error_code(error);
    rd_kafka_error_destroy(error);
    return code;
  }

  std::string open() {
    char problem[256] = {};
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    for (const auto& [name, value] : settings_.options)
      if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), problem, sizeof problem) != RD_KAFKA_CONF_OK) {
        rd_kafka_conf_destroy(conf);
        return problem;
      }
    rd_kafka_conf_set_opaque(conf, this);
    rd_kafka_conf_set_dr_msg_cb(conf, [](rd_kafka_t*, const rd_kafka_message_t* message, void*) {
      *static_cast<rd_kafka_resp_err_t*>(message->_private) = message->err;
    });
    rd_kafka_conf_set_error_cb(conf, [](rd_kafka_t*, int, const char* reason, void* self) {
      static_cast<KafkaSink*>(self)->last_error_ = reason;
    });
    rd_kafka_conf_set_log_cb(conf, [](const rd_kafka_t*, int, const char*, const char*) {});
    last_error_.clear();
    producer_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, problem, sizeof problem);
    if (producer_ != nullptr) return {};
    rd_kafka_conf_destroy(conf);
    return problem;
  }

  void close() {
    if (producer_ == nullptr) return;
    rd_kafka_purge(producer_, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_flush(producer_, 1'000);
    rd_kafka_destroy(producer_);
    producer_ = nullptr;
  }

  KafkaSettings settings_;
  std::string rule_name_, last_error_;
  rd_kafka_t* producer_ = nullptr;
  std::atomic<bool> is_interrupted_{false};
};

}  // namespace

std::unique_ptr<rule::Sink> make_kafka(const Making& making, Settings& settings) {
  KafkaSettings made;
  made.options = {{"bootstrap.servers", settings.text("brokers")},
                  {"client.id", "tercet"},
                  {"enable.idempotence", "true"},
                  {"acks", "all"},
                  {"linger.ms", "5"},
                  {"message.timeout.ms", "12000"},
                  {"socket.connection.setup.timeout.ms", "5000"},
                  {"compression.codec", settings.choice("compression", {"none", "gzip", "lz4", "zstd"}, "none")}};
  const bool has_tls = settings.flag_or("tls", false);
  const std::string user = settings.text_or("user", ""), password = settings.text_or("password", "");
  const std::string mechanism = settings.choice("sasl", {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"}, "SCRAM-SHA-256");
  made.options.emplace_back("security.protocol",
                            user.empty() ? (has_tls ? "ssl" : "plaintext") : (has_tls ? "sasl_ssl" : "sasl_plaintext"));
  if (!user.empty()) {
    made.options.emplace_back("sasl.mechanisms", mechanism);
    made.options.emplace_back("sasl.username", user);
    made.options.emplace_back("sasl.password", password);
  }
  if (const std::string ca = settings.text_or("ca_file", ""); !ca.empty())
    made.options.emplace_back("ssl.ca.location", ca);
  const auto parse = [&settings](std::string_view name, std::string_view text) {
    std::string problem;
    auto read = Template::parse(text, problem);
    if (!read) settings.refuse(name, problem);
    return read.value_or(Template{});
  };
  made.topic = parse("topic", settings.text("topic"));
  made.key = parse("key", settings.text_or("key", "${productKey}/${deviceName}"));
  if (settings.has("body")) made.body = parse("body", settings.text("body"));
  if (making.only_checks || !settings.ok()) return nullptr;
  return std::make_unique<KafkaSink>(std::move(made), making.rule_name);
}

}  // namespace tercet::sink
