#pragma once
#include <cstdint>
#include <string_view>

#include "tercet/base/fixed_string.h"
#include "tercet/base/result.h"
#include "tercet/base/triple.h"
#include "tercet/base/writer.h"

namespace tercet::alink {

/// Every topic of the reference's master list (4.4). A request and its `_reply` share a kind.
enum class Kind : std::uint8_t {
  unknown,  ///< of a known family, but no topic we know; ask nothing of it
  custom,   ///< `/{pk}/{dn}/...`; name = what follows, "user/update"
  // thing model: /sys/{pk}/{dn}/thing/...
  property_post,
  property_set,
  property_get,
  event_post,  ///< name = event id, "module:event" of a custom module
  service,     ///< name = service id
  property_batch_post,
  property_history_post,
  property_pack_post,
  desired_get,
  desired_delete,
  raw_up,
  raw_down,
  tsl_get,
  dynamic_tsl_get,
  tags_update,
  tags_delete,
  tags_get,
  config_get,
  config_push,
  log_config_get,
  log_config_push,
  log_post,
  ota_firmware_get,
  file_download,
  file_upload_init,
  file_upload_send,
  file_upload_cancel,
  job_notify,
  job_get,
  job_update,
  disable,
  enable,
  remove,  ///< `thing/delete`
  topo_add,
  topo_delete,
  topo_get,
  topo_change,
  topo_add_notify,
  list_found,
  sub_register,
  sub_unregister,
  product_register,
  gateway_permit,
  bootstrap_notify,
  bootstrap_config_push,
  model_config_push,
  reset,
  living_link,  ///< `awss`, `lan`, `cipher`: pairing of the Living Link apps, not offered
  // /sys/{pk}/{dn}/... beside thing
  rrpc_request,       ///< name = message id
  rrpc_response,      ///< name = message id
  broadcast_request,  ///< name = message id
  network_diagnosis,  ///< `_thing/diag/post`
  private_notify,     ///< `_thing/event/notify`
  private_service,    ///< `_thing/service/post`
  codec_update,
  tunnel_notify,
  tunnel_proxy,
  // /ext/...
  ntp,          ///< is_reply = response
  rrpc_custom,  ///< name = message id, inner = the topic behind it, with its leading slash
  session_login,
  session_logout,
  session_batch_login,
  session_batch_logout,
  session_error,
  registered,         ///< `/ext/register`
  registered_token,   ///< `/ext/regnwl`
  identity_response,  ///< `/ext/auth/identity/response`
  // /ota, /shadow, /broadcast
  ota_inform,
  ota_progress,
  ota_upgrade,
  ota_request,
  shadow_update,
  shadow_get,
  product_broadcast,  ///< `/broadcast/{pk}/...`; device empty, name = what follows
};

/// A topic taken apart once. Views into the topic.
struct Topic {
  Kind kind = Kind::unknown;
  bool is_reply = false;     ///< ends in `_reply`, or is the answering one of a pair (NTP response)
  std::string_view path;     ///< without the query suffix: what subscriptions are matched with
  std::string_view product;  ///< "" for `/ext/register` and its like
  std::string_view device;   ///< "" for those and for product broadcasts
  std::string_view name;
  std::string_view inner;
  std::string_view query;  ///< behind the first `?`: `_rid=…`, `_sn=default`

  bool is_system() const { return kind != Kind::custom && kind != Kind::unknown; }
  /// `?_sn=default`: the payload is to go through the product's script.
  bool wants_script() const;
};

/// Errors: malformed: no leading slash, empty, an empty level, a wildcard, or NUL. A name that the cloud would not
/// give (bad ProductKey) is not refused here: it will not be anybody's.
Result<Topic> parse_topic(std::string_view topic);

/// Which side publishes it. `both`: custom topics, and RRPC on a custom topic, whose answer has the same topic.
enum class Direction : std::uint8_t { up, down, both };
Direction direction(const Topic& topic);

/// Whether the platform delivers this topic to its device without any SUBSCRIBE (4.5). `auto_subscribe` = the client
/// id said `_ss=1`: then every system topic sent down. Registration answers and broadcasts to online devices always;
/// RRPC on custom topics when `ext` has bit 0, errors of sub-devices' sessions when it has bit 1.
bool is_delivered_unasked(const Topic& topic, bool auto_subscribe, unsigned ext);

/// The Alink method a topic stands for: "thing.event.property.post", "thing.service.SetWeight"; "" where the protocol
/// has none. Written to `out` when it is not a constant. Errors: no_space.
Result<std::string_view> method_of(const Topic& topic, std::span<char> out);

/// The longest topic we build: RRPC with a service of a module.
inline constexpr std::size_t kMaxBuiltTopic = 256;
using TopicName = FixedString<kMaxBuiltTopic>;

/// Topic of a kind for one device; `name` where the kind has one (event, service, message id). Kinds without product
/// and device ignore those. Errors: too_large; bad_argument, kind cannot be built (custom, unknown, product_broadcast,
/// rrpc_custom: see below) or lacks its name.
Result<TopicName> request_topic(Kind kind, const DeviceId& device, std::string_view name = {});
/// Where the answer to `request` goes: `_reply`, or its partner for NTP, RRPC, shadow; itself for `rrpc_custom` and
/// `ota_request`. Errors: bad_argument, nothing answers it; too_large.
Result<TopicName> reply_topic(const Topic& request);
/// The same straight into a packet under construction; false and nothing written when nothing answers the topic.
bool write_reply_topic(tercet::Writer& out, const Topic& request);
/// `/ext/rrpc/{message_id}{topic}`; `topic` begins with a slash. Errors: bad_argument, too_large.
Result<TopicName> rrpc_custom_topic(std::string_view message_id, std::string_view topic);
/// `/{pk}/{dn}/user/{rest}`. Errors: bad_argument, too_large.
Result<TopicName> user_topic(const DeviceId& device, std::string_view rest);

}  // namespace tercet::alink
