#pragma once
#include <cstdint>
#include <string_view>

#include "tercet/base/error.h"

namespace tercet::alink {

/// Codes of Alink replies (11.1). A reply may carry others: devices define 100000..110000 themselves.
enum class Code : std::int32_t {
  success = 200,
  request_error = 400,
  request_auth_error = 401,
  request_forbidden = 403,
  connected_elsewhere = 427,
  too_many_subdevices_online = 428,
  too_many_requests = 429,
  parameter_error = 460,
  system_exception = 500,
  no_session = 520,
  device_deleted = 521,
  device_forbidden = 522,
  product_query_failed = 5005,
  property_query_failed = 5159,
  event_query_failed = 5160,
  service_query_failed = 5161,
  product_meta_query_failed = 5244,
  device_not_found = 6100,
  too_many_identifiers = 6104,
  too_many_properties = 6106,
  script_missing = 6200,
  script_failed = 6201,
  topic_parse_failed = 6203,
  device_disabled = 6204,
  not_json = 6207,
  product_not_found = 6250,
  bad_device_name = 6280,
  invalid_sign = 6287,
  registration_off = 6288,
  already_active = 6289,
  sign_method_unsupported = 6292,
  method_missing = 6300,
  not_an_array = 6301,
  input_missing = 6302,
  params_not_exist = 6304,
  bad_int = 6306,
  bad_float = 6307,
  bad_bool = 6308,
  bad_enum = 6309,
  bad_text = 6310,
  bad_date = 6311,
  bad_struct = 6312,
  service_not_available = 6313,
  model_exception = 6314,
  model_lacks_type = 6317,
  property_not_in_model = 6320,
  identifier_empty = 6321,
  bad_double = 6322,
  bad_array = 6324,
  bad_array_element = 6325,
  bad_time = 6326,
  value_not_array = 6328,
  too_many_events = 6356,
  too_many_subdevices_in_pack = 6357,
  too_many_subdevices = 6400,
  topo_not_exist = 6401,
  topo_with_itself = 6402,
  method_missing_after_script = 6450,
  throttled = 6452,
  register_sign_failed = 6600,
  bound_to_another_gateway = 6619,
  desired_query_failed = 6661,
  config_no_data = 6710,
  config_off = 6713,
  bad_get_type = 6717,
  bad_config_scope = 6718,
  ota_device_not_found = 9112,
  script_empty = 26001,
  script_error = 26002,
  script_function_missing = 26006,
  script_wrong_type = 26007,
  script_throttled = 26010,
};

constexpr std::int32_t number(Code code) { return static_cast<std::int32_t>(code); }
/// What the reply's `message` says: lower case, no quotes, and never a word that a text-scanning client could take for
/// a member's name.
std::string_view message(Code code);
/// The code that stands for one of our errors.
Code code_of(Error error);

}  // namespace tercet::alink
