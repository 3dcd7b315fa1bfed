#include <boost/json/array.hpp>

#include "platform/openapi/handlers.h"
#include "platform/openapi/utc_time.h"

/// Server-side subscription (cloud-side reference 2.13): consumer groups, and what of a product they get.
namespace tercet::openapi {
namespace {

namespace json = boost::json;
using subscription::Group;
using subscription::Relation;
using subscription::Wish;

Answer not_offered() {
  return refusal("tercet.subscription.NotOffered", "This platform has no server-side subscription.");
}

json::object group_json(const Group& group) {
  return {{"GroupId", group.id}, {"GroupName", group.name}, {"CreateTime", utc_millis(group.created)}};
}

/// Type is AMQP; the cloud's message service is not here.
std::optional<Answer> wrong_type(const Call& call) {
  const std::string_view type = call.parameters.text("Type");
  if (type == "AMQP") return std::nullopt;
  if (type == "MNS")
    return refusal("iot.subscribe.UnsupportedType",
                   "Type MNS reaches a service of the cloud's that is not here: use AMQP, or a rule with an action.");
  return refusal("iot.subscribe.UnsupportedType", "Type is AMQP.");
}

Relation relation_of(const Call& call) {
  Relation relation;
  relation.product = call.parameters.text("ProductKey");
  relation.groups = call.parameters.list("ConsumerGroupIds");
  for (std::size_t i = 0; i < subscription::kWishes; ++i) {
    const auto wish = static_cast<Wish>(i);
    if (call.parameters.flag(subscription::parameter(wish)).value_or(false)) relation.wishes |= bit(wish);
  }
  return relation;
}

Answer done(const registry::Answer<void>& outcome) { return outcome ? success() : refusal(outcome.problem()); }

}  // namespace

void create_consumer_group(Services& services, const Call& call, Reply reply) {
  if (services.groups == nullptr) return reply(not_offered());
  const auto made = services.groups->create(call.parameters.text("GroupName"));
  reply(made ? success({{"GroupId", made->id}}) : refusal(made.problem()));
}

void update_consumer_group(Services& services, const Call& call, Reply reply) {
  if (services.groups == nullptr) return reply(not_offered());
  reply(done(services.groups->rename(call.parameters.text("GroupId"), call.parameters.text("NewGroupName"))));
}

void delete_consumer_group(Services& services, const Call& call, Reply reply) {
  if (services.groups == nullptr) return reply(not_offered());
  reply(done(services.groups->erase(call.parameters.text("GroupId"))));
}

void query_consumer_group_by_group_id(Services& services, const Call& call, Reply reply) {
  if (services.groups == nullptr) return reply(not_offered());
  const auto found = services.groups->group(call.parameters.text("GroupId"));
  reply(found ? success({{"Data", group_json(*found)}}) : refusal(found.problem()));
}

void query_consumer_group_list(Services& services, const Call& call, Reply reply) {
  if (services.groups == nullptr) return reply(not_offered());
  constexpr std::size_t kMost = 1000;
  const auto page = page_of(call.parameters, "CurrentPage", 10, kMost);
  if (!page) return reply(bad_page(kMost));
  const auto found =
      services.groups->groups(call.parameters.text("GroupName"), call.parameters.flag("Fuzzy").value_or(false), *page);
  if (!found) return reply(refusal(found.problem()));
  json::array rows;
  for (const Group& group : found->items) rows.push_back(group_json(group));
  reply(success({{"Data", json::object{{"ConsumerGroupDTO", std::move(rows)}}},
                 {"CurrentPage", found->asked.page},
                 {"PageSize", found->asked.size},
                 {"PageCount", found->page_count()},
                 {"Total", found->total}}));
}

void query_consumer_group_status(Services& services, const Call& call, Reply reply) {
  if (services.groups == nullptr) return reply(not_offered());
  const auto found = services.groups->group(call.parameters.text("GroupId"));
  if (!found) return reply(refusal(found.problem()));
  const std::uint64_t waiting =
      services.destinations == nullptr ? 0 : services.destinations->waiting(found->destination());
  const bool is_asked =
      services.consumers != nullptr &&
      services.consumers->status(found->destination(), [reply, waiting](const subscription::GroupStatus& status) {
        json::array clients;
        for (const auto& one : status.clients)
          clients.push_back(json::object{{"ClientId", one.client_id},
                                         {"ClientIpPort", one.peer},
                                         {"OnlineTime", one.online_since.ms},
                                         {"RealTimeConsumeCountPerMinute", one.fresh_per_minute},
                                         {"AccumulatedConsumeCountPerMinute", one.old_per_minute}});
        json::object body{
            {"AccumulationCount", waiting},
            {"ConsumerSpeed", status.fresh_per_minute + status.old_per_minute},
            {"RealTimeConsumeCountPerMinute", status.fresh_per_minute},
            {"AccumulatedConsumeCountPerMinute", status.old_per_minute},
            {"ClientConnectionStatusList", json::object{{"ConsumerGroupClientConnectionInfo", std::move(clients)}}}};
        if (status.last_accepted.ms != 0) body["LastConsumerTime"] = utc_millis(status.last_accepted);
        reply(success(std::move(body)));
      });
  if (!is_asked) reply(busy());
}

void reset_consumer_group_position(Services& services, const Call& call, Reply reply) {
  if (services.groups == nullptr) return reply(not_offered());
  const auto found = services.groups->group(call.parameters.text("GroupId"));
  if (!found) return reply(refusal(found.problem()));
  const bool is_asked = services.consumers != nullptr &&
                        services.consumers->clear(found->destination(), [reply](std::uint64_t) { reply(success()); });
  if (!is_asked) reply(busy());
}

void create_subscribe_relation(Services& services, const Call& call, Reply reply) {
  if (services.groups == nullptr) return reply(not_offered());
  if (auto wrong = wrong_type(call)) return reply(std::move(*wrong));
  reply(done(services.groups->create_relation(relation_of(call))));
}

void update_subscribe_relation(Services& services, const Call& call, Reply reply) {
  if (services.groups == nullptr) return reply(not_offered());
  if (auto wrong = wrong_type(call)) return reply(std::move(*wrong));
  reply(done(services.groups->update_relation(relation_of(call))));
}

void delete_subscribe_relation(Services& services, const Call& call, Reply reply) {
  if (services.groups == nullptr) return reply(not_offered());
  if (auto wrong = wrong_type(call)) return reply(std::move(*wrong));
  reply(done(services.groups->erase_relation(call.parameters.text("ProductKey"))));
}

void query_subscribe_relation(Services& services, const Call& call, Reply reply) {
  if (services.groups == nullptr) return reply(not_offered());
  if (auto wrong = wrong_type(call)) return reply(std::move(*wrong));
  const auto found = services.groups->relation(call.parameters.text("ProductKey"));
  if (!found) return reply(refusal(found.problem()));
  json::object body{{"ProductKey", found->product}, {"Type", "AMQP"}};
  json::array groups;
  for (const std::string& id : found->groups) groups.emplace_back(id);
  body["ConsumerGroupIds"] = std::move(groups);
  for (std::size_t i = 0; i < subscription::kWishes; ++i) {
    const auto wish = static_cast<Wish>(i);
    const std::string_view name = subscription::parameter(wish);
    body[json::string_view(name.data(), name.size())] = (found->wishes & bit(wish)) != 0;
  }
  reply(success(std::move(body)));
}

void create_consumer_group_subscribe_relation(Services& services, const Call& call, Reply reply) {
  if (services.groups == nullptr) return reply(not_offered());
  reply(done(services.groups->add_group(call.parameters.text("ProductKey"), call.parameters.text("ConsumerGroupId"))));
}

void delete_consumer_group_subscribe_relation(Services& services, const Call& call, Reply reply) {
  if (services.groups == nullptr) return reply(not_offered());
  reply(
      done(services.groups->remove_group(call.parameters.text("ProductKey"), call.parameters.text("ConsumerGroupId"))));
}

}  // namespace tercet::openapi
