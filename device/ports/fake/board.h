#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ports/fake/platform.h"
#include "tercet/device/port.h"

/// A board in memory. The test moves the time and writes the script of the network; nothing waits and nothing is random
/// beyond the seed.
namespace tercet::fake {

class Clock final : public device::Clock {
 public:
  Instant at{Millis{1'000'000}};
  UnixMillis wall_at{1'800'000'000'000};
  std::uint32_t times_set = 0;
  void advance(Millis by) { at = at + by, wall_at.ms += by.count(); }

  Instant now() const override { return at; }
  UnixMillis wall() const override { return wall_at; }
  void set_wall(UnixMillis to) override { wall_at = to, ++times_set; }
};

class Random final : public device::Random {
 public:
  explicit Random(std::uint32_t seed) : state_(seed * 2 + 1) {}
  void fill(MutableBytes into) override {
    for (std::uint8_t& byte : into) {
      state_ = state_ * 1'664'525u + 1'013'904'223u;
      byte = static_cast<std::uint8_t>(state_ >> 24);
    }
  }

 private:
  std::uint32_t state_;
};

class Network final : public device::Network {
 public:
  bool link = true, address = true;
  bool has_link() const override { return link; }
  bool has_address() const override { return link && address; }
};

/// A connection to a Platform. Every stage can be made to fail or to hang; the connection can lose its bytes.
class Transport final : public device::Transport {
 public:
  explicit Transport(Platform& platform) : platform_(platform) {}

  /// The next attempts end at `stage` with `error`, until mend().
  void break_at(device::Stage stage, Error error) { broken_at = stage, breaks_with = error; }
  /// The next attempts stay at `stage`, until mend().
  void hang_at(device::Stage stage) { hangs_at = stage; }
  void mend() { broken_at.reset(), hangs_at.reset(), half_open = false; }

  std::optional<device::Stage> broken_at, hangs_at;
  Error breaks_with = Error::io_failed;
  bool half_open = false;           ///< bytes are taken and vanish; nothing comes
  std::size_t most_at_once = 4096;  ///< bytes a read or write moves
  std::uint32_t opened = 0, closed = 0;
  std::string_view words = {};    ///< detail()
  FixedString<64> host;           ///< of the last attempt
  FixedString<112> psk_identity;  ///< of the last attempt, "" without
  FixedString<64> psk_key;

  Result<void> open(const device::Target& target) override;
  Result<device::Stage> advance() override;
  device::Stage stage() const override { return stage_; }
  Result<std::size_t> read(MutableBytes into) override;
  Result<std::size_t> write(Bytes from) override;
  void close() override;
  std::string_view detail() const override { return words; }
  std::optional<UnixMillis> expiry;  ///< of the server's chain
  std::optional<UnixMillis> chain_expiry() const override { return expiry; }

 private:
  Platform& platform_;
  bool tls_ = true;
  device::Stage stage_ = device::Stage::closed;
};

/// A network of time servers: each host answers with its time, is silent, or does not exist.
class TimeServers final : public device::Datagram {
 public:
  enum class Mood : std::uint8_t { answers, silent, unknown_name, lies, not_synchronised };
  struct Server {
    std::string_view host;
    Mood mood = Mood::answers;
    UnixMillis time{};
  };
  std::array<Server, 4> servers{};
  std::uint32_t asked = 0;

  Result<void> send(std::string_view host, std::uint16_t port, Bytes bytes) override;
  Result<std::size_t> receive(MutableBytes into) override;
  void close() override { answer_.reset(); }

 private:
  std::optional<std::array<std::uint8_t, 48>> answer_;
};

/// A handful of named values.
class Values {
 public:
  using Entry = std::pair<std::string, std::string>;
  Entry* find(std::string_view key);
  void erase(std::string_view key);
  std::string& operator[](std::string_view key);  ///< an empty one if there was none

 private:
  std::vector<Entry> entries_;
};

class Store final : public device::KeyValueStore {
 public:
  Values values;
  bool full = false;
  Result<std::size_t> get(std::string_view key, MutableBytes into) override;
  Result<void> set(std::string_view key, Bytes value) override;
  Result<void> remove(std::string_view key) override;
};

class Secrets final : public device::SecretStore {
 public:
  std::string secret = "0123456789abcdef0123456789abcdef";
  std::optional<DeviceId> owner;  ///< nothing: it is the secret of any device
  std::optional<Error> broken;
  std::uint32_t asked = 0;
  Result<DeviceSecret> secret_of(const DeviceId& device) override;
};

class Log final : public device::Log {
 public:
  bool record = true;
  std::vector<std::string> lines;
  void line(device::LogLevel, std::string_view text) override {
    if (record) lines.emplace_back(text);
  }
};

/// A platform that can keep every post it was sent.
class RecordingPlatform final : public Platform {
 public:
  bool record_posts = false;
  std::vector<std::string> posts;
  bool record_all = false;
  std::vector<std::pair<std::string, std::string>> messages;  ///< topic and payload of everything

 private:
  void on_any(std::string_view topic, std::string_view payload) override {
    if (record_all) messages.emplace_back(topic, payload);
  }
  void on_post(std::string_view payload) override {
    if (record_posts) posts.emplace_back(payload);
  }
};

class Watchdog final : public device::Watchdog {
 public:
  std::uint32_t fed = 0;
  void feed() override { ++fed; }
};

struct Board {
  explicit Board(std::uint32_t seed = 1) : random(seed) {}
  Clock clock;
  Random random;
  Network network;
  RecordingPlatform platform;
  Transport transport{platform};
  TimeServers time_servers;
  Store store;
  Secrets secrets;
  Log log;
  Watchdog watchdog;
  device::Port port() { return {transport, clock, random, network, secrets, &time_servers, &store, &log, &watchdog}; }
};

}  // namespace tercet::fake
