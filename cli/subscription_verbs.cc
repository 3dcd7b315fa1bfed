#include <CLI/CLI.hpp>
#include <atomic>
#include <boost/json.hpp>
#include <chrono>
#include <csignal>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>

#include "cli/consumer.h"
#include "cli/manage.h"
#include "cli/perform.h"
#include "cli/verbs.h"

/// Server-side subscription: `tercet consumers`, `tercet subscription`, `tercet consume`.
namespace tercet::cli {
namespace {

using Parameters = std::map<std::string, std::string>;

struct Words {
  std::string group, name, product;
  std::vector<std::string> groups, kinds;
  int page = 1;
};

/// What `--of` names, and the flag of CreateSubscribeRelation.
struct KindOfMessage {
  const char* word;
  const char* flag;
};
constexpr KindOfMessage kKinds[] = {{"data", "DeviceDataFlag"},
                                    {"history", "ThingHistoryFlag"},
                                    {"status", "DeviceStatusChangeFlag"},
                                    {"lifecycle", "DeviceLifeCycleFlag"},
                                    {"tags", "DeviceTagFlag"},
                                    {"topology", "DeviceTopoLifeCycleFlag"},
                                    {"found", "FoundDeviceListFlag"},
                                    {"ota", "OtaEventFlag"},
                                    {"ota-version", "OtaVersionFlag"},
                                    {"ota-job", "OtaJobFlag"},
                                    {"shadow", "ShadowFlag"}};

void add_consumers(CLI::App& app, Verbs& verbs) {
  CLI::App* consumers = app.add_subcommand("consumers", "groups of programs that get devices' messages over AMQP");
  consumers->require_subcommand(1);

  CLI::App* create = verb_of(*consumers, verbs, "create", "make a consumer group; prints its GroupId");
  auto made = std::make_shared<Words>();
  create->add_option("name", made->name, "4 to 30 letters, digits or _")->required();
  create->callback([&verbs, made] { perform(verbs, {"CreateConsumerGroup", {{"GroupName", made->name}}, "", {}}); });

  CLI::App* list = verb_of(*consumers, verbs, "list", "consumer groups, newest first");
  auto listed = std::make_shared<Words>();
  list->add_option("--name", listed->name, "a part of the name");
  list->add_option("--page", listed->page, "page, from 1");
  list->callback([&verbs, listed] {
    perform(verbs, {"QueryConsumerGroupList",
                    {{"CurrentPage", std::to_string(listed->page)},
                     {"PageSize", "50"},
                     {"GroupName", listed->name},
                     {"Fuzzy", "true"}},
                    "Data.ConsumerGroupDTO",
                    {"GroupId", "GroupName", "CreateTime"}});
  });

  struct Simple {
    const char* name;
    const char* what;
    const char* action;
  };
  for (const Simple& one : {Simple{"status", "what waits, how fast it is taken", "QueryConsumerGroupStatus"},
                            Simple{"delete", "delete a group", "DeleteConsumerGroup"},
                            Simple{"reset", "drop what waits for a group", "ResetConsumerGroupPosition"}}) {
    CLI::App* verb = verb_of(*consumers, verbs, one.name, one.what);
    auto words = std::make_shared<Words>();
    verb->add_option("group", words->group, "GroupId")->required();
    verb->callback([&verbs, words, action = one.action] {
      perform(verbs, {action, {{"GroupId", words->group}}, "", {}});
    });
  }

  CLI::App* clients = verb_of(*consumers, verbs, "clients", "the consumers of a group that are connected");
  auto shown = std::make_shared<Words>();
  clients->add_option("group", shown->group, "GroupId")->required();
  clients->callback([&verbs, shown] {
    perform(verbs, {"QueryConsumerGroupStatus",
                    {{"GroupId", shown->group}},
                    "ClientConnectionStatusList.ConsumerGroupClientConnectionInfo",
                    {"ClientId", "ClientIpPort", "RealTimeConsumeCountPerMinute", "AccumulatedConsumeCountPerMinute"}});
  });

  CLI::App* rename = verb_of(*consumers, verbs, "rename", "give a group another name");
  auto renamed = std::make_shared<Words>();
  rename->add_option("group", renamed->group, "GroupId")->required();
  rename->add_option("name", renamed->name, "the new name")->required();
  rename->callback([&verbs, renamed] {
    perform(verbs, {"UpdateConsumerGroup", {{"GroupId", renamed->group}, {"NewGroupName", renamed->name}}, "", {}});
  });
}

void add_relation(CLI::App& parent, Verbs& verbs, const char* name, const char* what, const char* action) {
  CLI::App* verb = verb_of(parent, verbs, name, what);
  auto words = std::make_shared<Words>();
  words->groups = {"DEFAULT_GROUP"};
  words->kinds = {"data"};
  verb->add_option("product", words->product, "ProductKey")->required();
  verb->add_option("--group", words->groups, "GroupIds that get a copy each (DEFAULT_GROUP)");
  std::vector<std::string> known;
  for (const KindOfMessage& one : kKinds) known.emplace_back(one.word);
  verb->add_option("--of", words->kinds,
                   "kinds of messages (data): data, history, status, lifecycle, tags, topology, found, ota, "
                   "ota-version, ota-job")
      ->delimiter(',')
      ->check(CLI::IsMember(known));
  verb->callback([&verbs, words, action] {
    Parameters parameters{{"ProductKey", words->product}, {"Type", "AMQP"}};
    for (std::size_t i = 0; i < words->groups.size(); ++i)
      parameters["ConsumerGroupIds." + std::to_string(i + 1)] = words->groups[i];
    for (const KindOfMessage& one : kKinds)
      for (const std::string& word : words->kinds)
        if (word == one.word) parameters[one.flag] = "true";
    perform(verbs, {action, parameters, "", {}});
  });
}

void add_subscription(CLI::App& app, Verbs& verbs) {
  CLI::App* subscription = app.add_subcommand("subscription", "which of a product's messages consumer groups get");
  subscription->require_subcommand(1);
  add_relation(*subscription, verbs, "create", "subscribe a product", "CreateSubscribeRelation");
  add_relation(*subscription, verbs, "update", "put another subscription in its place", "UpdateSubscribeRelation");
  struct Simple {
    const char* name;
    const char* what;
    const char* action;
  };
  for (const Simple& one : {Simple{"show", "a product's subscription", "QuerySubscribeRelation"},
                            Simple{"delete", "end a product's subscription", "DeleteSubscribeRelation"}}) {
    CLI::App* verb = verb_of(*subscription, verbs, one.name, one.what);
    auto words = std::make_shared<Words>();
    verb->add_option("product", words->product, "ProductKey")->required();
    verb->callback([&verbs, words, action = one.action] {
      perform(verbs, {action, {{"ProductKey", words->product}, {"Type", "AMQP"}}, "", {}});
    });
  }
}

std::atomic<bool> is_interrupted{false};

/// Fills what was not given from the ready file of a running platform.
bool complete(Verbs& verbs, std::string& url, ConsumeOptions& options) {
  ApiAccess access;
  if (!url.empty() && !verbs.access_key_id.empty() && !verbs.access_key_secret.empty()) {
    options.access_key_id = verbs.access_key_id;
    options.access_key_secret = verbs.access_key_secret;
  } else {
    if (!reach(verbs, access)) return false;
    options.access_key_id = access.access_key_id;
    options.access_key_secret = access.access_key_secret;
  }
  if (url.empty()) {
    const char* const home = std::getenv("HOME");
    const char* const named = std::getenv("TERCET_READY");
    for (const std::string& path :
         {verbs.ready_file, std::string(named == nullptr ? "" : named), std::string(".tercet/ready.json"),
          std::string(home == nullptr ? "" : home) + "/.tercet/ready.json"}) {
      std::ifstream in(path);
      if (path.empty() || !in) continue;
      std::ostringstream all;
      all << in.rdbuf();
      boost::system::error_code wrong;
      const auto value = boost::json::parse(all.str(), wrong);
      if (wrong || !value.is_object()) continue;
      const auto text = [&value](const char* name) {
        const auto* found = value.get_object().if_contains(name);
        return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string{};
      };
      url = text("amqp");
      if (options.ca_file.empty()) options.ca_file = text("ca");
      break;
    }
  }
  std::string_view rest = url;
  if (rest.starts_with("amqps://")) rest.remove_prefix(8);
  const std::size_t colon = rest.rfind(':');
  options.host = rest.substr(0, colon);
  if (options.host.starts_with('[') && options.host.ends_with(']'))
    options.host = options.host.substr(1, options.host.size() - 2);
  if (colon != std::string_view::npos) {
    int port = 0;
    for (const char c : rest.substr(colon + 1))
      port = c < '0' || c > '9' || port > 65535 ? 100'000 : port * 10 + (c - '0');
    options.port = static_cast<std::uint16_t>(port);
    if (port < 1 || port > 65535) options.host.clear();
  }
  if (!options.host.empty()) return true;
  std::cerr << "tercet consume: no AMQP port is known: give --url amqps://HOST:5671 and --ca, or --ready FILE of a "
               "running platform\n";
  verbs.exit_code = 2;
  return false;
}

void add_consume(CLI::App& app, Verbs& verbs) {
  CLI::App* verb = verb_of(app, verbs, "consume", "print devices' messages as a consumer of a group gets them");
  auto options = std::make_shared<ConsumeOptions>();
  auto url = std::make_shared<std::string>();
  auto is_quiet = std::make_shared<bool>(false);
  verb->add_option("--group", options->group, "GroupId (DEFAULT_GROUP)");
  verb->add_option("--url", *url, "amqps://HOST:PORT (that of the platform that runs here)");
  verb->add_option("--ca", options->ca_file, "PEM file of the CA");
  verb->add_option("--client-id", options->client_id, "shown in the group's status");
  verb->add_option("--count", options->count, "end after so many messages");
  verb->add_option("--credit", options->credit, "messages under way at most")->check(CLI::Range(1, 100'000));
  verb->add_flag("--quiet", *is_quiet, "print only how many and how fast");
  verb->callback([&verbs, options, url, is_quiet] {
    if (!complete(verbs, *url, *options)) return;
    std::signal(SIGINT, [](int) { is_interrupted = true; });
    std::signal(SIGTERM, [](int) { is_interrupted = true; });
    std::uint64_t count = 0;
    std::chrono::steady_clock::time_point first, last;
    const std::string problem = consume(
        *options,
        [&](const ConsumedMessage& message) {
          last = std::chrono::steady_clock::now();
          if (count++ == 0) first = last;
          if (*is_quiet) return;
          boost::json::object line{{"topic", message.topic},
                                   {"messageId", message.message_id},
                                   {"generateTime", message.generate_time},
                                   {"qos", message.qos}};
          if (!message.tag.empty()) line["tag"] = message.tag;
          if (message.tries != 0) line["tries"] = message.tries;
          boost::system::error_code wrong;
          boost::json::value body = boost::json::parse(message.body, wrong);
          line["body"] = wrong ? boost::json::value(message.body) : std::move(body);
          std::cout << boost::json::serialize(line) << std::endl;
        },
        [] { return !is_interrupted.load(); });
    if (*is_quiet) {
      const double seconds = std::chrono::duration<double>(last - first).count();
      std::cout << boost::json::serialize(
                       boost::json::object{{"messages", count},
                                           {"seconds", seconds},
                                           {"perSecond", seconds > 0 ? static_cast<double>(count - 1) / seconds : 0.0}})
                << std::endl;
    }
    if (problem.empty()) return;
    std::cerr << "tercet consume: " << problem << "\n";
    verbs.exit_code = 1;
  });
}

}  // namespace

void add_subscription_verbs(CLI::App& app, Verbs& verbs) {
  add_consumers(app, verbs);
  add_subscription(app, verbs);
  add_consume(app, verbs);
}

}  // namespace tercet::cli
