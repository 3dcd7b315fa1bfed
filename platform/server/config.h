#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace tercet::server {

/// One port and the rules on it.
struct ListenerConfig {
  std::string name;
  std::string host = "0.0.0.0";
  std::uint16_t port = 0;  ///< 0 takes a free one
  enum class Transport : std::uint8_t {
    tls,    ///< TLS only
    sniff,  ///< the first byte decides; plain TCP is refused unless allow_plain
    plain,  ///< TCP without TLS; loopback only unless allow_plain
  } transport = Transport::tls;
  enum class Policy : std::uint8_t { cloud, standard } policy = Policy::cloud;
  enum class TlsProfile : std::uint8_t { modern, compatible } tls_profile = TlsProfile::modern;
  bool allow_plain = false;
  bool anonymous = false;  ///< standard policy on loopback only
};

/// A user of listeners with the standard policy.
struct StandardUser {
  std::string name;
  std::string password;
};

/// Everything `tercet serve` can be told. Defaults are what a first start without a file uses; configuration.md lists
/// them.
struct Config {
  std::string data_dir = ".tercet";
  std::string ready_file;
  bool ephemeral = false;  ///< every listener on 127.0.0.1 and a free port
  unsigned shards = 0;     ///< 0 = one per core
  std::vector<ListenerConfig> listeners;
  std::string http_host = "127.0.0.1";
  bool http_allow_plain = false;  ///< HTTP outside loopback, unencrypted
  std::uint16_t http_port = 8080;
  bool files_offered = true;  ///< HTTPS for devices: configuration files
  std::string files_host = "0.0.0.0";
  std::uint16_t files_port = 8443;
  std::string files_url;  ///< how devices reach that port, "https://iot.example.com:8443"; "" = made of names and port
  bool http_channel = true;        ///< POST /auth and /topic/... on the port for HTTPS
  bool web_sockets = true;         ///< MQTT over WebSocket, on the ports for MQTT and on that for HTTPS
  std::vector<std::string> names;  ///< further host names and addresses for the server certificate
  std::vector<StandardUser> users;

  bool synced = true;                       ///< false: history.durability = "memory"
  bool history_in_memory = false;           ///< nothing of history is kept on disk: for benches
  bool accept_data_loss = false;            ///< opens a damaged store up to the damage, and says so in the log
  std::uint64_t waiting_bytes = 64u << 20;  ///< what may wait for the disk before posts are refused

  bool device_rate_limits = true;  ///< false: none of the five that follow
  std::uint32_t device_qos0_per_second = 30;
  std::uint32_t device_qos1_per_second = 10;
  std::uint32_t device_down_per_second = 50;
  std::uint32_t device_bytes_per_second = 1024 * 1024;
  std::uint32_t device_connects_per_minute = 5;
  std::uint32_t max_packet_bytes = 262'144;
  std::uint32_t max_connections = 0;  ///< 0 = what the file descriptor limit allows
  std::uint32_t offline_messages = 1000;
  std::uint32_t offline_days = 7;
  std::uint64_t offline_bytes = 256u << 20;  ///< per shard
  std::uint32_t offline_share = 8;           ///< one session may keep one eighth of that
  bool amqp_offered = true;                  ///< server-side subscription
  std::string amqp_host = "0.0.0.0";
  std::uint16_t amqp_port = 5671;
  std::uint32_t amqp_keep_hours = 24;             ///< messages that no consumer has taken
  std::uint32_t amqp_again_after_seconds = 60;    ///< a message that a consumer has given back
  std::uint32_t amqp_answer_within_seconds = 60;  ///< then it is delivered again
  bool rule_absolute_paths = false;               ///< actions may write any file of this machine
  std::uint64_t rule_queue_records = 1'000'000;
  std::uint64_t rule_queue_bytes = std::uint64_t{1} << 30;
  std::uint64_t retained_messages = 100'000;
  std::uint64_t retained_bytes = 64u << 20;
  std::uint64_t retained_message_bytes = 256 * 1024;
  std::uint32_t history_days = 30;
  std::uint32_t set_reply_timeout_seconds = 30;
  std::uint32_t bad_logins_per_name = 5;      ///< within a minute, before answers are delayed
  std::uint32_t bad_logins_per_address = 20;  ///< the same
  std::string log_level = "info";
};

/// The defaults: 8883 TLS, 1883 TLS for old clients with plain TCP refused, 8080 for people on loopback.
Config default_config();

/// For tests: loopback and free ports; mqtts (TLS), mqtt (sniffing, compatible), plain (devices without TLS), standard
/// and standard-tls (anonymous MQTT); device rates off.
Config ephemeral_config();

/// Reads a TOML file over the defaults. Unknown keys, wrong types and values out of range are refused: `problem` has
/// file, line, what is wrong and what is allowed.
bool load_config(const std::string& path, Config& config, std::string& problem);
bool parse_config(const std::string& text, const std::string& path, Config& config, std::string& problem);

}  // namespace tercet::server
