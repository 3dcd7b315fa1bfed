#pragma once
#include "platform/registry/login.h"
#include "platform/registry/registry.h"
#include "platform/runtime/loop.h"

namespace tercet::server {

/// One shard's boards that register without pre-registration, on their way to the registry and back. Shard's thread;
/// `registry` lives on the management loop's. Both loops have stopped before it goes.
class RegistrationFeed final : public registry::Registrar {
 public:
  RegistrationFeed(runtime::Loop& loop, runtime::Loop& management, registry::Registry& registry)
      : loop_(loop), management_(management), registry_(registry) {}
  RegistrationFeed(const RegistrationFeed&) = delete;
  RegistrationFeed& operator=(const RegistrationFeed&) = delete;

  void register_unlisted(std::string product, std::string device, Done done) override;

 private:
  runtime::Loop& loop_;
  runtime::Loop& management_;
  registry::Registry& registry_;
};

}  // namespace tercet::server
