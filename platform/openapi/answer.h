#pragma once
#include <boost/json/object.hpp>
#include <string>
#include <string_view>

#include "platform/registry/records.h"

namespace tercet::openapi {

/// What one call comes to, before it is written as JSON or XML. RequestId is added by the gateway.
struct Answer {
  int http_status = 200;
  boost::json::object body;
  bool is_gateway_error() const { return http_status != 200; }
};

/// {"Success":true} and what the action adds.
Answer success(boost::json::object more = {});
/// A refusal by the business: HTTP 200, Success false. The text goes into ErrorMessage, and into Message as well, which
/// is what pop-core shows.
Answer refusal(registry::ApiCode code, std::string_view text);
Answer refusal(const registry::RegistryProblem& problem);
/// A refusal by the gateway: HTTP 4xx or 5xx with Code and Message.
Answer gateway_error(int http_status, registry::ApiCode code, std::string_view text);
/// The same of a parameter that is missing or has a wrong value: HTTP 400.
Answer gateway_error(const registry::ParameterCode& code, std::string_view text);

}  // namespace tercet::openapi
