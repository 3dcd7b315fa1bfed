#include "platform/server/config.h"

#include <toml++/toml.h>
#include <fstream>
#include <functional>
#include <map>
#include <set>
#include <sstream>

namespace tercet::server {
namespace {

/// Reads members of one table by name; what is left unread is an unknown key.
class Table {
 public:
  Table(const toml::table& table, std::string path, std::string& problem)
      : table_(table), path_(std::move(path)), problem_(problem) {}

  template <typename T>
  Table& number(const char* key, T& into, std::int64_t low, std::int64_t high) {
    const auto* node = take(key);
    if (node == nullptr) return *this;
    const auto value = node->value_exact<std::int64_t>();
    if (!value || *value < low || *value > high)
      return refuse(*node, key, "a number from " + std::to_string(low) + " to " + std::to_string(high));
    into = static_cast<T>(*value);
    return *this;
  }
  Table& flag(const char* key, bool& into) {
    const auto* node = take(key);
    if (node == nullptr) return *this;
    const auto value = node->value_exact<bool>();
    if (!value) return refuse(*node, key, "true or false");
    into = *value;
    return *this;
  }
  Table& text(const char* key, std::string& into) {
    const auto* node = take(key);
    if (node == nullptr) return *this;
    const auto value = node->value_exact<std::string>();
    if (!value) return refuse(*node, key, "a text in quotes");
    into = *value;
    return *this;
  }
  Table& choice(const char* key, const std::map<std::string, std::function<void()>>& choices) {
    const auto* node = take(key);
    if (node == nullptr) return *this;
    const auto value = node->value_exact<std::string>();
    const auto found = value ? choices.find(*value) : choices.end();
    if (found != choices.end()) {
      found->second();
      return *this;
    }
    std::string allowed = "one of";
    for (const auto& [name, set] : choices) allowed += " \"" + name + "\"";
    return refuse(*node, key, allowed);
  }
  Table& texts(const char* key, std::vector<std::string>& into) {
    const auto* node = take(key);
    if (node == nullptr) return *this;
    const auto* array = node->as_array();
    if (array == nullptr) return refuse(*node, key, "a list of texts");
    for (const auto& item : *array) {
      const auto value = item.value_exact<std::string>();
      if (!value) return refuse(item, key, "a list of texts");
      into.push_back(*value);
    }
    return *this;
  }
  template <typename Read>
  Table& table(const char* key, Read&& read) {
    const auto* node = take(key);
    if (node == nullptr) return *this;
    const auto* inner = node->as_table();
    if (inner == nullptr) return refuse(*node, key, "a table");
    return nested(key, *inner, read);
  }
  template <typename Read>
  Table& tables(const char* key, Read&& read) {
    const auto* node = take(key);
    if (node == nullptr) return *this;
    const auto* array = node->as_array();
    if (array == nullptr) return refuse(*node, key, std::string("tables, written [[") + key + "]]");
    for (const auto& item : *array) {
      if (!item.is_table()) return refuse(item, key, std::string("tables, written [[") + key + "]]");
      nested(key, *item.as_table(), read);
    }
    return *this;
  }
  void no_others() {
    if (!problem_.empty()) return;
    for (const auto& [key, node] : table_) {
      if (known_.contains(std::string(key.str()))) continue;
      std::string names;
      for (const auto& [name, used] : known_) names += " " + name;
      problem_ = path_ + ":" + std::to_string(node.source().begin.line) + ": unknown key '" + std::string(key.str()) +
                 "'; known here:" + names;
      return;
    }
  }

 private:
  const toml::node* take(const char* key) {
    known_[key] = true;
    return problem_.empty() ? table_.get(key) : nullptr;
  }
  Table& refuse(const toml::node& node, const char* key, const std::string& wanted) {
    problem_ = path_ + ":" + std::to_string(node.source().begin.line) + ": " + key + " must be " + wanted;
    return *this;
  }
  template <typename Read>
  Table& nested(const char*, const toml::table& inner, Read&& read) {
    Table child(inner, path_, problem_);
    read(child);
    child.no_others();
    return *this;
  }

  const toml::table& table_;
  std::string path_;
  std::string& problem_;
  std::map<std::string, bool> known_;
};

void read_listener(Table& table, Config& config) {
  ListenerConfig listener;
  table.text("name", listener.name)
      .text("host", listener.host)
      .number("port", listener.port, 0, 65535)
      .flag("allow_plain", listener.allow_plain)
      .flag("anonymous", listener.anonymous)
      .choice("transport", {{"tls", [&] { listener.transport = ListenerConfig::Transport::tls; }},
                            {"sniff", [&] { listener.transport = ListenerConfig::Transport::sniff; }},
                            {"plain", [&] { listener.transport = ListenerConfig::Transport::plain; }}})
      .choice("policy", {{"cloud", [&] { listener.policy = ListenerConfig::Policy::cloud; }},
                         {"standard", [&] { listener.policy = ListenerConfig::Policy::standard; }}})
      .choice("tls_profile", {{"modern", [&] { listener.tls_profile = ListenerConfig::TlsProfile::modern; }},
                              {"compatible", [&] { listener.tls_profile = ListenerConfig::TlsProfile::compatible; }}});
  config.listeners.push_back(listener);
}

bool is_loopback(const std::string& host) { return host == "localhost" || host == "::1" || host.starts_with("127."); }

/// "https://host" or "https://host:port".
bool is_files_url(const std::string& url) {
  constexpr std::string_view kScheme = "https://";
  return url.starts_with(kScheme) && url.size() > kScheme.size() && url.size() <= 300 &&
         url.find_first_of("/?#@\"\\ \t\r\n", kScheme.size()) == std::string::npos;
}

std::string contradiction(const Config& config) {
  for (const auto& listener : config.listeners) {
    const std::string named = "listener '" + listener.name + "': ";
    if (listener.anonymous && (listener.policy != ListenerConfig::Policy::standard || !is_loopback(listener.host)))
      return named + "anonymous is for the standard policy on a loopback address only";
    if (listener.transport == ListenerConfig::Transport::plain && !is_loopback(listener.host) && !listener.allow_plain)
      return named +
             "plain TCP outside loopback shows passwords to the network; use transport = \"tls\", or say "
             "allow_plain = true";
    if (listener.policy == ListenerConfig::Policy::standard && !listener.anonymous && config.users.empty())
      return named + "nobody could log in: add [[user]] with name and password";
  }
  if (!is_loopback(config.http_host) && !config.http_allow_plain)
    return "http: outside loopback the admin password and device secrets would cross the network unencrypted; keep "
           "host "
           "= \"127.0.0.1\" behind a proxy that speaks TLS, or say allow_plain = true";
  if (!config.files_url.empty() && !is_files_url(config.files_url))
    return "files: url '" + config.files_url +
           "' must be https:// and a host, with a port unless it is 443, and no path";
  std::set<std::string> names;
  for (const auto& user : config.users) {
    if (user.name.empty() || user.password.empty())
      return "user: each [[user]] needs a name and a password, both not empty";
    if (!names.insert(user.name).second) return "user: '" + user.name + "' is there twice; give each name once";
  }
  return "";
}

}  // namespace

Config default_config() {
  Config config;
  ListenerConfig tls;
  tls.name = "mqtts";
  tls.port = 8883;
  ListenerConfig any;
  any.name = "mqtt";
  any.port = 1883;
  any.transport = ListenerConfig::Transport::sniff;
  any.tls_profile = ListenerConfig::TlsProfile::compatible;
  config.listeners = {tls, any};
  return config;
}

Config ephemeral_config() {
  using Transport = ListenerConfig::Transport;
  using Policy = ListenerConfig::Policy;
  Config config;
  const auto add = [&config](const char* name, Transport transport, Policy policy) -> ListenerConfig& {
    ListenerConfig listener;
    listener.name = name;
    listener.host = "127.0.0.1";
    listener.transport = transport;
    listener.policy = policy;
    listener.anonymous = policy == Policy::standard;
    config.listeners.push_back(listener);
    return config.listeners.back();
  };
  add("mqtts", Transport::tls, Policy::cloud);
  add("mqtt", Transport::sniff, Policy::cloud).tls_profile = ListenerConfig::TlsProfile::compatible;
  add("plain", Transport::plain, Policy::cloud);
  add("standard", Transport::plain, Policy::standard);
  add("standard-tls", Transport::tls, Policy::standard);
  config.http_port = 0;
  config.files_host = "127.0.0.1";
  config.files_port = 0;
  config.amqp_host = "127.0.0.1";
  config.amqp_port = 0;
  config.device_rate_limits = false;
  config.ephemeral = true;
  return config;
}

bool parse_config(const std::string& text, const std::string& path, Config& config, std::string& problem) {
  toml::table root;
  try {
    root = toml::parse(text, path);
  } catch (const toml::parse_error& bad) {
    problem = path + ":" + std::to_string(bad.source().begin.line) + ": " + std::string(bad.description());
    return false;
  }
  Config read = config;
  if (root.contains("listener")) read.listeners.clear();
  Table table(root, path, problem);
  table.text("data", read.data_dir)
      .number("shards", read.shards, 0, 64)
      .texts("names", read.names)
      .text("log_level", read.log_level)
      .tables("listener", [&read](Table& listener) { read_listener(listener, read); })
      .tables("user",
              [&read](Table& user) {
                StandardUser made;
                user.text("name", made.name).text("password", made.password);
                read.users.push_back(made);
              })
      .table("http",
             [&read](Table& http) {
               http.text("host", read.http_host)
                   .number("port", read.http_port, 0, 65535)
                   .flag("allow_plain", read.http_allow_plain);
             })
      .table("files",
             [&read](Table& files) {
               files.flag("offered", read.files_offered)
                   .text("host", read.files_host)
                   .number("port", read.files_port, 0, 65535)
                   .text("url", read.files_url);
             })
      .table("amqp",
             [&read](Table& amqp) {
               amqp.flag("offered", read.amqp_offered)
                   .text("host", read.amqp_host)
                   .number("port", read.amqp_port, 0, 65535)
                   .number("keep_hours", read.amqp_keep_hours, 1, 24 * 365)
                   .number("again_after_seconds", read.amqp_again_after_seconds, 1, 3600)
                   .number("answer_within_seconds", read.amqp_answer_within_seconds, 1, 3600);
             })
      .table(
          "channels",
          [&read](Table& channels) { channels.flag("https", read.http_channel).flag("web_sockets", read.web_sockets); })
      .table("history",
             [&read](Table& history) {
               history
                   .choice("durability",
                           {{"synced", [&read] { read.synced = true; }}, {"memory", [&read] { read.synced = false; }}})
                   .flag("in_memory", read.history_in_memory)
                   .flag("accept_data_loss", read.accept_data_loss)
                   .number("days", read.history_days, 1, 36500)
                   .number("waiting_bytes", read.waiting_bytes, 1 << 20, std::int64_t{1} << 36);
             })
      .table("limits",
             [&read](Table& limits) {
               limits.flag("device_rates", read.device_rate_limits)
                   .number("device_qos0_per_second", read.device_qos0_per_second, 0, 1'000'000)
                   .number("device_qos1_per_second", read.device_qos1_per_second, 0, 1'000'000)
                   .number("device_down_per_second", read.device_down_per_second, 0, 1'000'000)
                   .number("device_bytes_per_second", read.device_bytes_per_second, 0, 1'000'000'000)
                   .number("device_connects_per_minute", read.device_connects_per_minute, 0, 1'000'000)
                   .number("max_packet_bytes", read.max_packet_bytes, 1024, 268'435'455)
                   .number("max_connections", read.max_connections, 0, 10'000'000)
                   .number("offline_messages", read.offline_messages, 0, 1'000'000)
                   .number("offline_days", read.offline_days, 1, 365)
                   .number("offline_bytes", read.offline_bytes, 1 << 20, std::int64_t{1} << 36)
                   .number("offline_share", read.offline_share, 1, 1'000'000)
                   .number("retained_messages", read.retained_messages, 0, 100'000'000)
                   .number("retained_bytes", read.retained_bytes, 0, std::int64_t{1} << 36)
                   .number("retained_message_bytes", read.retained_message_bytes, 0, 268'435'455)
                   .number("set_reply_timeout_seconds", read.set_reply_timeout_seconds, 1, 3600)
                   .number("bad_logins_per_name", read.bad_logins_per_name, 1, 1'000'000)
                   .number("bad_logins_per_address", read.bad_logins_per_address, 1, 1'000'000);
             })
      .table("rules",
             [&](Table& rules) {
               rules.flag("absolute_paths", read.rule_absolute_paths)
                   .number("queue_records", read.rule_queue_records, 100, 1'000'000'000)
                   .number("queue_bytes", read.rule_queue_bytes, 1 << 20, std::int64_t{1} << 40);
             })
      .no_others();
  if (problem.empty()) problem = contradiction(read);
  if (!problem.empty()) return false;
  config = std::move(read);
  return true;
}

bool load_config(const std::string& path, Config& config, std::string& problem) {
  std::ifstream in(path);
  if (!in) {
    problem = path + ": cannot be read; name an existing file, or leave --config out for the defaults";
    return false;
  }
  std::ostringstream text;
  text << in.rdbuf();
  return parse_config(text.str(), path, config, problem);
}

}  // namespace tercet::server
