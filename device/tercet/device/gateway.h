#pragma once
#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>

#include "tercet/base/fixed_string.h"
#include "tercet/device/client.h"

/// Devices behind a gateway (docs/gateway.md; device-side reference, section 9). Nothing of this is linked into a
/// program that does not use it.
namespace tercet::device {

/// How a device behind a gateway is doing.
///
///              add() without a secret        add()              6401 to a login
///   unused ------------------------> unnamed ---told--> ready <---------- absent
///                                                       |  ^               ^ added to the topology: ready again
///                                             logged in |  | 427, 520, the gateway was offline
///                                                       v  |
///                                                      online
///   any --522, thing/disable--> disabled --thing/enable--> ready
///   any --521, thing/delete, 6100--> deleted        any --taken out of the topology by others--> removed
///   any --remove()--> leaving --answered--> unused
///
/// What is refused waits, longer each time, 1 s to 60 s, and is tried again.
enum class SubState : std::uint8_t {
  unused,    ///< the slot is free
  unnamed,   ///< its secret is asked for with sub/register
  ready,     ///< waits for its login
  absent,    ///< waits to be added to the topology
  online,    ///< logged in: it may post
  disabled,  ///< by the platform's owner; goes on when it is enabled
  deleted,   ///< the platform does not know it: remove() frees the slot
  removed,   ///< an application took it from the topology: add() brings it back
  leaving,   ///< remove() was called
};

/// One of them. The array of these is the caller's; a Gateway alone changes them.
class SubDevice {
 public:
  const DeviceId& id() const { return *id_; }  ///< not of an unused one
  SubState state() const { return state_; }
  /// The platform's last refusal, an Alink code; 0: none.
  std::int32_t code() const { return code_; }
  /// What sub/register told: keep it. "" before.
  std::string_view secret() const { return secret_.str(); }
  ~SubDevice() { secret_.wipe(); }

 private:
  friend class Gateway;
  std::optional<DeviceId> id_;
  FixedString<64> secret_;
  SubState state_ = SubState::unused;
  bool asked_ = false;  ///< it is in the request that waits for its answer
  std::uint8_t refusals_ = 0;
  std::int32_t code_ = 0;
  Instant again_{};  ///< not before
};

/// What a gateway tells, on the task that calls Device::run(). Handlers may post, and add and remove devices.
class GatewayEvents {
 public:
  /// It has another state. sub.code() says why, when the platform did.
  virtual void on_sub_state(SubDevice& sub) = 0;
  /// Its secret was told: SubDevice::secret() is to be kept, so that it is not asked for again.
  virtual void on_sub_registered(SubDevice& sub) { static_cast<void>(sub); }
  /// Its properties are to be changed: see PropertySet. Not overridden: answers 460.
  virtual void on_sub_set(SubDevice& sub, PropertySet& set) { static_cast<void>(sub), static_cast<void>(set); }
  /// One of its services is called. Not overridden: answers 460.
  virtual void on_sub_service(SubDevice& sub, ServiceCall& call) {
    static_cast<void>(sub);
    call.refuse(alink::number(alink::Code::parameter_error));
  }
  /// The answer to post_properties() and post_event().
  virtual void on_sub_reply(SubDevice& sub, const PostReply& reply) {
    static_cast<void>(sub), static_cast<void>(reply);
  }
  /// Anything else that is for it. tail: behind `/sys/{pk}/{dn}/`, or behind `/{pk}/{dn}/` ("user/get").
  virtual void on_sub_message(SubDevice& sub, std::string_view tail, Bytes payload) {
    static_cast<void>(sub), static_cast<void>(tail), static_cast<void>(payload);
  }
  /// An application asks the gateway to take this device on: add() it if it is there.
  virtual void on_invited(const DeviceId& id) { static_cast<void>(id); }

 protected:
  ~GatewayEvents() = default;
};

/// Speaks for devices that have no connection of their own. Keeps each of them in the topology and logged in, after
/// every reconnect again, answers notices, and hands on what is for them. One request is under way at a time; 50 logins
/// go in one. Same task as the device; `device`, `port`, `events`, `subs` and `scratch` outlive it. scratch holds the
/// longest message: 400 bytes, and 320 for each login that is to go in one; the device's storage must hold them, too,
/// and answers of 64 bytes for each.
///
///   Options::auto_subscribe = true     so that what is for them comes unasked
///   void on_message(std::string_view topic, Bytes payload) override { if (gateway.on_message(topic, payload)) return;
///   } for (;;) { device.run(); gateway.run(); port.wait(std::min(device.next_deadline(), gateway.next_deadline())); }
class Gateway {
 public:
  static constexpr std::size_t kLoginBytes = 320;  ///< of scratch, for each login in one message
  /// Most logins in one message: 5 of the cloud as documented in 2020, 50 since.
  Gateway(Device& device, const Port& port, GatewayEvents& events, std::span<SubDevice> subs, MutableBytes scratch,
          std::size_t most_logins = 5);
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;

  /// After Device::start(), with the gateway's own names.
  void start(const DeviceId& id) { id_ = id; }
  /// Takes a device on, or takes it on again when it is `removed` or `deleted`. secret "": it is asked for, which the
  /// product's switch for dynamic registration must allow. Errors: no_space, no slot is free; bad_argument, the secret
  /// is too long; already_exists.
  Result<SubDevice*> add(const DeviceId& id, std::string_view secret);
  /// Logs it out and takes it from the topology; its slot is free when that is answered. Offline, its login ends with
  /// the connection, and it is taken from the topology when the gateway is back.
  void remove(SubDevice& sub);
  SubDevice* find(const DeviceId& id);

  /// At once, with QoS 0, as the cloud wants it of sub-devices: nothing is kept. The answer comes to on_sub_reply.
  /// Errors: bad_state, the device is not online; would_block or no_space, retry after the next run(); too_large.
  Result<MessageId> post_properties(SubDevice& sub, std::span<const PropertyValue> values,
                                    std::optional<UnixMillis> at = {});
  Result<MessageId> post_properties(SubDevice& sub, std::initializer_list<PropertyValue> values,
                                    std::optional<UnixMillis> at = {}) {
    return post_properties(sub, std::span(values.begin(), values.size()), at);
  }
  /// bad_argument besides: the identifier.
  Result<MessageId> post_event(SubDevice& sub, std::string_view event, std::span<const PropertyValue> output,
                               std::optional<UnixMillis> at = {});
  Result<MessageId> post_event(SubDevice& sub, std::string_view event, std::initializer_list<PropertyValue> output,
                               std::optional<UnixMillis> at = {}) {
    return post_event(sub, event, std::span(output.begin(), output.size()), at);
  }
  /// On a topic of its own: tail "user/update" for `/{pk}/{dn}/user/update`. Errors as post_properties().
  Result<void> publish(SubDevice& sub, std::string_view tail, Bytes payload);
  /// Tells the platform of devices that were found nearby and may be added by an application.
  Result<void> report_found(std::span<const DeviceId> found);

  /// After each Device::run().
  void run();
  Instant next_deadline() const;
  /// True: it was the gateway's, and events were told. Call it from DeviceEvents::on_message().
  bool on_message(std::string_view topic, Bytes payload);

 private:
  enum class Request : std::uint8_t { none, registration, adding, login, removal };
  struct Words;

  void session_began();
  bool ask_next(Instant now);
  bool send(Request kind, Instant now);
  std::size_t choose(SubState state, std::size_t most, Instant now);
  void on_answer(Bytes payload, Instant now);
  void settle(SubDevice& sub, std::int32_t code, Instant now);
  void take_secret(const json::Value& entry);
  void refuse(SubDevice& sub, std::int32_t code, Instant now);
  void enter(SubDevice& sub, SubState state, std::int32_t code = 0);
  void free(SubDevice& sub);
  void end_request();
  bool on_own(std::string_view tail, Bytes payload, Instant now);
  void on_error(Bytes payload);
  void on_change(const json::Value& params);
  void on_sub(SubDevice& sub, std::string_view topic, std::string_view tail, Bytes payload);
  void on_sub_set(SubDevice& sub, std::string_view topic, Bytes payload);
  void on_sub_call(SubDevice& sub, std::string_view topic, std::string_view service, Bytes payload);
  void answer(std::string_view topic, std::string_view id, std::int32_t code, std::string_view data = "{}");
  SubDevice* named(const json::Value& entry);
  SubDevice* named(std::string_view product, std::string_view device);
  Result<MessageId> post(SubDevice& sub, std::string_view tail, std::string_view method,
                         std::span<const PropertyValue> values, std::optional<UnixMillis> at, bool is_event);
  Result<void> publish_to(std::string_view head, const DeviceId& id, std::string_view tail, Bytes payload);
  MessageId next_id() { return last_id_ = last_id_ == 0xFFFF'FFFF ? 1 : last_id_ + 1; }

  Device& device_;
  const Port port_;
  GatewayEvents& events_;
  std::span<SubDevice> subs_;
  MutableBytes scratch_;
  std::size_t most_logins_;
  std::optional<DeviceId> id_;
  bool was_online_ = false;
  Request request_ = Request::none;
  MessageId asked_ = 0, last_id_ = 0;
  Instant answer_until_ = Instant::never();
};

}  // namespace tercet::device
