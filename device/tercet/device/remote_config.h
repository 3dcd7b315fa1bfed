#pragma once
#include <cstdint>
#include <string_view>

#include "tercet/device/config_offers.h"
#include "tercet/device/fetch.h"

namespace tercet::device {

/// What becomes of a configuration, and what it goes into. On the client's task.
class RemoteConfigEvents {
 public:
  enum class Verdict : std::uint8_t {
    taken,    ///< the platform is answered 200
    refused,  ///< 460: it cannot be used here, today or tomorrow
    unable,   ///< 460: not now; it is fetched again after the next login
  };
  /// Where the file is put; a longer one is refused. The same room until it was dealt with.
  virtual MutableBytes room() = 0;
  /// The whole file, which is the one that the platform meant: size and SHA-256 are right. Lies in room().
  virtual Verdict on_config(Bytes text, Instant now) = 0;

  /// Before each fetch. False: there is no memory for one more TLS session now; it is asked again later.
  virtual bool has_memory() { return true; }
  virtual void on_fetch(std::string_view url, std::uint32_t bytes) { static_cast<void>(url), static_cast<void>(bytes); }
  /// The file could not be had. retry_in zero: it is not tried again before the platform offers one.
  virtual void on_fetch_failed(const FetchFailure& failure, std::string_view detail, Millis retry_in) {
    static_cast<void>(failure), static_cast<void>(detail), static_cast<void>(retry_in);
  }

 protected:
  ~RemoteConfigEvents() = default;
};

/// Remote configuration: asks the platform for the product's file after each login, takes what it pushes, fetches the
/// file over HTTPS, verifies it, hands it over, and answers a push. A file that was dealt with is not fetched again
/// when the answer to a question names it once more, over restarts too; what is pushed is. Needs room for two
/// subscriptions (DeviceBuffers' kUserFilters). The client's task only.
///
///   online: ask --file--> fetch --bytes are right--> on_config --> answer
///                  ^         '--failed, or no room--'
///                  '--1 minute, 2, 4 ... 1 hour-----'
class RemoteConfig {
 public:
  static constexpr Millis kRetryFirst{60'000}, kRetryLimit{3'600'000};
  /// The URL twice and 200 bytes: a URL of 650, which is more than a message of 1 KB holds.
  static constexpr std::size_t kBuffer = 1'536;

  /// All outlive it. transport: one that nobody else uses, with whom to believe set up. buffer: kBuffer bytes, for
  /// address and request. store: remembers under `key` what was dealt with; null: each login fetches it once more.
  RemoteConfig(Device& device, Transport& transport, MutableBytes buffer, RemoteConfigEvents& events,
               KeyValueStore* store = nullptr, std::string_view key = "config_file")
      : device_(device), events_(events), store_(store), key_(key), fetch_(transport, buffer, sink_) {}
  RemoteConfig(const RemoteConfig&) = delete;
  RemoteConfig& operator=(const RemoteConfig&) = delete;

  /// Subscribes; call it once after Device::start(). Errors: those of Device::subscribe().
  Result<void> start(const DeviceId& id) { return offers_.start(device_, id); }
  /// Hand it what comes to DeviceEvents::on_message.
  void on_message(std::string_view topic, Bytes payload, Instant now);
  /// Call it after each Device::run(), and when next_deadline() has come or the transport has something.
  void run(Instant now);
  Instant next_deadline() const;
  bool is_fetching() const { return fetch_.is_busy(); }

 private:
  /// Beside, for code built with run-time type information.
  struct Sink final : FetchSink {
    explicit Sink(RemoteConfig& of) : owner(of) {}
    Result<void> on_body(std::uint64_t at, Bytes bytes) override { return owner.keep(at, bytes); }
    RemoteConfig& owner;
  };

  void begin(const ConfigFile& file, Instant now);
  Result<void> keep(std::uint64_t at, Bytes bytes);
  void finish(Instant now);
  void give_up(const FetchFailure& failure, std::string_view detail, Instant now);
  void put_off(const FetchFailure& failure, std::string_view detail, Instant now);
  bool is_known() const;
  void remember();
  void answer(bool taken);

  Device& device_;
  RemoteConfigEvents& events_;
  KeyValueStore* store_;
  std::string_view key_;
  Sink sink_{*this};
  ConfigOffers offers_;
  Fetch fetch_;
  std::uint32_t size_ = 0;
  Millis retry_ = kRetryFirst;
  Instant ask_at_ = Instant::never();
  bool was_online_ = false;
  bool is_wanted_ = false;  ///< also if it is known: it was put off
  bool is_due_ = false;     ///< a fetch was begun whose end has not been dealt with
};

}  // namespace tercet::device
