#include "platform/openapi/handlers.h"

namespace tercet::openapi {

std::span<const Action> all_actions() {
  // Sorted: find_action() searches by halves. IotId instead of ProductKey and DeviceName is the handlers' business.
  static const std::vector<Action> kActions = {
      {"BatchCheckDeviceNames", {"ProductKey"}, batch_check_device_names},
      {"BatchGetDeviceState", {}, batch_get_device_state},
      {"BatchRegisterDevice", {"ProductKey", "Count"}, batch_register_device},
      {"BatchRegisterDeviceWithApplyId", {"ProductKey", "ApplyId"}, batch_register_device_with_apply_id},
      {"ClearDeviceDesiredProperty", {}, clear_device_desired_property},
      {"CreateProduct", {"ProductName", "NodeType"}, create_product},
      {"DeleteDevice", {}, delete_device},
      {"DeleteProduct", {"ProductKey"}, delete_product},
      {"DisableThing", {}, disable_thing},
      {"EnableThing", {}, enable_thing},
      {"GetDeviceStatus", {}, get_device_status},
      {"GetProductConfiguration", {"ProductKey"}, get_product_configuration},
      {"GetThingModelTsl", {"ProductKey"}, get_thing_model_tsl},
      {"GetThingModelTslPublished", {"ProductKey"}, get_thing_model_tsl},
      {"ImportThingModelTsl", {"ProductKey"}, import_thing_model_tsl},
      {"InvokeThingService", {"Identifier", "Args"}, invoke_thing_service},
      {"InvokeThingsService", {"ProductKey", "Identifier", "Args"}, invoke_things_service},
      {"ListRefusalNames", {}, list_refusal_names},
      {"Pub", {"ProductKey", "TopicFullName", "MessageContent"}, pub},
      {"PushProductConfiguration", {"ProductKey"}, push_product_configuration},
      {"QueryBatchRegisterDeviceStatus", {"ProductKey", "ApplyId"}, query_batch_register_device_status},
      {"QueryDevice", {"ProductKey"}, query_device},
      {"QueryDeviceDesiredProperty", {}, query_device_desired_property},
      {"QueryDeviceDetail", {}, query_device_detail},
      {"QueryDeviceEventData", {"StartTime", "EndTime"}, query_device_event_data},
      {"QueryDeviceInfo", {}, query_device_info},
      {"QueryDevicePropertiesData", {"Asc", "StartTime", "EndTime", "PageSize"}, query_device_properties_data},
      {"QueryDevicePropertyData",
       {"Identifier", "Asc", "StartTime", "EndTime", "PageSize"},
       query_device_property_data},
      {"QueryDevicePropertyStatus", {}, query_device_property_status},
      {"QueryDeviceServiceData", {"StartTime", "EndTime"}, query_device_service_data},
      {"QueryFleet", {}, query_fleet},
      {"QueryPageByApplyId", {"ApplyId", "CurrentPage", "PageSize"}, query_page_by_apply_id},
      {"QueryProduct", {"ProductKey"}, query_product},
      {"QueryProductList", {"CurrentPage", "PageSize"}, query_product_list},
      {"QueryRefusals", {}, query_refusals},
      {"RRpc", {"ProductKey", "DeviceName", "RequestBase64Byte", "Timeout"}, rrpc},
      {"RegisterDevice", {"ProductKey"}, register_device},
      {"SetDeviceDesiredProperty", {"Items"}, set_device_desired_property},
      {"SetDeviceProperty", {"Items"}, set_device_property},
      {"SetProductConfiguration", {"ProductKey", "Content"}, set_product_configuration},
      {"UpdateProduct", {"ProductKey"}, update_product},
  };
  return kActions;
}

}  // namespace tercet::openapi
