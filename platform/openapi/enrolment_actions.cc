#include <boost/json/array.hpp>

#include "platform/openapi/handlers.h"

// Dynamic registration, as far as it is managed by device: the switch is the product's (product_actions.cc).
namespace tercet::openapi {

namespace json = boost::json;

void reset_thing(Services& services, const Call& call, Reply reply) {
  const AfterApplied later(std::move(reply));
  const auto done = services.registry.reset_registration(call.device(), later.applied());
  if (!done) return later.refuse(done.problem());
  later.answer(success({{"JobId", ""}}));
}

void query_client_ids(Services& services, const Call& call, Reply reply) {
  const auto found = services.registry.device(call.device());
  if (!found) return reply(refusal(found.problem()));
  json::array rows;
  if (found->device.tokens)
    for (const registry::DeviceToken& token : *found->device.tokens)
      rows.push_back(json::object{{"ClientId", token.client_id}, {"CreateTime", token.created.ms}});
  reply(success({{"Data", json::object{{"IotId", found->device.iot_id}, {"DynamicRegClientIds", std::move(rows)}}}}));
}

void transform_client_id(Services& services, const Call& call, Reply reply) {
  const AfterApplied later(std::move(reply));
  const auto done = services.registry.keep_token(call.device(), call.parameters.text("ClientId"), later.applied());
  if (!done) return later.refuse(done.problem());
  later.answer(success());
}

/// ClientId is our own parameter: one instead of all.
void delete_client_ids(Services& services, const Call& call, Reply reply) {
  const AfterApplied later(std::move(reply));
  const auto done = services.registry.delete_tokens(call.device(), call.parameters.text("ClientId"), later.applied());
  if (!done) return later.refuse(done.problem());
  later.answer(success());
}

}  // namespace tercet::openapi
