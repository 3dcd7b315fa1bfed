#pragma once
#include <sdkconfig.h>

#include "climate/rules.h"
#include "ports/esp-idf/board.h"
#ifdef CONFIG_CLIMATE_REMOTE_RULES
#include "climate/remote_rules.h"
#include "heap_room.h"
#endif

namespace tercet::firmware {

/// Says on the console, in both languages, what is wrong with a rule set.
void tell_problem(const edge::Problem& problem);

#ifdef CONFIG_CLIMATE_REMOTE_RULES

/// Rule sets by remote configuration, over a TLS session of their own: only when the heap has room for a second one.
class RulesDelivery final : public climate::RemoteRulesEvents {
 public:
  /// All live for ever.
  RulesDelivery(idf::Board& board, device::Device& device, climate::Rules& rules);
  void start(const DeviceId& id);
  void run(Instant now) { remote_.run(now); }
  Instant next_deadline() const { return remote_.next_deadline(); }
  void on_message(std::string_view topic, Bytes payload, Instant now) { remote_.on_message(topic, payload, now); }

 private:
  bool has_room() override { return has_room_for_tls("rules"); }
  void on_fetch(std::string_view url, std::uint32_t bytes) override;
  void on_fetch_failed(const device::FetchFailure& failure, std::string_view detail, Millis retry_in) override;
  void on_offered(const edge::Problem& problem) override;

  idf::SocketTransport files_;
  climate::RemoteRules remote_;
};

#else

class RulesDelivery {
 public:
  RulesDelivery(idf::Board&, device::Device&, climate::Rules&) {}
  void start(const DeviceId&) {}
  void run(Instant) {}
  Instant next_deadline() const { return Instant::never(); }
  void on_message(std::string_view, Bytes, Instant) {}
};

#endif

}  // namespace tercet::firmware
