#include "platform/openapi/answer.h"

#include <boost/json/value.hpp>

namespace tercet::openapi {

Answer success(boost::json::object more) {
  Answer answer;
  answer.body["Success"] = true;
  for (auto& member : more) answer.body[member.key()] = std::move(member.value());
  return answer;
}

Answer refusal(registry::ApiCode code, std::string_view text) {
  Answer answer;
  answer.body["Success"] = false;
  answer.body["Code"] = code.text();
  answer.body["ErrorMessage"] = text;
  answer.body["Message"] = text;
  return answer;
}

Answer refusal(const registry::RegistryProblem& problem) { return refusal(problem.code, problem.detail); }

Answer gateway_error(int http_status, registry::ApiCode code, std::string_view text) {
  Answer answer;
  answer.http_status = http_status;
  answer.body["Code"] = code.text();
  answer.body["Message"] = text;
  return answer;
}

Answer gateway_error(const registry::ParameterCode& code, std::string_view text) {
  Answer answer;
  answer.http_status = 400;
  answer.body["Code"] = code.text();
  answer.body["Message"] = text;
  return answer;
}

}  // namespace tercet::openapi
