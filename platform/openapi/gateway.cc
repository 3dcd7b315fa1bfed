#include "platform/openapi/gateway.h"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <exception>
#include <optional>

#include "platform/openapi/request_id.h"
#include "platform/openapi/valid_utf8.h"
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
std::optional<Format> format_of(const Claim& claim) {
  const std::string_view asked = value_of(claim.fields, "Format");
  if (equals_ignoring_case(asked, "JSON")) return Format::json;
  if (equals_ignoring_case(asked, "XML")) return Format::xml;
  if (!asked.empty()) return std::nullopt;
  return claim.signature == Claim::Signature::v3 ? Format::json : Format::xml;
}

Answer internal_error() {
  return gateway_error(500, "InternalError", "The platform failed to process the request. The server's log says why.");
}

Answer missing(std::string_view name) {
  return gateway_error(registry::ParameterCode::missing(name), std::string(name) + " is mandatory for this action.");
}

/// Parameters from a JSON body. Signature v1 does not cover the body, so nothing in it may be believed.
std::optional<Answer> add_json(const std::string& body, const Claim& claim, Parameters& parameters) {
  if (claim.signature != Claim::Signature::v3)
    return gateway_error(400, "InvalidParameter.Body",
                         "Signature version 1.0 does not cover a JSON body. Send the parameters in the query or as a "
                         "form (application/x-www-form-urlencoded).");
  boost::system::error_code error;
  boost::json::parse_options options;
  options.max_depth = 8;
  const boost::json::value value = boost::json::parse(body, error, {}, options);
  if (!error && value.is_object() && parameters.add(value.get_object())) return std::nullopt;
  return gateway_error(400, "InvalidParameter.Body",
                       "The JSON body must be an object of at most " + std::to_string(kMostFields) +
                           " parameters, nested at most four deep.");
}

}  // namespace

HttpResponse render(const Answer& answer, std::string_view action, Format format) {
  HttpResponse response;
  response.status = answer.http_status;
  response.headers.emplace_back("Cache-Control", "no-store");
  if (format == Format::json) {
    response.body = valid_utf8(boost::json::serialize(answer.body));
    return response;
  }
  response.content_type = "text/xml;charset=utf-8";
  const std::string root = answer.is_gateway_error() ? std::string("Error") : std::string(action).append("Response");
  response.body = to_xml(root, answer.body);
  return response;
}

Gateway::Gateway(Services& services)
    : services_(services),
      callers_([&services](std::string_view id) { return services.registry.access_key(id); }, services.loop.now()) {}

void Gateway::on_request(const HttpRequest& request, HttpResponder respond) {
  const Claim claim = read_claim(request);
  const auto format = format_of(claim);
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

  if (request.method == HttpRequest::Method::other)
    return refuse(gateway_error(400, "UnsupportedHTTPMethod", "The method is GET or POST."));
  if (claim.too_many)
    return refuse(gateway_error(400, "InvalidParameter.TooMany",
                                "A call has at most " + std::to_string(kMostFields) + " parameters."));
  if (!format) return refuse(gateway_error(400, "InvalidParameter.Format", "Format is JSON or XML."));
  if (auto wrong = callers_.check(request, claim, services_.loop.wall(), services_.loop.now()))
    return refuse(std::move(*wrong));
  if (claim.action.empty()) return refuse(missing("Action"));
  if (claim.version.empty()) return refuse(missing("Version"));
  if (claim.version != kVersion)
    return refuse(gateway_error(400, "InvalidVersion", "Version is 2018-01-20, not \"" + claim.version + "\"."));
  const Action* action = find_action(claim.action);
  if (action == nullptr)
    return refuse(gateway_error(404, "InvalidApi.NotFound",
                                "Specified api is not found: \"" + claim.action + "\". docs/openapi.md lists them."));
  Parameters parameters(claim.fields);
  if (claim.has_json)
    if (auto wrong = add_json(request.body, claim, parameters)) return refuse(std::move(*wrong));
  Call call{std::string(action->name), request_id, std::move(parameters)};
  const bool is_https = request.tls || request.header("x-forwarded-proto") == "https";
  call.base_url = std::string(is_https ? "https://" : "http://").append(request.header("host"));
  run(*action, std::move(call), answer_with);
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
    return reply(missing(name));
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
