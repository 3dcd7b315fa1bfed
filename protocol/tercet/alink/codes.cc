#include "tercet/alink/codes.h"

namespace tercet::alink {

std::string_view message(Code code) {
  switch (code) {
    case Code::success:
      return "success";
    case Code::request_error:
      return "request error";
    case Code::request_auth_error:
      return "request auth error";
    case Code::request_forbidden:
      return "request forbidden";
    case Code::connected_elsewhere:
      return "device connect in elsewhere";
    case Code::too_many_subdevices_online:
      return "too many subdevices under gateway";
    case Code::too_many_requests:
      return "too many requests";
    case Code::parameter_error:
      return "request parameter error";
    case Code::system_exception:
      return "system exception";
    case Code::no_session:
      return "device no session";
    case Code::device_deleted:
      return "device deleted";
    case Code::device_forbidden:
      return "device forbidden";
    case Code::product_query_failed:
      return "query product failed";
    case Code::property_query_failed:
      return "query property definition failed";
    case Code::event_query_failed:
      return "query event definition failed";
    case Code::service_query_failed:
      return "query service definition failed";
    case Code::product_meta_query_failed:
      return "query product meta failed";
    case Code::device_not_found:
      return "device not found";
    case Code::too_many_identifiers:
      return "more than 200 identifiers";
    case Code::too_many_properties:
      return "map size must less than 200";
    case Code::script_missing:
      return "script not found";
    case Code::script_failed:
      return "script execution failed";
    case Code::topic_parse_failed:
      return "topic parse failed";
    case Code::device_disabled:
      return "device forbidden";
    case Code::not_json:
      return "payload is not json";
    case Code::product_not_found:
      return "product not found";
    case Code::bad_device_name:
      return "devicename not meet specs";
    case Code::invalid_sign:
      return "invalid sign";
    case Code::registration_off:
      return "dynamic registration is off";
    case Code::already_active:
      return "device is already active";
    case Code::sign_method_unsupported:
      return "sign method not supported";
    case Code::method_missing:
      return "method is missing";
    case Code::not_an_array:
      return "tsl parse: params is not an array";
    case Code::input_missing:
      return "tsl parse: required input is missing";
    case Code::params_not_exist:
      return "tsl parse: params not exist";
    case Code::bad_int:
      return "tsl parse: int value not valid";
    case Code::bad_float:
      return "tsl parse: float value not valid";
    case Code::bad_bool:
      return "tsl parse: bool value not valid";
    case Code::bad_enum:
      return "tsl parse: enum value not valid";
    case Code::bad_text:
      return "tsl parse: text value not valid";
    case Code::bad_date:
      return "tsl parse: date value not valid";
    case Code::bad_struct:
      return "tsl parse: struct value not valid";
    case Code::service_not_available:
      return "tsl service not available";
    case Code::model_exception:
      return "tsl system exception";
    case Code::model_lacks_type:
      return "tsl parse: type or specs missing";
    case Code::property_not_in_model:
      return "tsl parse: property not exist";
    case Code::identifier_empty:
      return "tsl parse: identifier is empty";
    case Code::bad_double:
      return "tsl parse: double value not valid";
    case Code::bad_array:
      return "tsl parse: array not valid or too long";
    case Code::bad_array_element:
      return "tsl parse: array element type not supported";
    case Code::bad_time:
      return "tsl parse: time not valid";
    case Code::value_not_array:
      return "tsl parse: value is not an array";
    case Code::too_many_events:
      return "too many events in pack";
    case Code::too_many_subdevices_in_pack:
      return "too many subdevices in pack";
    case Code::too_many_subdevices:
      return "too many subdevices under gateway";
    case Code::topo_not_exist:
      return "topo relation not exist";
    case Code::topo_with_itself:
      return "topo relation cannot add by self";
    case Code::method_missing_after_script:
      return "method is missing after script";
    case Code::throttled:
      return "message throttled";
    case Code::register_sign_failed:
      return "signature check failed";
    case Code::bound_to_another_gateway:
      return "device is bound to another gateway";
    case Code::desired_query_failed:
      return "query desired property failed";
    case Code::config_no_data:
      return "no configuration";
    case Code::config_off:
      return "thing config function is not available";
    case Code::bad_get_type:
      return "getType not valid";
    case Code::bad_config_scope:
      return "configScope not valid";
    case Code::ota_device_not_found:
      return "device not found";
    case Code::script_empty:
      return "script is empty";
    case Code::script_error:
      return "script error";
    case Code::script_function_missing:
      return "script function is missing";
    case Code::script_wrong_type:
      return "script returned a wrong type";
    case Code::script_throttled:
      return "script throttled";
  }
  return "request error";
}

Code code_of(Error error) {
  switch (error) {
    case Error::malformed:
    case Error::need_more:
    case Error::too_large:
    case Error::bad_argument:
      return Code::parameter_error;
    case Error::not_found:
      return Code::device_not_found;
    case Error::denied:
    case Error::refused_not_authorized:
      return Code::request_forbidden;
    case Error::unauthenticated:
    case Error::refused_credentials:
      return Code::request_auth_error;
    case Error::rate_limited:
    case Error::no_space:
    case Error::would_block:
      return Code::too_many_requests;
    case Error::unsupported:
    case Error::bad_state:
    case Error::already_exists:
    case Error::version_conflict:
      return Code::request_error;
    default:
      return Code::system_exception;
  }
}

}  // namespace tercet::alink
