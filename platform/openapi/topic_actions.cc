#include <boost/json/array.hpp>
#include <charconv>

#include "platform/openapi/handlers.h"

// Classes of custom topics: CreateProductTopic and its like.
namespace tercet::openapi {
namespace {

namespace json = boost::json;
using registry::TopicClass;
using registry::TopicRight;

std::optional<TopicRight> right_of(std::string_view operation) {
  if (operation == "PUB") return TopicRight::publish;
  if (operation == "SUB") return TopicRight::subscribe;
  if (operation == "ALL") return TopicRight::both;
  return std::nullopt;
}

Answer wrong_operation() {
  return refusal("iot.prod.InvalidTopicOperation", "Operation is PUB, SUB or ALL: what devices may do.");
}

std::optional<std::uint64_t> id_of(const Call& call) {
  const auto text = call.parameters.text("TopicId");
  std::uint64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return id;
}

Answer wrong_id() {
  return refusal("iot.prod.NotExistedTopic", "TopicId is the Id of a class that QueryProductTopic lists.");
}

}  // namespace

void create_product_topic(Services& services, const Call& call, Reply reply) {
  const auto right = right_of(call.parameters.text("Operation"));
  if (!right) return reply(wrong_operation());
  const TopicClass wanted{0, std::string(call.parameters.text("TopicShortName")), *right,
                          std::string(call.parameters.text("Desc"))};
  const AfterApplied later(std::move(reply));
  const auto made = services.registry.create_topic(call.parameters.text("ProductKey"), wanted, later.applied());
  if (!made) return later.refuse(made.problem());
  later.answer(success({{"TopicId", made->id}}));
}

void query_product_topic(Services& services, const Call& call, Reply reply) {
  const auto found = services.registry.product(call.parameters.text("ProductKey"));
  if (!found) return reply(refusal(found.problem()));
  json::array rows;
  for (const TopicClass& one : found->product.topics)
    rows.push_back(json::object{{"Id", std::to_string(one.id)},
                                {"ProductKey", found->product.key},
                                {"TopicShortName", one.name},
                                {"Operation", std::to_string(static_cast<int>(one.right))},
                                {"Desc", one.description},
                                {"EnableProxySubscribe", false}});
  reply(success(
      {{"Data", json::object{{"ProductTopicInfo", std::move(rows)}}}, {"FreeTopics", found->product.free_topics}}));
}

void update_product_topic(Services& services, const Call& call, Reply reply) {
  const auto id = id_of(call);
  if (!id) return reply(wrong_id());
  registry::TopicChange change;
  if (call.parameters.has("TopicShortName")) change.name = std::string(call.parameters.text("TopicShortName"));
  if (call.parameters.has("Desc")) change.description = std::string(call.parameters.text("Desc"));
  if (call.parameters.has("Operation")) {
    change.right = right_of(call.parameters.text("Operation"));
    if (!change.right) return reply(wrong_operation());
  }
  const AfterApplied later(std::move(reply));
  const auto changed = services.registry.update_topic(*id, change, later.applied());
  if (!changed) return later.refuse(changed.problem());
  later.answer(success());
}

void delete_product_topic(Services& services, const Call& call, Reply reply) {
  const auto id = id_of(call);
  if (!id) return reply(wrong_id());
  const AfterApplied later(std::move(reply));
  const auto gone = services.registry.delete_topic(*id, later.applied());
  if (!gone) return later.refuse(gone.problem());
  later.answer(success());
}

/// Whether devices may use custom topics that no class is for. An action of this platform's own.
void set_product_free_topics(Services& services, const Call& call, Reply reply) {
  const auto is_free = call.parameters.flag("Free");
  if (!is_free) return reply(gateway_error(400, "InvalidFree", "Free is true or false."));
  const AfterApplied later(std::move(reply));
  const auto done = services.registry.set_free_topics(call.parameters.text("ProductKey"), *is_free, later.applied());
  if (!done) return later.refuse(done.problem());
  later.answer(success());
}

}  // namespace tercet::openapi
