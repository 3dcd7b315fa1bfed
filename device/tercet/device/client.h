#pragma once
#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>

#include "tercet/alink/topic.h"
#include "tercet/auth/sign.h"
#include "tercet/base/result.h"
#include "tercet/base/triple.h"
#include "tercet/device/clock.h"
#include "tercet/device/desired.h"
#include "tercet/device/ladder.h"
#include "tercet/device/login_source.h"
#include "tercet/device/port.h"
#include "tercet/device/properties.h"
#include "tercet/device/service.h"
#include "tercet/device/spool.h"
#include "tercet/mqtt/client.h"

namespace tercet::device {

/// The platform's answer to a post. Views live during the call.
struct PostReply {
  MessageId id = 0;         ///< what post_…() returned; of a batch its own
  std::uint16_t posts = 1;  ///< how many posts are answered: more than one for a batch of what waited in flash
  std::int32_t code = 0;
  std::string_view message;
  std::string_view data;  ///< JSON; names the properties that were dropped: {"x":"tsl parse: params not exist -> x"}
};

/// What the device tells its owner, on the task that calls run(). A handler may post and publish; it may not stop or
/// destroy the device.
class DeviceEvents {
 public:
  /// The platform wants properties changed: see PropertySet. Not overridden: answers 460 to any.
  virtual void on_set(PropertySet& set) { static_cast<void>(set); }
  /// The platform calls a service: see ServiceCall. With Options::services. Not overridden: answers 460 to any.
  virtual void on_service(ServiceCall& call) { call.refuse(alink::number(alink::Code::parameter_error)); }
  /// The platform asks what properties are now: see PropertyGet. With Options::services. Not overridden: answers 460.
  virtual void on_get(PropertyGet& get) { get.refuse(alink::number(alink::Code::parameter_error)); }
  /// The platform asks for an answer to some bytes: see RrpcCall. With Options::services. May not post: the answer lies
  /// where posts are written.
  virtual void on_rrpc(RrpcCall& call) { static_cast<void>(call); }
  /// What get_desired() asked for. With Options::desired.
  virtual void on_desired(DesiredValues& desired) { static_cast<void>(desired); }
  virtual void on_reply(const PostReply& reply) { static_cast<void>(reply); }
  /// A rung was passed (record.error empty) or broke. detail: more for a person to read, may be empty.
  virtual void on_rung(Rung rung, const RungRecord& record, std::string_view detail) {
    static_cast<void>(rung), static_cast<void>(record), static_cast<void>(detail);
  }
  virtual void on_online() {}
  /// The session or the attempt is over; the next attempt comes by itself after `retry_in`.
  virtual void on_offline(Rung rung, Error error, Millis retry_in) {
    static_cast<void>(rung), static_cast<void>(error), static_cast<void>(retry_in);
  }
  /// The wall clock was changed by us.
  virtual void on_time(const TimeStep& step) { static_cast<void>(step); }
  /// Any other message: of topics subscribed to with subscribe(), or sent unasked.
  virtual void on_message(std::string_view topic, Bytes payload) {
    static_cast<void>(topic), static_cast<void>(payload);
  }

 protected:
  ~DeviceEvents() = default;
};

/// Where the platform is. The text outlives the device.
struct Endpoint {
  std::string_view host;
  std::uint16_t port = 8883;
  bool tls = true;
};

struct Options {
  /// Where to go when two attempts in a row have reached nobody at the endpoint, and back after two more in vain. Host
  /// "" for nowhere else.
  Endpoint other = {};
  Seconds keep_alive{60};       ///< 30..1200. A dead link is noticed 10 s later at the latest: with 60 within 70 s
  bool auto_subscribe = false;  ///< `_ss=1`: the platform subscribes for us, as for the vendor's C SDK 4
  bool clean_session = false;   ///< true: sets sent while we are away are lost
  /// Services and RRPC come to on_service and on_rrpc. False: we do not ask for them, and what comes unasked goes to
  /// on_message.
  bool services = false;
  /// Answers to get_desired() come to on_desired.
  bool desired = false;
  bool platform_time = true;  ///< ask the platform's NTP topic after each login
  /// TLS by the vendor's pre-shared key (tercet/auth/psk.h) instead of certificates: for boards without the memory for
  /// them, on a port that takes it (1883 of Tercet). It needs no clock, and gives no forward secrecy.
  bool psk = false;
  /// Makes the login instead of the DeviceSecret of port.secrets: see RegisteredIdentity (registration.h). Outlives the
  /// device. With TERCET_NO_OTHER_LOGINS start() fails as unsupported.
  LoginSource* login = nullptr;
  mqtt::Qos post_qos = mqtt::Qos::at_least_once;  ///< 0: posts may be lost on the way
  DropPolicy drop = DropPolicy::oldest;
  /// Posts go out one in this time on average, and five at once: the cloud drops more than ten QoS 1 messages a second
  /// without a word. Zero: as fast as the connection takes them.
  Millis post_interval{200};
  /// Offline for so long: what waits in RAM goes to flash, and what is posted from then on.
  Millis flash_after{30'000};
  TimeOptions time;
  Millis link_timeout{30'000};  ///< for Wi-Fi and for an address
  Millis dns_timeout{10'000};
  Millis tcp_timeout{10'000};
  Millis tls_timeout{15'000};
  Millis reply_timeout{20'000};  ///< silence after which the rung `reply` is reported as broken (we stay online)
  Millis backoff_first{1'000};
  Millis backoff_limit{60'000};
  std::string_view client_id = {};          ///< "" = `${pk}.${dn}`
  std::string_view version = "tercet-0.1";  ///< `_v`
};

/// All memory of a Device besides itself. Outlives it.
struct Storage {
  mqtt::ClientStorage mqtt;
  MutableBytes outbox;             ///< messages waiting for the network
  MutableBytes scratch;            ///< the longest payload we write: see post_bytes()
  std::span<Flight> flights = {};  ///< with flash, as many as mqtt.sending has
};

/// How many topics an application may subscribe to besides ours.
inline constexpr std::size_t kSystemFilters = 6;

/// The arrays behind a Storage. With the default sizes about 6 KB: messages of 1 KB in and 768 bytes out, four posts on
/// the wire, a dozen more waiting. The platform may send more than kPacket; it is skipped then.
template <std::size_t kPacket = 1024, std::size_t kOutbox = 2048, std::size_t kScratch = 512, std::size_t kWindow = 4,
          std::size_t kUserFilters = 1>
struct DeviceBuffers {
  static constexpr std::size_t kOutput = kScratch < 512 ? 768 : kScratch + 256;  ///< CONNECT takes up to 700 bytes
  mqtt::ClientBuffers<kPacket, kOutput, kWindow*(kScratch / 2 + 96), kWindow, kSystemFilters + kUserFilters> mqtt;
  std::array<std::uint8_t, kOutbox> outbox;
  std::array<std::uint8_t, kScratch> scratch;
  std::array<Flight, kWindow> flights{};
  Storage storage() { return {mqtt.storage(), outbox, scratch, flights}; }
};

/// A board's connection to the platform. It climbs the ladder, stays online, sends what is posted, obeys property sets.
/// One task owns it: call run() whenever next_deadline() has come or the transport has something (a port's wait() does
/// both). Nothing blocks; nothing is allocated; a network fault never ends it.
class Device {
 public:
  /// `port`'s parts, `storage` and `events` outlive the device.
  Device(const Port& port, const Storage& storage, DeviceEvents& events);
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  /// Begins to climb. The DeviceSecret is asked from port.secrets at each login and wiped when the login is signed.
  /// Errors: bad_argument, an option out of its range, or no host; bad_state, started already.
  Result<void> start(const DeviceId& id, const Endpoint& endpoint, const Options& options = {});
  /// Says goodbye; is_stopped() becomes true after one of the next run()s. What waits in the outbox, and what is on the
  /// wire, stays for start(), unless that is of another id: then what is on the wire and not in flash is counted as
  /// dropped. With flash all of it has gone there when is_stopped(), and stays for the next boot too.
  void stop();
  bool is_stopped() const { return !client_ || (client_->is_stopped() && !stopping_); }

  /// Does what can be done without waiting. At most a few milliseconds, plus a TLS handshake's arithmetic.
  void run();
  /// When run() wants to be called again at the latest, even if the network stays silent.
  Instant next_deadline() const;

  /// Posts values as of now, or as of `at`. Returns the id that on_reply names. Until the clock is set values go
  /// without a time, and the platform's counts. Errors, all without effect: bad_state, before start(); too_large, more
  /// than `scratch` or the outbox holds; no_space, the outbox is full and its policy is `newest`: retry when online.
  Result<MessageId> post_properties(std::span<const PropertyValue> values, std::optional<UnixMillis> at = {});
  Result<MessageId> post_properties(std::initializer_list<PropertyValue> values, std::optional<UnixMillis> at = {}) {
    return post_properties(std::span(values.begin(), values.size()), at);
  }
  Result<MessageId> post_property(const PropertyValue& value) { return post_properties(std::span(&value, 1)); }
  /// An event of the thing model with its output. Errors as post_properties(); bad_argument, the identifier.
  Result<MessageId> post_event(std::string_view event, std::span<const PropertyValue> output,
                               std::optional<UnixMillis> at = {});
  Result<MessageId> post_event(std::string_view event, std::initializer_list<PropertyValue> output,
                               std::optional<UnixMillis> at = {}) {
    return post_event(event, std::span(output.begin(), output.size()), at);
  }

  /// Asks what the platform wants of these properties; the answer comes to on_desired. At once, as publish(): call it
  /// in on_online(), when the platform may have had wishes while we were away. Errors: bad_state, not online;
  /// would_block or no_space, retry after the next run(); too_large.
  Result<MessageId> get_desired(std::initializer_list<std::string_view> identifiers);
  /// Tells the platform that a wish has been seen to, so that it is not found again; a newer one stays. version: of
  /// DesiredValues. Errors as get_desired().
  Result<MessageId> clear_desired(std::string_view identifier, std::uint64_t version);

  /// Any topic, at once: nothing is kept when the network is away, except QoS 1 messages that found room in the window.
  /// Errors: bad_state, not online; would_block or no_space, retry after the next run(); bad_argument; too_large.
  Result<void> publish(std::string_view topic, Bytes payload, mqtt::Qos qos);
  /// Messages of this filter come to on_message. The text outlives the device. Errors: bad_state, before start();
  /// bad_argument; no_space, more than kUserFilters.
  Result<void> subscribe(std::string_view filter, mqtt::Qos qos);

  bool is_online() const { return client_ && client_->is_online(); }
  const Ladder& ladder() const { return ladder_; }
  const TimeKeeper& time() const { return time_; }
  /// While online: when the first certificate of the server's chain expires, where the port can tell.
  std::optional<UnixMillis> chain_expiry() const {
    return is_online() ? port_.transport.chain_expiry() : std::optional<UnixMillis>{};
  }
  OutboxCounters outbox() const { return spool_ ? spool_->counters() : OutboxCounters{}; }
  /// Posts handed to the connection and not yet acknowledged.
  std::size_t in_flight() const { return client_ ? client_->in_flight() : 0; }
  /// Posts the platform has acknowledged.
  std::uint32_t delivered() const { return delivered_; }
  /// How long the device tries in vain; zero when online.
  std::uint32_t failed_attempts() const { return client_ ? client_->attempts() : 0; }

 private:
  enum class Step : std::uint8_t { idle, link, address, time, transport, session };

  // The way up, connect.cc.
  void begin_attempt(Instant now);
  void climb(Instant now);
  void wait_for_network(Instant now);
  void settle_time(Instant now);
  void open_transport(Instant now);
  void advance_transport(Instant now);
  void log_in(Instant now);
  void pass(Rung rung, Instant now);
  void break_off(Rung rung, Error error, Instant now);
  void enter(Step step, Millis timeout, Instant now);
  void report_step();
  void wipe_login();
  void wipe_output();
  Result<Target> target();
  const Endpoint& endpoint() const { return on_other_ ? options_.other : endpoint_; }
  void count_attempt(bool reached);

  // A session, client.cc.
  void exchange(Instant now);
  bool take_events(Instant now);
  void handle(const mqtt::ClientEvent& event, Instant now);
  void on_online(const mqtt::Online& online, Instant now);
  void on_offline(const mqtt::Offline& offline, Instant now);
  void on_subscribed(const mqtt::Subscribed& subscribed, Instant now);
  void pass_suback(Instant now);
  bool send_waiting(Instant now);
  void open_spool(DropPolicy drop);
  Result<void> keep(const Outgoing& message);
  /// One message on the wire; the texts live as long as it is there.
  struct InFlight {
    std::uint16_t packet_id;
    std::string_view topic, payload;  ///< topic: behind `/sys/{pk}/{dn}/`
  };
  std::optional<InFlight> flight(std::size_t i, std::string_view ours) const;
  void lose_flights();
  bool spill();
  void spill_when_due(Instant now);
  void conclude_stop();
  static constexpr int kPostsAtOnce = 4;  ///< beyond the first
  bool may_post(Instant now) const;
  std::size_t most_payload(std::string_view topic) const;
  MessageId next_id() const { return next_id_ == 0xFFFF'FFFF ? 1 : next_id_ + 1; }
  bool write_out(Instant now);
  bool read_in(Instant now);
  void check_reply(Instant now);

  // Messages, message.cc.
  void on_received(const mqtt::Publish& message, Instant now);
  void on_set(Bytes payload, mqtt::Qos qos);
  void on_reply(Bytes payload, Instant now);
  // Desired values, desired.cc.
  void on_desired(Bytes payload, Instant now);
  Result<MessageId> publish_request(MessageId id, std::string_view tail, Bytes payload);
  // Services and RRPC, service.cc.
  std::optional<std::string_view> own_tail(std::string_view topic) const;
  bool on_call(const mqtt::Publish& message);
  bool on_custom_rrpc(const mqtt::Publish& message, std::string_view rest);
  void on_service(std::string_view identifier, Bytes payload, std::string_view reply_topic, mqtt::Qos qos);
  void on_rrpc(std::string_view topic, Bytes payload, std::string_view reply_topic);
  void on_ntp(Bytes payload, Instant now);
  void ask_time(Instant now);
  void heard_reply(Instant now);
  void expect_reply(Instant now);
  Result<MessageId> post(std::string_view topic, std::string_view method, std::span<const PropertyValue> values,
                         std::optional<UnixMillis> at, bool is_event);
  Result<void> make_filters();
  bool expand(std::string_view topic, alink::TopicName& into) const;
  void log(LogLevel level, std::string_view what, std::string_view detail);

  Port port_;
  Storage storage_;
  DeviceEvents& events_;
  TimeKeeper time_;
  Ladder ladder_;
  std::optional<mqtt::Client> client_;
  std::optional<Spool> spool_;
  std::optional<DeviceId> id_;
  Endpoint endpoint_;
  Options options_;
  std::array<FixedString<112>, kSystemFilters> filters_;
  std::uint8_t granted_ = 0, wanted_ = 0, refused_ = 0;  ///< bits of filters_
  Step step_ = Step::idle;
  std::optional<Rung> broken_;  ///< where this attempt broke before there was a session
  bool stopping_ = false;
  bool more_to_do_ = false;
  bool password_on_wire_ = false;
  bool on_other_ = false;     ///< the endpoint in use is Options::other
  std::uint8_t in_vain_ = 0;  ///< attempts at it that reached nobody
  Instant step_until_ = Instant::never();
  Instant reply_until_ = Instant::never();
  Instant posted_until_{};               ///< the time that the posts sent so far have used up
  Instant spill_at_ = Instant::never();  ///< while offline
  Instant flash_again_{};                ///< after it could not be read
  MessageId next_id_ = 0;
  std::uint32_t delivered_ = 0;
};

}  // namespace tercet::device
