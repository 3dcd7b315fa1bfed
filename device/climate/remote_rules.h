#pragma once
#include <array>
#include <cstdint>
#include <string_view>

#include "climate/rules.h"
#include "tercet/device/remote_config.h"

namespace tercet::climate {

/// What becomes of rules by remote configuration; for a log, and for a board's say about its memory. On the client's
/// task.
class RemoteRulesEvents {
 public:
  /// Before each fetch. False: there is no memory for one more TLS session now; it is asked again later.
  virtual bool has_room() { return true; }
  virtual void on_fetch(std::string_view url, std::uint32_t bytes) { static_cast<void>(url), static_cast<void>(bytes); }
  /// The file could not be had. retry_in zero: it is not tried again before the platform offers one.
  virtual void on_fetch_failed(const device::FetchFailure& failure, std::string_view detail, Millis retry_in) {
    static_cast<void>(failure), static_cast<void>(detail), static_cast<void>(retry_in);
  }
  /// The file was taken (fault none, and version_in_use when it runs already), or is no rule set for this board.
  virtual void on_offered(const edge::Problem& problem) { static_cast<void>(problem); }

 protected:
  ~RemoteRulesEvents() = default;
};

/// Rule sets by remote configuration: what device::RemoteConfig brings is offered to the rules; 460 is answered when
/// the file is not one that can run. Needs room for two subscriptions (DeviceBuffers' kUserFilters). The client's task
/// only.
class RemoteRules {
 public:
  static constexpr std::size_t kBuffer = device::RemoteConfig::kBuffer;

  /// All outlive it; transport: one that nobody else uses, with whom to believe set up; store and events may be null.
  RemoteRules(device::Device& device, Rules& rules, device::Transport& transport, device::KeyValueStore* store,
              RemoteRulesEvents* events)
      : hands_(rules, events), config_(device, transport, buffer_, hands_, store, "rules_file") {}
  RemoteRules(const RemoteRules&) = delete;
  RemoteRules& operator=(const RemoteRules&) = delete;

  /// Once, after Device::start() and Rules::start(). Errors: those of Device::subscribe().
  Result<void> start(const DeviceId& id) { return config_.start(id); }
  /// Hand it what comes to DeviceEvents::on_message.
  void on_message(std::string_view topic, Bytes payload, Instant now) { config_.on_message(topic, payload, now); }
  /// Call it after each Rules::run(), and when next_deadline() has come or the transport has something.
  void run(Instant now) { config_.run(now); }
  Instant next_deadline() const { return config_.next_deadline(); }
  bool is_fetching() const { return config_.is_fetching(); }

 private:
  /// As Rules::Hands: beside, for code built with run-time type information.
  struct Hands final : device::RemoteConfigEvents {
    Hands(Rules& the_rules, RemoteRulesEvents* the_events) : rules(the_rules), events(the_events) {}
    MutableBytes room() override;
    Verdict on_config(Bytes text, Instant now) override;
    bool has_memory() override;
    void on_fetch(std::string_view url, std::uint32_t bytes) override;
    void on_fetch_failed(const device::FetchFailure& failure, std::string_view detail, Millis retry_in) override;
    Rules& rules;
    RemoteRulesEvents* events;
  };

  Hands hands_;
  std::array<std::uint8_t, kBuffer> buffer_;
  device::RemoteConfig config_;
};

}  // namespace tercet::climate
