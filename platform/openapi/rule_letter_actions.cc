#include <algorithm>
#include <boost/json/array.hpp>
#include <map>

#include "platform/openapi/handlers.h"
#include "platform/openapi/history_page.h"
#include "platform/rule/trial.h"
#include "platform/thing/history.h"

// Actions of this platform's own: what rules would do, and what could not be delivered.
namespace tercet::openapi {
namespace {

namespace json = boost::json;

Answer not_offered() { return refusal("tercet.rule.NotOffered", "This platform forwards nothing."); }

std::optional<std::uint64_t> action_of(const Call& call) {
  const auto id = call.parameters.number("ActionId");
  if (!id || *id <= 0) return std::nullopt;
  return static_cast<std::uint64_t>(*id);
}
Answer wrong_action() { return gateway_error(400, "InvalidActionId", "ActionId is a number above 0."); }
Answer not_running() {
  return refusal("tercet.rule.NotRunning", "The action's rule does not run: dead letters are sent while it does.");
}

}  // namespace

void query_dead_letters(Services& services, const Call& call, Reply reply) {
  if (services.rules == nullptr) return reply(not_offered());
  const auto id = action_of(call);
  if (!id) return reply(wrong_action());
  const auto known = services.rules->action(*id);
  if (!known) return reply(refusal(known.problem()));
  const auto page = page_of(call.parameters, "CurrentPage", 10, 100);
  if (!page) return reply(bad_page(100));
  json::array rows;
  std::uint64_t total = 0;
  const std::uint64_t first = (page->page - 1) * page->size;
  const auto text = [](std::string_view view) { return json::string_view(view.data(), view.size()); };
  const auto read =
      rule::Pump::each_dead(services.store, *id, [&](const rule::QueueKey& key, const rule::DeadLetter& letter) {
        if (total++ < first || rows.size() >= page->size) return true;
        rows.push_back(json::object{{"Id", key.sequence},
                                    {"Time", letter.record.time},
                                    {"Since", letter.since},
                                    {"Cause", text(letter.cause)},
                                    {"MessageId", text(letter.record.message_id)},
                                    {"Topic", text(letter.record.topic)},
                                    {"ProductKey", text(letter.record.product)},
                                    {"DeviceName", text(letter.record.device_name)},
                                    {"Content", text(letter.record.result)}});
        return true;
      });
  if (!read) return reply(not_readable("iot.system.SystemException"));
  reply(success({{"Data", json::object{{"List", json::object{{"Letter", std::move(rows)}}}}},
                 {"Page", page->page},
                 {"PageSize", page->size},
                 {"Total", total}}));
}

void replay_dead_letters(Services& services, const Call& call, Reply reply) {
  if (services.rules == nullptr) return reply(not_offered());
  const auto id = action_of(call);
  if (!id) return reply(wrong_action());
  const auto known = services.rules->action(*id);
  if (!known) return reply(refusal(known.problem()));
  const auto most = call.parameters.number("Count").value_or(10'000);
  if (most < 1 || most > 1'000'000) return reply(gateway_error(400, "InvalidCount", "Count is 1 to 1000000."));
  const bool is_asked = services.destinations->replay(*id, static_cast<std::uint64_t>(most), [reply](std::uint64_t n) {
    reply(success({{"Data", json::object{{"Replayed", n}}}}));
  });
  if (!is_asked) reply(not_running());
}

void discard_dead_letters(Services& services, const Call& call, Reply reply) {
  if (services.rules == nullptr) return reply(not_offered());
  const auto id = action_of(call);
  if (!id) return reply(wrong_action());
  const auto known = services.rules->action(*id);
  if (!known) return reply(refusal(known.problem()));
  if (!services.destinations->discard_dead(*id, [reply] { reply(success()); })) reply(not_running());
}

namespace {

/// What the device has posted in the range, as the messages that rules saw: properties of one time in one message.
void add_messages(const registry::Device& device, const thing::PropertiesPage& properties,
                  const thing::EventsPage& events, std::vector<rule::Trial::Message>& messages) {
  std::map<std::int64_t, std::string> items;
  for (const thing::PropertySeries& series : properties.series)
    for (const thing::Point& point : series.points) {
      std::string& text = items[point.time.ms];
      text.append(text.empty() ? "\"" : ",\"").append(series.identifier).append("\":{\"value\":").append(point.value);
      text.append(",\"time\":").append(std::to_string(point.time.ms)).append("}");
    }
  const std::string about = "{\"iotId\":\"" + device.iot_id + "\",\"productKey\":\"" + device.product +
                            "\",\"deviceName\":\"" + device.name + "\",\"gmtCreate\":";
  const std::string topic = "/" + device.product + "/" + device.name + "/thing/event/";
  for (const auto& [time, text] : items)
    messages.push_back({topic + "property/post", device.product, device.name,
                        about + std::to_string(time) + ",\"deviceType\":\"CustomCategory\",\"items\":{" + text + "}}",
                        time});
  for (const thing::EventRecord& event : events.events)
    messages.push_back({topic + event.identifier + "/post", device.product, device.name,
                        about + std::to_string(event.time.ms) + ",\"identifier\":\"" + event.identifier +
                            "\",\"value\":" + event.output + ",\"time\":" + std::to_string(event.time.ms) + "}",
                        event.time.ms});
}

std::string product_of(std::string_view given) {
  const std::string whole = rule::application_topic(given);
  std::string_view topic = whole;
  if (topic.starts_with('/')) topic.remove_prefix(1);
  return std::string(topic.substr(0, topic.find('/')));
}

}  // namespace

/// Stored messages of a time range through a rule that is there (RuleId), or a text (Select, Topic, Where): what it
/// would have made of them, and which actions would have got that. Nothing is sent.
void dry_run_rule(Services& services, const Call& call, Reply reply) {
  if (services.rules == nullptr) return reply(not_offered());
  rule::RuleRecord tried;
  json::array would_go;
  if (const auto id = call.parameters.number("RuleId")) {
    const auto found = services.rules->rule(*id < 0 ? 0 : static_cast<std::uint64_t>(*id));
    if (!found) return reply(refusal(found.problem()));
    tried = *found;
    if (const auto actions = services.rules->actions(tried.id))
      for (const rule::ActionRecord& one : *actions)
        if (!one.is_error) would_go.push_back(json::object{{"ActionId", one.id}, {"Type", one.type}});
  } else {
    tried.select = call.parameters.text("Select");
    tried.where = call.parameters.text("Where");
    tried.alarm = call.parameters.text("Alarm");
  }
  const std::string topic = call.parameters.has("Topic") ? std::string(call.parameters.text("Topic")) : tried.topic();
  Answer wrong;
  auto range = range_of(call.parameters, wrong);
  if (!range) return reply(std::move(wrong));
  range->ascending = true;
  range->page_size = 10'000;
  std::string problem;
  const auto trial = rule::Trial::begin(tried.select, topic, tried.where, tried.alarm, problem);
  if (!trial) return reply(refusal("iot.messagebroker.IncorrectRuleSql", problem));
  const auto owner = services.registry.product(product_of(topic));
  if (!owner) return reply(refusal(owner.problem()));
  const auto model = services.models.of(owner->product);
  std::vector<std::string> identifiers;
  for (const thing::Property& property : model->properties()) identifiers.push_back(property.identifier);
  std::vector<registry::DeviceRecord> devices;
  if (call.parameters.has("DeviceName")) {
    auto one = services.registry.device({"", owner->product.key, std::string(call.parameters.text("DeviceName"))});
    if (!one) return reply(refusal(one.problem()));
    devices.push_back(std::move(*one));
  } else {
    constexpr std::size_t kMostDevices = 100;  // it runs on the management thread
    registry::DeviceFilter filter;
    filter.product = owner->product.key;
    auto some = services.registry.devices(filter, {1, kMostDevices});
    if (!some) return reply(refusal(some.problem()));
    if (some->total > kMostDevices)
      return reply(refusal("tercet.rule.TooManyDevices", "The product has more than 100 devices: give a DeviceName."));
    devices = std::move(some->items);
  }
  std::vector<rule::Trial::Message> messages;
  for (const registry::DeviceRecord& device : devices) {
    const auto properties = thing::query_properties(services.store, device.device.number, identifiers, *range);
    const auto events = thing::query_events(services.store, device.device.number, "", "", *model, *range);
    if (!properties || !events) return reply(not_readable("iot.system.SystemException"));
    add_messages(device.device, *properties, *events, messages);
  }
  std::stable_sort(messages.begin(), messages.end(),
                   [](const auto& one, const auto& other) { return one.time < other.time; });
  constexpr std::size_t kMostRows = 1'000;
  json::array rows;
  for (const rule::Trial::Message& message : messages) {
    const auto row = trial->feed(message);
    if (!row || rows.size() >= kMostRows) continue;
    rows.push_back(json::object{{"Time", row->time},
                                {"DeviceName", row->device_name},
                                {"Topic", row->topic},
                                {"State", json::string(rule::name(row->alarm))},
                                {"Result", row->result}});
  }
  const rule::Trial::Counts& counts = trial->counts();
  reply(success({{"Data", json::object{{"Messages", counts.messages},
                                       {"Matched", counts.matched},
                                       {"Met", counts.met},
                                       {"Failed", counts.failed},
                                       {"Rows", json::object{{"Row", std::move(rows)}}},
                                       {"Actions", json::object{{"Action", std::move(would_go)}}}}}}));
}

}  // namespace tercet::openapi
