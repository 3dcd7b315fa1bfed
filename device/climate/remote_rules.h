#pragma once
#include <array>
#include <cstdint>
#include <string_view>

#include "climate/rules.h"
#include "tercet/device/fetch.h"
#include "tercet/edge/remote_config.h"

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

/// Rule sets by remote configuration: asks the platform after each login, takes what it pushes, fetches the file,
/// verifies it, offers it to the rules, and answers a push with 200, or 460 when the file is not one that can run.
/// A file that was dealt with is not fetched again when the answer to a question names it once more; what is pushed is.
/// Needs room for two subscriptions (DeviceBuffers' kUserFilters). The client's task only.
///
///   online: ask --file--> fetch --bytes are right--> offer --> answer
///                  ^         '--failed, or no room--'
///                  '--1 minute, 2, 4 ... 1 hour-----'
class RemoteRules {
 public:
  static constexpr Millis kRetryFirst{60'000}, kRetryLimit{3'600'000};
  /// URL twice and 200 bytes: a URL of 650, which is more than a message of 1 KB holds.
  static constexpr std::size_t kBuffer = 1'536;

  /// All outlive it; transport: one that nobody else uses, with whom to believe set up; store and events may be null.
  RemoteRules(device::Device& device, Rules& rules, device::Transport& transport, device::KeyValueStore* store,
              RemoteRulesEvents* events)
      : device_(device), rules_(rules), store_(store), events_(events), fetch_(transport, buffer_, sink_) {}
  RemoteRules(const RemoteRules&) = delete;
  RemoteRules& operator=(const RemoteRules&) = delete;

  /// Once, after Device::start() and Rules::start(). Errors: those of Device::subscribe().
  Result<void> start(const DeviceId& id) { return config_.start(device_, id); }
  /// Hand it what comes to DeviceEvents::on_message.
  void on_message(std::string_view topic, Bytes payload, Instant now);
  /// Call it after each Rules::run(), and when next_deadline() has come or the transport has something.
  void run(Instant now);
  Instant next_deadline() const;
  bool is_fetching() const { return fetch_.is_busy(); }

 private:
  /// As Rules::Hands: beside, for code built with run-time type information.
  struct Sink final : device::FetchSink {
    explicit Sink(RemoteRules& of) : owner(of) {}
    Result<void> on_body(std::uint64_t at, Bytes bytes) override { return owner.keep(at, bytes); }
    RemoteRules& owner;
  };

  void begin(const edge::ConfigFile& file, Instant now);
  Result<void> keep(std::uint64_t at, Bytes bytes);
  void finish(Instant now);
  void give_up(const device::FetchFailure& failure, std::string_view detail, Instant now);
  void put_off(const device::FetchFailure& failure, std::string_view detail, Instant now);
  bool is_known() const;
  void remember();
  void answer(bool taken);

  device::Device& device_;
  Rules& rules_;
  device::KeyValueStore* store_;
  RemoteRulesEvents* events_;
  Sink sink_{*this};
  std::array<std::uint8_t, kBuffer> buffer_;
  edge::RemoteConfig config_;
  device::Fetch fetch_;
  std::uint32_t size_ = 0;
  Millis retry_ = kRetryFirst;
  Instant ask_at_ = Instant::never();
  bool was_online_ = false;
  bool is_wanted_ = false;  ///< also if it is known: it was put off
  bool is_due_ = false;     ///< a fetch was begun whose end has not been dealt with
};

}  // namespace tercet::climate
