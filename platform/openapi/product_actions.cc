#include <boost/json/array.hpp>

#include "platform/openapi/handlers.h"

namespace tercet::openapi {
namespace {

namespace json = boost::json;
using registry::ClockPolicy;
using registry::ProductRecord;
using registry::Validation;

/// ValidateType: 0 strict, 1 weak, 2 none.
int validate_type(Validation validation) {
  switch (validation) {
    case Validation::strong:
      return 0;
    case Validation::weak:
      return 1;
    case Validation::none:
      return 2;
  }
  return 1;
}

std::optional<Validation> validation_of(std::int64_t type) {
  if (type == 0) return Validation::strong;
  if (type == 1) return Validation::weak;
  if (type == 2) return Validation::none;
  return std::nullopt;
}

std::optional<ClockPolicy> clock_policy_of(std::string_view text) {
  if (text == "off") return ClockPolicy::off;
  if (text == "warn") return ClockPolicy::warn;
  if (text == "enforce") return ClockPolicy::enforce;
  return std::nullopt;
}

std::string_view name(ClockPolicy policy) {
  switch (policy) {
    case ClockPolicy::off:
      return "off";
    case ClockPolicy::warn:
      return "warn";
    case ClockPolicy::enforce:
      return "enforce";
  }
  return "";
}

/// NetType is a word in requests and a number in answers.
int net_type_number(std::string_view word) {
  if (word == "WIFI") return 3;
  if (word == "CELLULAR") return 6;
  if (word == "ETHERNET") return 7;
  return 8;
}

std::string or_else(std::string_view given, std::string fallback) {
  return given.empty() ? std::move(fallback) : std::string(given);
}

/// Our own parameters: a policy for clocks and for the article's dialect, the switch of dynamic registration. Gives
/// what is wrong.
std::optional<Answer> read_policies(const Call& call, registry::ProductChange& change) {
  if (call.parameters.has("ClockPolicy")) {
    change.clock_policy = clock_policy_of(call.parameters.text("ClockPolicy"));
    if (!change.clock_policy) return gateway_error(400, "InvalidClockPolicy", "ClockPolicy is off, warn or enforce.");
  }
  if (call.parameters.has("ArticleDialect")) {
    change.article_dialect = call.parameters.flag("ArticleDialect");
    if (!change.article_dialect) return gateway_error(400, "InvalidArticleDialect", "ArticleDialect is true or false.");
  }
  if (call.parameters.has("ValidateType")) {
    const auto type = call.parameters.number("ValidateType");
    if (type) change.validation = validation_of(*type);
    if (!change.validation)
      return gateway_error(400, "InvalidValidateType", "ValidateType is 0 (strict), 1 (weak) or 2 (none).");
  }
  if (call.parameters.has("DynamicRegister")) {
    change.dynamic_register = call.parameters.flag("DynamicRegister");
    if (!change.dynamic_register)
      return gateway_error(400, "InvalidDynamicRegister", "DynamicRegister is true or false.");
  }
  return std::nullopt;
}

json::object created_data(const ProductRecord& record) {
  return {{"ProductKey", record.product.key},       {"ProductName", record.product.name},
          {"ProductSecret", record.product.secret}, {"NodeType", record.node_type},
          {"DataFormat", record.data_format},       {"AliyunCommodityCode", record.commodity_code},
          {"AuthType", record.auth_type},           {"ProtocolType", record.protocol_type},
          {"Description", record.description},      {"Id2", record.id2}};
}

}  // namespace

void create_product(Services& services, const Call& call, Reply reply) {
  const Parameters& given = call.parameters;
  registry::NewProduct wanted;
  const auto node_type = given.number("NodeType");
  if (!node_type || *node_type < 0 || *node_type > 1)
    return reply(refusal("iot.prod.InvalidNodeType", "NodeType is 0 (device) or 1 (gateway)."));
  wanted.name = given.text("ProductName");
  wanted.node_type = static_cast<int>(*node_type);
  if (given.has("DataFormat")) {
    const auto format = given.number("DataFormat");
    if (!format || *format < 0 || *format > 1)
      return reply(gateway_error(400, "InvalidDataFormat", "DataFormat is 0 (pass-through) or 1 (Alink JSON)."));
    wanted.data_format = static_cast<int>(*format);
  }
  wanted.auth_type = or_else(given.text("AuthType"), wanted.auth_type);
  wanted.category_key = given.text("CategoryKey");
  wanted.net_type = or_else(given.text("NetType"), wanted.net_type);
  wanted.protocol_type = given.text("ProtocolType");
  wanted.commodity_code = or_else(given.text("AliyunCommodityCode"), wanted.commodity_code);
  wanted.description = given.text("Description");
  wanted.id2 = given.flag("Id2").value_or(false);
  wanted.key = given.text("ProductKey");
  wanted.secret = given.text("ProductSecret");
  registry::ProductChange policies;
  if (auto wrong = read_policies(call, policies)) return reply(std::move(*wrong));
  wanted.clock_policy = policies.clock_policy.value_or(wanted.clock_policy);
  wanted.article_dialect = policies.article_dialect.value_or(wanted.article_dialect);
  wanted.validation = policies.validation.value_or(wanted.validation);
  wanted.dynamic_register = policies.dynamic_register.value_or(false);

  const AfterApplied later(std::move(reply));
  const auto made = services.registry.create_product(wanted, later.applied());
  if (!made) return later.refuse(made.problem());
  later.answer(success({{"ProductKey", made->product.key}, {"Data", created_data(*made)}}));
}

void query_product(Services& services, const Call& call, Reply reply) {
  const auto found = services.registry.product(call.parameters.text("ProductKey"));
  if (!found) return reply(refusal(found.problem()));
  json::object data = created_data(*found);
  data["CategoryKey"] = found->category_key;
  data["CategoryName"] = "";
  data["NetType"] = net_type_number(found->net_type);
  data["DeviceCount"] = found->device_count;
  data["GmtCreate"] = found->created.ms;
  data["Owner"] = true;
  data["ProductStatus"] = found->released ? "RELEASE_STATUS" : "DEVELOPMENT_STATUS";
  data["ValidateType"] = validate_type(found->product.validation);
  data["ClockPolicy"] = name(found->product.clock_policy);
  data["ArticleDialect"] = found->product.article_dialect;
  data["DynamicRegister"] = found->product.dynamic_register;
  reply(success({{"Data", std::move(data)}}));
}

void query_product_list(Services& services, const Call& call, Reply reply) {
  const std::size_t most = services.registry.limits().product_page;
  const auto page = page_of(call.parameters, "CurrentPage", services.registry.limits().products_per_page_default, most);
  if (!page) return reply(bad_page(most));
  const auto found = services.registry.products(*page, call.parameters.text("AliyunCommodityCode"));
  if (!found) return reply(refusal(found.problem()));
  json::array rows;
  for (const ProductRecord& record : found->items)
    rows.push_back(json::object{{"ProductKey", record.product.key},
                                {"ProductName", record.product.name},
                                {"NodeType", record.node_type},
                                {"DataFormat", record.data_format},
                                {"AuthType", record.auth_type},
                                {"Description", record.description},
                                {"DeviceCount", record.device_count},
                                {"GmtCreate", record.created.ms}});
  reply(success({{"Data", json::object{{"CurrentPage", page->page},
                                       {"PageSize", page->size},
                                       {"PageCount", found->page_count()},
                                       {"Total", found->total},
                                       {"List", json::object{{"ProductInfo", std::move(rows)}}}}}}));
}

void update_product(Services& services, const Call& call, Reply reply) {
  registry::ProductChange change;
  if (call.parameters.has("ProductName")) change.name = call.parameters.text("ProductName");
  if (call.parameters.has("Description")) change.description = call.parameters.text("Description");
  if (auto wrong = read_policies(call, change)) return reply(std::move(*wrong));
  const AfterApplied later(std::move(reply));
  const auto changed = services.registry.update_product(call.parameters.text("ProductKey"), change, later.applied());
  if (!changed) return later.refuse(changed.problem());
  later.answer(success());
}

void delete_product(Services& services, const Call& call, Reply reply) {
  const AfterApplied later(std::move(reply));
  const auto gone = services.registry.delete_product(call.parameters.text("ProductKey"), later.applied());
  if (!gone) return later.refuse(gone.problem());
  later.answer(success());
}

void import_thing_model_tsl(Services& services, const Call& call, Reply reply) {
  const std::string_view key = call.parameters.text("ProductKey");
  const std::string_view tsl = call.parameters.text("TslStr");
  if (tsl.empty())
    return reply(gateway_error(400, "MissingTslStr",
                               "TslStr is mandatory for this action. (TslUrl is not offered: send the text itself.)"));
  const auto product = services.registry.product(key);
  if (!product) return reply(refusal(product.problem()));
  const thing::Compilation compiled = thing::Model::compile(tsl);
  if (!compiled.model) return reply(refusal("iot.thing.InvalidTslModel", compiled.problem->text()));
  services.fleet.put_model(std::string(key), product->product.version + 1, compiled.model);
  const AfterApplied later(std::move(reply));
  const auto stored = services.registry.set_tsl(key, tsl, later.applied());
  if (!stored) return later.refuse(stored.problem());
  later.answer(success());
}

void get_thing_model_tsl(Services& services, const Call& call, Reply reply) {
  const auto product = services.registry.product(call.parameters.text("ProductKey"));
  if (!product) return reply(refusal(product.problem()));
  const auto model = services.models.of(product->product);
  const bool simple = call.parameters.flag("Simple").value_or(false);
  reply(success({{"Data", json::object{{"TslStr", simple ? model->simple_tsl(product->product.key)
                                                         : model->tsl(product->product.key)},
                                       {"TslUri", ""}}}}));
}

}  // namespace tercet::openapi
