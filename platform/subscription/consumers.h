#pragma once
#include <cstdint>
#include <functional>
#include <string>

#include "platform/subscription/amqp_server.h"

namespace tercet::subscription {

/// The consumers at work, as management sees them. Management thread; answers come there, too.
class Consumers {
 public:
  virtual ~Consumers() = default;
  /// False: nobody takes the question now.
  virtual bool status(std::uint64_t destination, std::function<void(GroupStatus)> then) = 0;
  /// Drops a group's backlog.
  virtual bool clear(std::uint64_t destination, std::function<void(std::uint64_t records)> then) = 0;
  /// As of a second ago at most.
  virtual AmqpServer::Counters counters() const = 0;
};

}  // namespace tercet::subscription
