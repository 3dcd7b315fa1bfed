#pragma once
#include <functional>
#include <string>
#include <vector>

#include "platform/openapi/gateway.h"
#include "platform/openapi/http.h"
#include "platform/openapi/metrics_text.h"

namespace tercet::openapi {

/// /healthz, /readyz and /metrics, for whoever watches the process. Nothing secret is shown, so nobody is asked who
/// they are. Management loop.
class Health {
 public:
  /// Gives why the platform is not ready, "" when it is. Asked on the management loop.
  using Check = std::function<std::string()>;
  using Source = std::function<void(MetricsText&)>;

  Health(Services& services, const Gateway& gateway) : services_(services), gateway_(gateway) {}
  void add_check(Check check) { checks_.push_back(std::move(check)); }
  void add_source(Source source) { sources_.push_back(std::move(source)); }

  void live(const HttpResponder& respond) const;   ///< the management loop answers
  void ready(const HttpResponder& respond) const;  ///< so does every shard, and every check is content
  void metrics(const HttpResponder& respond) const;

 private:
  Services& services_;
  const Gateway& gateway_;
  std::vector<Check> checks_;
  std::vector<Source> sources_;
};

}  // namespace tercet::openapi
