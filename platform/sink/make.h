#pragma once
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/rule/destinations.h"
#include "platform/rule/sink.h"
#include "platform/sink/settings.h"

namespace tercet::sink {

/// What targets need of the platform that they are part of. Outlives them.
struct Surroundings {
  /// Where files with relative names go: `sinks/` in the data folder.
  std::filesystem::path folder;
  bool absolute_paths = false;  ///< whether a configuration may name any file of this machine
  /// Publishes in the platform's own name; blocks until the broker has it. False: it has no room now. Any thread.
  std::function<bool(std::string topic, std::string payload, std::uint8_t qos)> publish;
};

/// How one sink is made.
struct Making {
  const Surroundings& around;
  std::string rule_name;
  std::uint64_t action = 0;  ///< its number
  bool only_checks = false;  ///< the configuration is looked at, and nothing is made
  /// Where a file of that name is; empty: it may not be used.
  std::filesystem::path place(const std::string& name) const;
};

/// The target of an action. Without a sink `problem` says what is wrong with the configuration. Every configuration may
/// hold `delivery`: {"per_second", "first_pause_ms", "longest_pause_ms", "give_up_after_hours", "max_dead"}.
rule::Target make_target(const Surroundings& around, const rule::ActionRecord& action, std::string& problem);
/// What is wrong with a configuration; nothing when it will do. Reaches for no network and makes no file.
std::optional<std::string> check(const Surroundings& around, std::string_view type, std::string_view configuration);
/// The types of actions there are, in alphabetical order.
std::vector<std::string_view> types();

// One function per type, each in the file of its sink. Null when only checking, or with a problem in settings.
std::unique_ptr<rule::Sink> make_file(const Making& making, Settings& settings);
std::unique_ptr<rule::Sink> make_http(const Making& making, Settings& settings);
std::unique_ptr<rule::Sink> make_postgres(const Making& making, Settings& settings);
std::unique_ptr<rule::Sink> make_republish(const Making& making, Settings& settings);
std::unique_ptr<rule::Sink> make_sqlite(const Making& making, Settings& settings);
std::unique_ptr<rule::Sink> make_wecom(const Making& making, Settings& settings);
std::unique_ptr<rule::Sink> make_dingtalk(const Making& making, Settings& settings);
std::unique_ptr<rule::Sink> make_feishu(const Making& making, Settings& settings);
std::unique_ptr<rule::Sink> make_wechat(const Making& making, Settings& settings);
std::unique_ptr<rule::Sink> make_mariadb(const Making& making, Settings& settings);
std::unique_ptr<rule::Sink> make_kafka(const Making& making, Settings& settings);
std::unique_ptr<rule::Sink> make_nats(const Making& making, Settings& settings);
std::unique_ptr<rule::Sink> make_mqtt(const Making& making, Settings& settings);
std::unique_ptr<rule::Sink> make_mail(const Making& making, Settings& settings);
std::unique_ptr<rule::Sink> make_influx(const Making& making, Settings& settings);

}  // namespace tercet::sink
