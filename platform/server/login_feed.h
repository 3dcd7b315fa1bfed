#pragma once
#include <cstdint>
#include <string>
#include <unordered_map>

#include "platform/registry/login.h"
#include "platform/registry/registry.h"
#include "platform/runtime/loop.h"

namespace tercet::server {

/// What one shard's devices did, on its way to the registry: gathered and handed over together, so that a storm of
/// logins costs the management thread one message per shard and delay, and kept while that thread has no room.
/// At most one entry of a kind per device. Shard's thread; `registry` lives on the management loop's.
class LoginFeed final : public registry::LoginEvents {
 public:
  LoginFeed(runtime::Loop& loop, runtime::Loop& management, registry::Registry& registry);
  LoginFeed(const LoginFeed&) = delete;
  LoginFeed& operator=(const LoginFeed&) = delete;

  void on_first_login(std::uint64_t device_number, UnixMillis at) override;
  void on_login(std::uint64_t device_number, UnixMillis at, const runtime::Address& peer) override;
  void on_configuration_answer(const registry::ConfigurationAnswer& answer);
  /// Hands over what has gathered. False: the management thread has no room; it is kept, and tried again.
  bool flush();

 private:
  struct Online {
    UnixMillis at;
    std::string address;
  };
  struct Batch {
    std::unordered_map<std::uint64_t, UnixMillis> activated;  ///< by device number
    std::unordered_map<std::uint64_t, Online> online;
    std::unordered_map<std::uint64_t, registry::ConfigurationAnswer> configured;
  };
  void arm();

  runtime::Loop& loop_;
  runtime::Loop& management_;
  registry::Registry& registry_;
  Batch gathered_;
  runtime::Timer due_;
};

}  // namespace tercet::server
