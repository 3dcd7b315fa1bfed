#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace tercet::auth {

/// Why this platform did not do what was asked, for every stage from the first byte to a posted value. The one table of
/// causes: the refusal journal stores the code, and the page, the command line and the doctor show the texts.
enum class Cause : std::uint8_t {
  // The signature: what reproduces a wrong password.
  password_is_secret,
  password_is_product_secret,
  password_is_content,
  password_empty,
  sign_ampersand_between_fields,
  sign_equals_between_name_and_value,
  sign_other_separator,
  sign_order,
  sign_field_missing,
  sign_labels_missing,
  sign_labels_case,
  sign_names_case,
  sign_extra_field,
  sign_timestamp_missing,
  sign_timestamp_not_in_client_id,
  sign_timestamp_differs,
  sign_timestamp_seconds,
  sign_timestamp_overflow,
  sign_times_sign,
  sign_whole_client_id,
  sign_other_client_id,
  sign_names_swapped,
  sign_trailing_character,
  sign_method_differs,
  sign_method_missing,
  sign_plain_digest,
  sign_key_and_message_swapped,
  key_trailing_character,
  key_hex_decoded,
  key_case,
  key_cut,
  key_ampersand_appended,
  key_is_product_secret,
  key_is_sibling_secret,
  key_is_a_name,
  key_empty,
  password_base64,
  password_base64_of_hex,
  password_raw_bytes,
  password_leading_zeros_lost,
  password_cut,
  password_decorated,
  password_suffix,
  // The other strings of a login.
  client_id_cut,
  client_id_too_long,
  client_id_empty,
  client_id_bad_sign_method,
  client_id_bad_secure_mode,
  secure_mode_contradicts_transport,
  user_name_swapped,
  user_name_separator,
  user_name_html_ampersand,
  user_name_blank,
  user_name_incomplete,
  user_name_missing,
  user_name_placeholder,
  user_name_holds_secret,
  clock_outside_window,
  clock_never_set,
  clock_seconds,
  clock_overflow,
  wrong_password,
  // What only the real cloud minds.
  article_password_suffix,
  article_ampersand_content,
  article_blank_after_comma,
  article_key_case,
  article_identity_repeated,
  article_unknown_keys,
  article_sign_method_missing,
  article_timestamp_missing,
  article_dialect_off,
  // Who it is.
  unknown_product,
  unknown_device,
  device_disabled,
  product_secret_login_off,
  id2_not_offered,
  bad_login_throttled,
  // Dynamic registration.
  registration_off,
  registration_wrong_sign,
  registration_incomplete,
  registration_without_tls,
  registration_device_active,
  registration_too_many,
  registration_unavailable,
  token_unknown,
  // Rotation of a device's secret.
  secret_earlier,  ///< let in with the secret from before the rotation
  secret_ended,    ///< and no longer
  // X.509 certificates of devices.
  certificate_missing,
  certificate_unknown,
  certificate_revoked,
  certificate_not_valid_now,
  certificate_of_another,
  login_needs_certificate,
  // Transport and CONNECT.
  tls_expected,
  plain_expected,
  plain_not_allowed,
  not_mqtt,
  no_connect,
  tls_alert_unknown_ca,
  tls_alert_expired,
  tls_alert_bad_certificate,
  tls_alert_other,
  tls_no_common_version,
  tls_no_common_cipher,
  tls_handshake_failed,
  tls_legacy,
  tls_psk_identity,
  tls_psk_unknown,
  tls_psk_key,
  web_socket_refused,
  web_socket_broken,
  protocol_version,
  malformed_packet,
  packet_out_of_order,
  connect_too_large,
  keep_alive_too_short,
  keep_alive_too_long,
  keep_alive_zero,
  duplicate_login,
  duplicate_login_loop,
  connect_rate,
  server_full,
  // Topics and messages.
  topic_forbidden,
  topic_of_another_device,
  topic_unknown,
  topic_malformed,
  topic_too_long,
  topic_too_deep,
  topic_class_missing,
  topic_class_publish,
  topic_class_subscribe,
  filter_forbidden,
  filter_wildcard,
  filter_malformed,
  too_many_filters,
  too_many_subscriptions,
  packet_too_large,
  publish_rate,
  in_flight_exceeded,
  qos2,
  offline_queue_full,
  retained_full,
  down_rate,
  bandwidth,
  payload_not_json,
  payload_not_object,
  params_missing,
  params_wrong_type,
  property_not_in_model,
  property_wrong_type,
  property_out_of_range,
  property_bad_time,
  too_many_properties,
  pack_not_kept,
  event_not_in_model,
  service_not_in_model,
  function_not_offered,  ///< a documented function of the cloud that this platform does not have yet
  store_full,            ///< the disk is behind: the message was not kept
  model_missing,
  reply_unexpected,
  shadow_malformed,
  shadow_version,
  shadow_rate,
  // Gateways and their sub-devices.
  not_a_gateway,
  sub_device_is_gateway,
  sub_device_unknown,
  sub_device_disabled,
  sub_device_sign,
  sub_device_sign_method,
  sub_device_not_in_topology,
  sub_device_of_another_gateway,
  sub_device_not_logged_in,
  sub_device_elsewhere,
  sub_device_name,
  too_many_sub_devices,
  sub_device_login_rate,
  script_missing,  ///< a message that its product's script is to parse, and there is none
  script_failed,   ///< the script threw, gave the wrong thing, or has no such function
  script_cut_off,  ///< it took too much time or memory
  tag_key,
  tag_value,
  too_many_tags,
  // Consumers of the server-side subscription.
  consumer_no_login,  ///< the connection ended before anybody had logged in
  consumer_user_name,
  consumer_key_unknown,
  consumer_key_disabled,
  consumer_password,
  consumer_group_unknown,
  consumer_group_full,
  consumer_connect_rate,
  consumer_idle_time_out,
  consumer_link,  ///< no receiver, a second one, or a sender
  internal,
};

struct CauseText {
  Cause cause;
  std::string_view code;  ///< stable: "sign.ampersand_between_fields"
  /// The MQTT 3.1.1 return code of a CONNECT refused for it, 1..5; 0 where no CONNACK is sent for it.
  std::uint8_t connack;
  std::string_view cause_en;
  std::string_view cause_zh;
  std::string_view remedy_en;
  std::string_view remedy_zh;
};

const CauseText& text(Cause cause);
inline std::string_view code(Cause cause) { return text(cause).code; }
/// For codes out of a stored journal; nothing for one that this version does not know.
std::optional<Cause> find_cause(std::string_view code);
std::span<const CauseText> all_causes();

}  // namespace tercet::auth
