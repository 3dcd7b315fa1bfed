// A cluster of librdkafka's own mock brokers, and a consumer that prints what comes: "ready HOST:PORT,..." first, then
// a line per message, "KEY VALUE", and "did COMMAND". Commands on standard input: "down", "up", "consume TOPIC",
// "quit".
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <poll.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <string>

namespace {

rd_kafka_t* make(rd_kafka_type_t type, const std::string& brokers) {
  char problem[256];
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  if (!brokers.empty()) rd_kafka_conf_set(conf, "bootstrap.servers", brokers.c_str(), problem, sizeof problem);
  if (type == RD_KAFKA_CONSUMER) {
    rd_kafka_conf_set(conf, "group.id", "test", problem, sizeof problem);
    rd_kafka_conf_set(conf, "auto.offset.reset", "earliest", problem, sizeof problem);
    rd_kafka_conf_set(conf, "topic.metadata.refresh.interval.ms", "200", problem, sizeof problem);
  }
  rd_kafka_conf_set_log_cb(conf, [](const rd_kafka_t*, int, const char*, const char*) {});
  return rd_kafka_new(type, conf, problem, sizeof problem);
}

}  // namespace

int main() {
  constexpr int kBrokers = 2;
  rd_kafka_t* owner = make(RD_KAFKA_PRODUCER, "");
  rd_kafka_mock_cluster_t* cluster = rd_kafka_mock_cluster_new(owner, kBrokers);
  const std::string brokers = rd_kafka_mock_cluster_bootstraps(cluster);
  std::printf("ready %s\n", brokers.c_str());
  std::fflush(stdout);
  rd_kafka_t* consumer = nullptr;
  for (bool runs = true; runs;) {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    if (::poll(&input, 1, consumer == nullptr ? 100 : 0) > 0) {
      std::string line;
      if (!std::getline(std::cin, line) || line == "quit") runs = false;
      for (int broker = 1; broker <= kBrokers; ++broker) {
        if (line == "down") rd_kafka_mock_broker_set_down(cluster, broker);
        if (line == "up") rd_kafka_mock_broker_set_up(cluster, broker);
      }
      std::printf("did %s\n", line.c_str());
      std::fflush(stdout);
      if (line.rfind("consume ", 0) == 0) {
        rd_kafka_mock_topic_create(cluster, line.c_str() + 8, 1, 1);
        consumer = make(RD_KAFKA_CONSUMER, brokers);
        rd_kafka_poll_set_consumer(consumer);
        rd_kafka_topic_partition_list_t* topics = rd_kafka_topic_partition_list_new(1);
        rd_kafka_topic_partition_list_add(topics, line.c_str() + 8, 0);
        rd_kafka_topic_partition_list_set_offset(topics, line.c_str() + 8, 0, RD_KAFKA_OFFSET_BEGINNING);
        rd_kafka_assign(consumer, topics);
        rd_kafka_topic_partition_list_destroy(topics);
      }
    }
    if (consumer == nullptr) continue;
    rd_kafka_message_t* message = rd_kafka_consumer_poll(consumer, 100);
    if (message == nullptr) continue;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      std::printf("%.*s %.*s\n", static_cast<int>(message->key_len), static_cast<const char*>(message->key),
                  static_cast<int>(message->len), static_cast<const char*>(message->payload));
      std::fflush(stdout);
    }
    rd_kafka_message_destroy(message);
  }
  if (consumer != nullptr) rd_kafka_destroy(consumer);
  rd_kafka_mock_cluster_destroy(cluster);
  rd_kafka_destroy(owner);
  return 0;
}
