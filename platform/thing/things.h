#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "platform/thing/model.h"
#include "platform/thing/outlet.h"
#include "platform/thing/shadow.h"
#include "platform/thing/upgrade_message.h"
#include "tercet/alink/codes.h"
#include "tercet/base/bytes.h"
#include "tercet/base/error.h"
#include "tercet/base/time.h"

namespace tercet::thing {

struct Latest {
  std::string identifier;
  std::string value;  ///< JSON as posted; value_text() (history.h) for the OpenAPI's text
  UnixMillis time;
};

struct Presence {
  bool online = false;
  UnixMillis since{};     ///< the last change; 0: never seen
  std::string address;    ///< of the last login, "192.0.2.1:50123"
  std::string client_id;  ///< of the last login
};

/// One device as the fleet table shows it.
struct Summary {
  std::uint64_t device = 0;
  std::string product;
  std::string name;
  Presence presence;
  UnixMillis last_message{};  ///< since this start; 0: none
  std::vector<Latest> values;
};

struct Counts {
  std::size_t devices = 0;  ///< with any state on this shard
  std::size_t online = 0;
  std::uint64_t posts = 0;             ///< property, batch and history posts accepted
  std::uint64_t events = 0;            ///< event records accepted
  std::uint64_t values = 0;            ///< property values accepted
  std::uint64_t dropped_values = 0;    ///< values that failed the check
  std::uint64_t refused_messages = 0;  ///< answered with another code than 200
  std::uint64_t sets = 0, set_timeouts = 0;
  std::uint64_t calls = 0, call_timeouts = 0;  ///< services and RRPC
  std::uint64_t store_full = 0;                ///< messages refused because the store was behind
};

/// How a property set, a service call or an RRPC was taken.
struct SetTicket {
  bool sent = false;
  bool answers = false;           ///< a synchronous call: on_result runs within its timeout, and somebody waits for it
  bool is_translating = false;    ///< of a product with pass-through format: when_translated() says whether it was sent
  std::uint32_t message_id = 0;   ///< MessageId of the OpenAPI, `id` on the wire, as decimal text
  Error error = Error::internal;  ///< when not sent: not_found, no such device; closed, it is offline; malformed, items
                                  ///< is no JSON object; bad_argument, a value does not fit the model; denied,
                                  ///< read-only; too_large, over 200 items; no_space, too many sets are waiting
  alink::Code code = alink::Code::success;  ///< of the value that does not fit
  std::string detail;                       ///< the identifier and what is wrong with it
};
/// How it ended.
struct SetResult {
  bool timed_out = false;
  std::int32_t code = 0;  ///< the device's; 200 = done
  std::string message;
  std::string data;  ///< JSON
};
/// How a service call or an RRPC ended.
struct CallResult : SetResult {
  std::string payload;  ///< the answer as it came; of an RRPC any bytes
};

/// What a property shall become: kept until the device takes it away (docs/thing-model.md).
struct Desired {
  std::string identifier;
  std::string value;          ///< JSON; "" when cleared
  std::uint64_t version = 0;  ///< 1 for the first value, one more for each later one
  UnixMillis time;
};
/// How a change of desired values was taken.
struct DesiredResult {
  bool kept = false;  ///< on disk
  SetTicket ticket;   ///< when not kept: why, as of a set; bad_state: a version is not the current one. When kept: the
                      ///< set that was sent to the device at once, if it is online
  std::vector<Desired> changed;
};

/// Whether a device is to upload its log.
struct LogUpload {
  bool kept = false;    ///< false: there is no such device, or the store took no more; nothing was changed
  bool wanted = false;  ///< what holds now
  bool pushed = false;  ///< the device is online and has been told
};

/// How an application's change of a shadow was taken.
struct ShadowResult {
  bool kept = false;                     ///< on disk
  Error error = Error::internal;         ///< else: not_found; bad_argument, see code; io_failed, the store took no more
  ShadowError code = ShadowError::none;  ///< why the message was refused
  std::string detail;
  std::int64_t version = 0;
};

/// One property's newest value of a coalesced update.
struct Change {
  std::string_view identifier;
  std::string_view value;  ///< JSON
  UnixMillis time;
};
/// Told on the shard about what has become durable, once per device and commit group, newest values only. For the
/// page's server-sent events. When a group holds more changes than the bound, the rest is left out and counted.
class Updates {
 public:
  virtual ~Updates() = default;
  virtual void on_values(std::uint64_t device, std::string_view product, std::string_view name,
                         std::span<const Change> changes) = 0;
  virtual void on_presence(std::uint64_t device, std::string_view product, std::string_view name,
                           const Presence& presence) = 0;
  virtual void on_event(std::uint64_t device, std::string_view product, std::string_view name, const Change& event) = 0;
  virtual void on_left_out(std::size_t changes) = 0;
};

/// What the OpenAPI and the page may ask of the devices whose home is this shard. Called on the shard (Loop::post from
/// elsewhere). Answers of reads come through the callback, on the shard, as soon as everything they show is durable:
/// at once on an idle shard, else with the commit group that is under way.
class Things {
 public:
  virtual ~Things() = default;

  /// Newest value of every property the device has reported, and its presence. Nothing for a device without any.
  virtual void latest(std::uint64_t device, std::function<void(std::optional<Summary>)> answer) = 0;
  /// The same of many devices; unknown ones are left out.
  virtual void latest_of(std::vector<std::uint64_t> devices, std::function<void(std::vector<Summary>)> answer) = 0;
  /// Devices of a product ("" = all) in order of their numbers, from `after` on, at most `limit`.
  virtual void list(std::string product, std::uint64_t after, std::size_t limit,
                    std::function<void(std::vector<Summary>)> answer) = 0;
  virtual std::optional<Presence> presence(std::uint64_t device) const = 0;
  virtual Counts counts() const = 0;

  /// Sends thing.service.property.set at QoS 1. items: a JSON object of values. on_result runs later, once, on the
  /// shard, when the device has answered or Settings::set_timeout is over; not at all when the ticket says it was not
  /// sent. The device's answer does not change a stored value: its next post does.
  virtual SetTicket set_properties(std::uint64_t device, std::string_view items,
                                   std::function<void(const SetResult&)> on_result) = 0;

  /// Calls a service of the thing model. args: a JSON object of its inputs. An asynchronous one goes to
  /// thing/service/{id} at QoS 1, and on_result runs when the device has answered or Settings::service_timeout is over.
  /// A synchronous one goes at QoS 0 over RRPC to a device that is online: over /ext/rrpc/ when that reaches it, else
  /// over rrpc/request/; on_result runs within Settings::sync_timeout. Each call is a record of the history, with its
  /// answer once there is one. Errors as set_properties(); denied, the device has not subscribed to RRPC.
  virtual SetTicket invoke_service(std::uint64_t device, std::string_view identifier, std::string_view args,
                                   std::function<void(const CallResult&)> on_result) = 0;
  /// Asks a device that is online what these properties are now (thing.service.property.get, QoS 0); on_result runs
  /// within Settings::sync_timeout, its data an object of values. Nothing is stored: a post does that. Errors as
  /// set_properties(); denied, a property is write-only, or the device has not subscribed.
  virtual SetTicket get_properties(std::uint64_t device, std::vector<std::string> identifiers,
                                   std::function<void(const CallResult&)> on_result) = 0;
  /// Any bytes to a device that is online, and its answer's bytes. topic "": rrpc/request/{id}; else a topic that
  /// begins with a slash, to /ext/rrpc/{id}{topic}. Errors: not_found, closed, denied, no_space, too_large.
  virtual SetTicket rrpc(std::uint64_t device, std::string_view topic, Bytes payload, Millis timeout,
                         std::function<void(const CallResult&)> on_result) = 0;

  /// After a ticket that says is_translating, on the same loop before anything else runs: gives the final ticket once
  /// the product's script has made bytes of the message, or has not (bad_argument with a code of script_...). on_result
  /// never runs when it was not sent.
  virtual void when_translated(std::uint32_t message_id, std::function<void(SetTicket)> then) = 0;

  /// Writes down what properties shall become, and sends it as a set if the device is online. versions: a JSON object
  /// of the current version of each property, 0 for none yet; "" or properties left out: whatever it is.
  virtual void set_desired(std::uint64_t device, std::string items, std::string versions,
                           std::function<void(const DesiredResult&)> done) = 0;
  /// Clears these, all of them when empty; versions stay.
  virtual void clear_desired(std::uint64_t device, std::vector<std::string> identifiers,
                             std::function<void(const DesiredResult&)> done) = 0;
  /// Every one that was ever set.
  virtual void desired(std::uint64_t device, std::function<void(std::vector<Desired>)> answer) = 0;

  /// Says whether the device is to upload its log, and tells it (thing/config/log/push) when it is online; one that is
  /// not asks when it comes (thing/config/log/get). Without `wanted`: how it is.
  virtual void log_upload(std::uint64_t device, std::optional<bool> wanted,
                          std::function<void(const LogUpload&)> done) = 0;
  /// Works out an application's `{"method":"update","state":{"desired":...},"version":n}` on the device's shadow;
  /// merges: members that it does not name stay desired. Kept, then sent to the device as a control message: at once if
  /// it is online, else when it is back and listens, until it has acknowledged it.
  virtual void update_shadow(std::uint64_t device, std::string message, bool merges,
                             std::function<void(const ShadowResult&)> done) = 0;
  /// The shadow as GetDeviceShadow shows it; "{}" when there is none, nothing when there is no such device.
  virtual void shadow(std::uint64_t device, std::function<void(std::optional<std::string>)> answer) = 0;

  /// Tells the devices of the product that are online that there is a configuration (thing/config/push). Gives how many
  /// it was sent to: those that have subscribed. What they say to it goes to Wiring::configured. In slices, so that
  /// other devices are served between them. Nothing is sent when the product has no configuration here yet.
  virtual void push_configuration(std::string product, std::function<void(std::size_t sent)> done) = 0;

  /// Sends bytes to every device of the product that is online, subscribed or not, on broadcast/request/{id}, QoS 0; in
  /// slices. Gives how many it was sent to.
  virtual void broadcast(std::string product, std::string id, std::string payload,
                         std::function<void(std::size_t sent)> done) = 0;

  /// Sends to a device that is online and has subscribed. topic: whole; the payload is copied.
  virtual Delivery send(std::uint64_t device, std::string_view topic, Bytes payload, std::uint8_t qos) = 0;

  /// Hands a message to rules and subscriptions, if one wants it; durable with the pass. Device, product and name are
  /// as given: the device may be gone already.
  virtual void tell_applications(Announcement message) = 0;

  /// A model compiled elsewhere (management thread) for that version of the product, so that the shard need not compile
  /// it at the product's next message. Optional; posted before the Directory's new Product.
  virtual void put_model(std::string product, std::uint64_t version, std::shared_ptr<const Model> model) = 0;

  /// Erases values and history of a deleted device. After the Directory has forgotten it.
  virtual void forget(std::uint64_t device) = 0;

  /// nullptr stops. One listener; it must outlive its registration.
  virtual void listen(Updates* updates) = 0;
};

}  // namespace tercet::thing
