#include <boost/json/array.hpp>

#include "platform/openapi/handlers.h"

namespace tercet::openapi {
namespace {

namespace json = boost::json;

constexpr std::size_t kRefusalsShown = 20;

json::object version_row(const registry::ConfigurationRecord& record) {
  return {{"ConfigId", record.configuration.id},
          {"Version", record.version},
          {"Size", record.configuration.bytes},
          {"Sha256", record.configuration.sha256},
          {"GmtCreate", record.created.ms}};
}

}  // namespace

void set_product_configuration(Services& services, const Call& call, Reply reply) {
  const AfterApplied later(std::move(reply));
  const auto stored = services.registry.set_configuration(call.parameters.text("ProductKey"),
                                                          call.parameters.text("Content"), later.applied());
  if (!stored) return later.refuse(stored.problem());
  later.answer(success({{"Data", version_row(*stored)}}));
}

void get_product_configuration(Services& services, const Call& call, Reply reply) {
  const std::string_view product = call.parameters.text("ProductKey");
  const auto shown = services.registry.configuration(product, call.parameters.text("ConfigId"));
  if (!shown) return reply(refusal(shown.problem()));
  const auto all = services.registry.configurations(product);
  if (!all) return reply(refusal(all.problem()));
  const auto tally = services.registry.configuration_answers(product, shown->configuration.id, kRefusalsShown);
  if (!tally) return reply(refusal(tally.problem()));
  json::object data = version_row(*shown);
  data["Content"] = shown->text;
  json::array versions, refusals;
  for (const registry::ConfigurationRecord& one : *all) versions.push_back(version_row(one));
  for (const auto& one : tally->last_refusals)
    refusals.push_back(json::object{{"DeviceName", one.device}, {"Code", one.code}, {"Time", one.at.ms}});
  data["Taken"] = tally->taken;
  data["Refused"] = tally->refused;
  data["Refusals"] = json::object{{"Refusal", std::move(refusals)}};
  data["Versions"] = json::object{{"Version", std::move(versions)}};
  reply(success({{"Data", std::move(data)}}));
}

void push_product_configuration(Services& services, const Call& call, Reply reply) {
  if (services.files == nullptr || !services.files->is_offered())
    return reply(refusal("tercet.config.FilesNotOffered",
                         "Devices have no address to fetch files from: set [files] in the configuration of tercet "
                         "serve, and restart it."));
  const std::string product(call.parameters.text("ProductKey"));
  const auto newest = services.registry.configuration(product);
  if (!newest) return reply(refusal(newest.problem()));
  services.fleet.push_configuration(
      product, [reply = std::move(reply), id = newest->configuration.id](std::optional<std::size_t> sent) {
        if (!sent) return reply(busy());
        reply(success({{"Data", json::object{{"ConfigId", id}, {"Sent", *sent}}}}));
      });
}

}  // namespace tercet::openapi
