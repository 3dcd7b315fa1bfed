#pragma once
#include <map>
#include <memory>

#include "platform/runtime/sim.h"

namespace tercet::simulation {

/// A captive portal: it takes every TCP connection, and answers whatever it is told with a redirection to its login
/// page, or with nothing at all.
class Portal {
 public:
  static constexpr std::uint16_t kRedirecting = 80, kSilent = 81;
  explicit Portal(runtime::SimHost& host);
  ~Portal();
  runtime::Address address(bool is_silent) const { return host_.address(is_silent ? kSilent : kRedirecting); }

 private:
  class Guest;
  void listen(std::uint16_t port);

  runtime::SimHost& host_;
  runtime::SimLoop& loop_;
  std::map<const Guest*, std::unique_ptr<Guest>> guests_;
};

}  // namespace tercet::simulation
