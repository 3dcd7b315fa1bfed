#include "platform/server/rule_engine.h"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <future>

#include "platform/runtime/log.h"
#include "platform/runtime/shard_set.h"

namespace tercet::server {
namespace {

/// A real thread with a real loop.
class EpollThread final : public rule::LoopThread {
 public:
  static std::unique_ptr<rule::LoopThread> start(const std::string& name) {
    auto loop = runtime::EpollLoop::open();
    if (!loop) return nullptr;
    return std::unique_ptr<rule::LoopThread>(new EpollThread(std::move(*loop), name));
  }
  ~EpollThread() override {
    loop_->stop();
    thread_.join();
  }
  runtime::Loop& loop() override { return *loop_; }

 private:
  EpollThread(std::unique_ptr<runtime::EpollLoop> loop, const std::string& name)
      : loop_(std::move(loop)), thread_(runtime::run_in_thread(*loop_, name)) {}
  std::unique_ptr<runtime::EpollLoop> loop_;
  std::thread thread_;
};

/// The configuration of an action that sends to a consumer group.
struct GroupAction {
  std::string group, tag, problem;
};
GroupAction read_group_action(std::string_view configuration) {
  namespace json = boost::json;
  GroupAction out;
  boost::system::error_code wrong;
  const json::value root = json::parse(json::string_view(configuration.data(), configuration.size()), wrong);
  out.problem = R"(the configuration of an AMQP action is {"groupId":"...","tag":"..."}; the tag may be left out)";
  if (wrong || !root.is_object()) return out;
  for (const auto& member : root.get_object()) {
    if (member.key() != "groupId" && member.key() != "tag") return out;
    if (!member.value().is_string()) return out;
    (member.key() == "tag" ? out.tag : out.group) = member.value().get_string();
  }
  constexpr std::size_t kMostTag = 128;
  if (out.group.empty()) return out;
  out.problem = out.tag.size() > kMostTag ? "a tag has at most 128 characters" : "";
  return out;
}
constexpr std::string_view kToGroup = "AMQP";

/// The device that a topic is of: `/{pk}/{dn}/...` or `/sys/{pk}/{dn}/...`.
std::string home_of(std::string_view topic) {
  if (topic.starts_with("/sys/")) topic.remove_prefix(4);
  const std::size_t product = topic.find('/', 1);
  if (product == std::string_view::npos) return std::string(topic);
  const std::size_t device = std::min(topic.find('/', product + 1), topic.size());
  return broker::device_key(topic.substr(1, product - 1), topic.substr(product + 1, device - product - 1));
}

}  // namespace

runtime::Outcome<std::unique_ptr<RuleEngine>> RuleEngine::open(const DataDir& data, const Parts& parts) {
  std::unique_ptr<RuleEngine> engine(new RuleEngine(parts));
  RuleEngine* const self = engine.get();
  self->around_.folder = data.file("sinks");
  self->around_.absolute_paths = parts.config.rule_absolute_paths;
  self->around_.publish = [self](std::string topic, std::string payload, std::uint8_t qos) {
    return self->publish(std::move(topic), std::move(payload), qos);
  };
  rule::Destinations::Wiring wiring{parts.management,
                                    parts.shards,
                                    parts.store,
                                    [self](const rule::ActionRecord& action, std::string& problem) {
                                      return sink::make_target(self->around_, action, problem);
                                    },
                                    EpollThread::start,
                                    {parts.config.rule_queue_records, parts.config.rule_queue_bytes, 100'000}};
  self->destinations_ = std::make_unique<rule::Destinations>(std::move(wiring));
  if (const auto loaded = self->destinations_->load([&parts](std::size_t shard, std::uint64_t device) {
        return parts.directories[shard]->device(device) != nullptr;
      });
      !loaded)
    return runtime::Problem{loaded.error(), "what rules remember of devices cannot be read from " +
                                                data.file("stream").string() + " (" +
                                                std::string(name(loaded.error())) + "); restore it from a backup"};
  self->keep_tags();
  auto key = data.master_key();
  if (!key) return key.problem();
  auto rules = rule::Rules::open(
      data.file("rules.db"), std::move(*key),
      {parts.management,
       [self](std::string_view product) { return self->parts_.registry.product(product).has_value(); },
       [self](std::string_view type, std::string_view configuration) {
         return type == kToGroup ? self->check_group(configuration) : sink::check(self->around_, type, configuration);
       },
       [self] { self->apply(); }});
  if (!rules) return rules.problem();
  self->rules_ = std::move(*rules);
  auto groups = subscription::Groups::open(
      data.file("subscriptions.db"),
      {parts.management,
       [self](std::string_view product) { return self->parts_.registry.product(product).has_value(); },
       [self](std::string_view group) { return self->is_used(group); }, [self] { self->apply(); }});
  if (!groups) return groups.problem();
  self->groups_ = std::move(*groups);
  return engine;
}

void RuleEngine::keep_tags() {
  for (std::size_t i = 0; i < parts_.shards.count(); ++i) {
    tags_.push_back(std::make_unique<Tags>());
    destinations_->outlet(i).look_up_attributes(
        [all = tags_.back().get()](std::uint64_t device, std::string_view key) -> std::string_view {
          const auto found = all->find(device);
          if (found == all->end()) return {};
          const auto tag = found->second.find(key);
          return tag == found->second.end() ? std::string_view{} : std::string_view(tag->second);
        });
  }
  parts_.registry.each_tag([this](const registry::Device& device, const registry::Tag& tag) {
    const std::size_t shard = parts_.shards.home_of(broker::device_key(device.product, device.name));
    (*tags_[shard])[device.number][tag.key] = tag.value;
  });
  parts_.registry.listen_to_tags([this](std::uint64_t number, const std::vector<registry::Tag>& changed) {
    const auto device = parts_.registry.device(number);
    if (!device) return;
    const std::size_t shard = parts_.shards.home_of(broker::device_key(device->device.product, device->device.name));
    parts_.shards.loop(shard).post([all = tags_[shard].get(), number, changed] {
      for (const registry::Tag& tag : changed) {
        if (tag.is_system) continue;
        if (tag.value.empty())
          (*all)[number].erase(tag.key);
        else
          (*all)[number][tag.key] = tag.value;
      }
    });
  });
}

std::optional<std::string> RuleEngine::check_group(std::string_view configuration) {
  const GroupAction read = read_group_action(configuration);
  if (!read.problem.empty()) return read.problem;
  if (const auto group = groups_->group(read.group); !group) return group.problem().detail;
  return std::nullopt;
}

bool RuleEngine::is_used(std::string_view group) {
  for (const rule::ActionRecord& action : rules_->all_actions())
    if (action.type == kToGroup && read_group_action(action.configuration).group == group) return true;
  return false;
}

/// A rule that sends to a consumer group puts its results straight into the group's queue.
void RuleEngine::apply() {
  rule::Destinations::Running running;
  running.rules = rules_->running();
  running.actions = rules_->running_actions();
  running.revisions = rules_->revisions();
  running.destinations = rules_->action_ids();
  running.subscriptions = groups_->subscriptions();
  std::vector<std::uint64_t> groups;
  for (const subscription::Group& group : groups_->all()) {
    groups.push_back(group.destination());
    running.destinations.insert(group.destination());
  }
  std::vector<subscription::AmqpServer::RuleTag> tags;
  for (rule::ActionRecord& action : running.actions) {
    if (action.type != kToGroup) continue;
    const GroupAction read = read_group_action(action.configuration);
    const auto group = groups_->group(read.group);
    if (!group) continue;  // its records stay in its own queue
    action.queue = group->destination();
    tags.push_back({action.rule, action.queue, read.tag});
    for (rule::RunningRule& rule : running.rules)
      for (std::uint64_t& destination : rule.destinations)
        if (destination == action.id) destination = action.queue;
  }
  if (use_groups_) use_groups_(std::move(groups), std::move(tags));
  destinations_->run(std::move(running));
}

/// From a target's thread. The shard's broker takes it, or is too busy for half a second.
bool RuleEngine::publish(std::string topic, std::string payload, std::uint8_t qos) {
  const std::size_t shard = parts_.shards.home_of(home_of(topic));
  auto done = std::make_shared<std::promise<void>>();
  auto future = done->get_future();
  const bool is_posted =
      parts_.shards.loop(shard).post([this, shard, topic = std::move(topic), payload = std::move(payload), qos, done] {
        publish_(shard, topic, as_bytes(payload), qos);
        done->set_value();
      });
  return is_posted && future.wait_for(Seconds{5}) == std::future_status::ready;
}

void RuleEngine::stop() {
  auto done = std::make_shared<std::promise<void>>();
  auto future = done->get_future();
  if (!parts_.management.post([this, done] { destinations_->stop([done] { done->set_value(); }); })) return;
  constexpr Seconds kLongestSend{45};
  if (future.wait_for(kLongestSend) != std::future_status::ready)
    runtime::log(runtime::LogLevel::warning, "rules_slow_to_stop", {});
}

}  // namespace tercet::server
