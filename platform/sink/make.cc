#include "platform/sink/make.h"

#include <array>

namespace tercet::sink {
namespace {

struct Kind {
  std::string_view type;
  std::unique_ptr<rule::Sink> (*make)(const Making& making, Settings& settings);
};

constexpr std::array kKinds{
    Kind{"DINGTALK", make_dingtalk}, Kind{"FEISHU", make_feishu},       Kind{"FILE", make_file},
    Kind{"HTTP", make_http},         Kind{"INFLUXDB", make_influx},     Kind{"KAFKA", make_kafka},
    Kind{"MAIL", make_mail},         Kind{"MARIADB", make_mariadb},     Kind{"MQTT", make_mqtt},
    Kind{"NATS", make_nats},         Kind{"POSTGRESQL", make_postgres}, Kind{"REPUBLISH", make_republish},
    Kind{"SQLITE", make_sqlite},     Kind{"WECHAT", make_wechat},       Kind{"WECOM", make_wecom},
};

/// What the cloud has and this platform does not reach, and what does the same here.
struct Foreign {
  std::string_view type, instead;
};
constexpr std::array kForeign{
    Foreign{"OTS", "POSTGRESQL or SQLITE"},
    Foreign{"RDS", "MARIADB or POSTGRESQL"},
    Foreign{"MNS", "NATS or HTTP"},
    Foreign{"FC", "HTTP"},
    Foreign{"ONS", "KAFKA or NATS"},
    Foreign{"DATAHUB", "KAFKA"},
    Foreign{"TSDB", "INFLUXDB"},
};

const Kind* find_kind(std::string_view type) {
  for (const Kind& kind : kKinds)
    if (kind.type == type) return &kind;
  return nullptr;
}

rule::PumpSettings read_delivery(Settings& settings) {
  rule::PumpSettings made;
  const auto* part = settings.object("delivery");
  if (part == nullptr) return made;
  Settings given(settings, "delivery", *part);
  made.per_second = static_cast<std::uint32_t>(given.number_or("per_second", 0, 0, 1'000'000));
  made.first_pause = Millis{given.number_or("first_pause_ms", made.first_pause.count(), 10, 60'000)};
  made.longest_pause = Millis{given.number_or("longest_pause_ms", made.longest_pause.count(), 10, 3'600'000)};
  made.give_up_after = std::chrono::hours{given.number_or("give_up_after_hours", 24 * 7, 1, 24 * 365)};
  made.max_dead = static_cast<std::uint64_t>(given.number_or("max_dead", 10'000, 1, 1'000'000));
  given.finish();
  return made;
}

std::string unknown(std::string_view type) {
  for (const Foreign& one : kForeign)
    if (one.type == type)
      return "actions of the type " + std::string(type) + " reach a service of the cloud's that is not here; " +
             std::string(one.instead) + " does the same";
  std::string known;
  for (const Kind& kind : kKinds) known.append(known.empty() ? "" : ", ").append(kind.type);
  return "there is no action of the type " + std::string(type.substr(0, 40)) + "; there are " + known;
}

}  // namespace

std::vector<std::string_view> types() {
  std::vector<std::string_view> all;
  for (const Kind& kind : kKinds) all.push_back(kind.type);
  return all;
}

std::filesystem::path Making::place(const std::string& name) const {
  const std::filesystem::path given(name);
  if (given.is_absolute()) return around.absolute_paths ? given : std::filesystem::path{};
  for (const auto& part : given)
    if (part == "..") return {};
  return around.folder / given;
}

rule::Target make_target(const Surroundings& around, const rule::ActionRecord& action, std::string& problem) {
  rule::Target made;
  const Kind* kind = find_kind(action.type);
  if (kind == nullptr) {
    problem = unknown(action.type);
    return made;
  }
  Settings settings(action.configuration);
  made.settings = read_delivery(settings);
  made.sink = kind->make(Making{around, action.rule_name, action.id, false}, settings);
  if (!settings.ok()) made.sink.reset();
  problem = settings.problem();
  return made;
}

std::optional<std::string> check(const Surroundings& around, std::string_view type, std::string_view configuration) {
  const Kind* kind = find_kind(type);
  if (kind == nullptr) return unknown(type);
  Settings settings(configuration);
  read_delivery(settings);
  static_cast<void>(kind->make(Making{around, {}, 0, true}, settings));
  settings.finish();
  if (settings.ok()) return std::nullopt;
  return settings.problem();
}

}  // namespace tercet::sink
