#include "platform/openapi/gateway.h"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <exception>
#include <optional>

#include "platform/openapi/request_id.h"
#include "platform/openapi/xml.h"
#include "platform/runtime/log.h"

namespace tercet::openapi {
namespace {

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return (x | 0x20) == (y | 0x20); });
}

/// The format asked for; nothing when it is neither JSON nor XML. Without a word, v1 has always answered XML, and v3
/// clients expect JSON.
std::optional<Format> format_of(const Claim& claim, const Parameters& parameters) {
  const std::string_view asked = parameters.text("Format");
  if (equals_ignoring_case(asked, "JSON")) return Format::json;
  if (equals_ignoring_case(asked, "XML")) return Format::xml;
  if (!asked.empty()) return std::nullopt;
  return claim.signature == Claim::Signature::v3 ? Format::json : Format::xml;
}

Answer internal_error() {
  return gateway_error(500, "InternalError", "The platform failed to process the request. The server's log says why.");
}

}  // namespace

HttpResponse render(const Answer& answer, std::string_view action, Format format) {
  HttpResponse response;
  response.status = answer.http_status;
  response.headers.emplace_back("Cache-Control", "no-store");
  if (format == Format::json) {
    response.body = boost::json::serialize(answer.body);
    return response;
  }
  response.content_type = "text/xml;charset=utf-8";
  const std::string root = answer.is_gateway_error() ? std::string("Error") : std::string(action).append("Response");
  response.body = to_xml(root, answer.body);
  return response;
}

Gateway::Gateway(Services& services)
    : services_(services), callers_([&services](std::string_view id) { return services.registry.access_key(id); }) {}

void Gateway::on_request(const HttpRequest& request, HttpResponder respond) {
  const Claim claim = read_claim(request);
  Parameters parameters(claim.fields);
  const auto format = format_of(claim, parameters);
  const std::string request_id = make_request_id(services_.loop.random());
  const auto answer_with = [respond, request_id, host = std::string(request.header("host")), action = claim.action,
                            format = format.value_or(Format::xml)](Answer answer) {
    boost::json::object body{{"RequestId", request_id}};
    if (answer.is_gateway_error()) body["HostId"] = host;
    for (auto& member : answer.body) body[member.key()] = std::move(member.value());
    answer.body = std::move(body);
    respond(render(answer, action, format));
  };
  const auto refuse = [&](Answer answer) {
    ++counters_.gateway_errors;
    answer_with(std::move(answer));
  };

  if (!format) return refuse(gateway_error(400, "InvalidParameter.Format", "Format is JSON or XML."));
  if (auto wrong = callers_.check(request, claim, services_.loop.wall(), services_.loop.now()))
    return refuse(std::move(*wrong));
  if (claim.version != kVersion)
    return refuse(gateway_error(400, "InvalidVersion", "Version is 2018-01-20, not \"" + claim.version + "\"."));
  const Action* action = find_action(claim.action);
  if (action == nullptr)
    return refuse(gateway_error(404, "InvalidApi.NotFound",
                                "Specified api is not found: \"" + claim.action + "\". docs/openapi.md lists them."));
  run(*action, {std::string(action->name), request_id, std::move(parameters)}, answer_with);
}

void Gateway::call(std::string_view name, Parameters parameters, Reply reply) {
  const std::string request_id = make_request_id(services_.loop.random());
  const Reply with_id = [reply = std::move(reply), request_id](Answer answer) {
    answer.body["RequestId"] = request_id;
    reply(std::move(answer));
  };
  const Action* action = find_action(name);
  if (action == nullptr) return with_id(gateway_error(404, "InvalidApi.NotFound", "Specified api is not found."));
  run(*action, {std::string(action->name), request_id, std::move(parameters)}, with_id);
}

void Gateway::run(const Action& action, Call call, Reply reply) {
  ++counters_.calls;
  ++counters_.by_action[action.name];
  for (const std::string_view name : action.required) {
    if (call.parameters.has(name)) continue;
    ++counters_.gateway_errors;
    return reply(
        gateway_error(400, "Missing" + std::string(name), std::string(name) + " is mandatory for this action."));
  }
  if (equals_ignoring_case(call.parameters.text("Lang"), "zh")) call.language = registry::Language::zh;
  const Reply counted = [this, reply](Answer answer) {
    const auto* succeeded = answer.body.if_contains("Success");
    if (answer.is_gateway_error())
      ++counters_.gateway_errors;
    else if (succeeded != nullptr && succeeded->is_bool() && !succeeded->get_bool())
      ++counters_.refused;
    reply(std::move(answer));
  };
  try {
    action.handle(services_, call, counted);
  } catch (const std::exception& failure) {
    ++counters_.failures;
    runtime::log(runtime::LogLevel::error, "api_failed", {{"action", action.name}, {"what", failure.what()}});
    reply(internal_error());
  }
}

}  // namespace tercet::openapi
