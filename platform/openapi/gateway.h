#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "platform/openapi/action.h"
#include "platform/openapi/caller.h"
#include "platform/openapi/http.h"

namespace tercet::openapi {

/// The OpenAPI: takes HTTP requests, finds out who calls and what for, runs the action, and writes the answer as JSON
/// or XML. Nothing a request holds makes it throw: an exception inside an action is an InternalError. Management loop.
class Gateway {
 public:
  static constexpr std::string_view kVersion = "2018-01-20";

  explicit Gateway(Services& services);

  /// A signed call.
  void on_request(const HttpRequest& request, HttpResponder respond);
  /// A call of somebody who is known already (the console's session). The answer carries a RequestId.
  void call(std::string_view action, Parameters parameters, Reply reply);

  struct Counters {
    std::uint64_t calls = 0, refused = 0, gateway_errors = 0, failures = 0;
    std::map<std::string_view, std::uint64_t> by_action;  ///< names of the table of actions
  };
  const Counters& counters() const { return counters_; }

 private:
  void run(const Action& action, Call call, Reply reply);

  Services& services_;
  Callers callers_;
  Counters counters_;
};

/// How an answer is written.
enum class Format : unsigned char { json, xml };
HttpResponse render(const Answer& answer, std::string_view action, Format format);

}  // namespace tercet::openapi
