#pragma once
#include "platform/openapi/action.h"

/// One function per action; action_table.cc names them. Each answers through `reply`, now or later.
namespace tercet::openapi {

// Products (product_actions.cc)
void create_product(Services& services, const Call& call, Reply reply);
void query_product(Services& services, const Call& call, Reply reply);
void query_product_list(Services& services, const Call& call, Reply reply);
void update_product(Services& services, const Call& call, Reply reply);
void delete_product(Services& services, const Call& call, Reply reply);
void import_thing_model_tsl(Services& services, const Call& call, Reply reply);
void get_thing_model_tsl(Services& services, const Call& call, Reply reply);

// Devices (device_actions.cc, batch_actions.cc)
void register_device(Services& services, const Call& call, Reply reply);
void query_device(Services& services, const Call& call, Reply reply);
void query_device_detail(Services& services, const Call& call, Reply reply);
void query_device_info(Services& services, const Call& call, Reply reply);
void get_device_status(Services& services, const Call& call, Reply reply);
void batch_get_device_state(Services& services, const Call& call, Reply reply);
void enable_thing(Services& services, const Call& call, Reply reply);
void disable_thing(Services& services, const Call& call, Reply reply);
void delete_device(Services& services, const Call& call, Reply reply);
void batch_register_device(Services& services, const Call& call, Reply reply);
void batch_check_device_names(Services& services, const Call& call, Reply reply);
void batch_register_device_with_apply_id(Services& services, const Call& call, Reply reply);
void query_batch_register_device_status(Services& services, const Call& call, Reply reply);
void query_page_by_apply_id(Services& services, const Call& call, Reply reply);

// Thing model use (property_actions.cc, history_actions.cc)
void set_device_property(Services& services, const Call& call, Reply reply);
void query_device_property_status(Services& services, const Call& call, Reply reply);
void query_device_property_data(Services& services, const Call& call, Reply reply);
void query_device_properties_data(Services& services, const Call& call, Reply reply);
void query_device_event_data(Services& services, const Call& call, Reply reply);
void query_device_service_data(Services& services, const Call& call, Reply reply);

// Desired values (desired_actions.cc)
void set_device_desired_property(Services& services, const Call& call, Reply reply);
void query_device_desired_property(Services& services, const Call& call, Reply reply);
void clear_device_desired_property(Services& services, const Call& call, Reply reply);

// Services (service_actions.cc)
void invoke_thing_service(Services& services, const Call& call, Reply reply);
void invoke_things_service(Services& services, const Call& call, Reply reply);

// Messages (message_actions.cc)
void pub(Services& services, const Call& call, Reply reply);
void rrpc(Services& services, const Call& call, Reply reply);

// Remote configuration: our own, the cloud has it in its console only (configuration_actions.cc)
void set_product_configuration(Services& services, const Call& call, Reply reply);
void get_product_configuration(Services& services, const Call& call, Reply reply);
void push_product_configuration(Services& services, const Call& call, Reply reply);

// Firmware and its roll-out (ota_actions.cc, ota_job_actions.cc)
void create_ota_module(Services& services, const Call& call, Reply reply);
void update_ota_module(Services& services, const Call& call, Reply reply);
void delete_ota_module(Services& services, const Call& call, Reply reply);
void list_ota_module_by_product(Services& services, const Call& call, Reply reply);
void list_ota_module_versions_by_device(Services& services, const Call& call, Reply reply);
void generate_ota_upload_url(Services& services, const Call& call, Reply reply);
void create_ota_firmware(Services& services, const Call& call, Reply reply);
void delete_ota_firmware(Services& services, const Call& call, Reply reply);
void list_ota_firmware(Services& services, const Call& call, Reply reply);
void query_ota_firmware(Services& services, const Call& call, Reply reply);
void create_ota_verify_job(Services& services, const Call& call, Reply reply);
void create_ota_static_upgrade_job(Services& services, const Call& call, Reply reply);
void create_ota_dynamic_upgrade_job(Services& services, const Call& call, Reply reply);
void list_ota_job_by_firmware(Services& services, const Call& call, Reply reply);
void list_ota_job_by_device(Services& services, const Call& call, Reply reply);
void query_ota_job(Services& services, const Call& call, Reply reply);
void list_ota_task_by_job(Services& services, const Call& call, Reply reply);
void list_ota_unfinished_task_by_device(Services& services, const Call& call, Reply reply);
void cancel_ota_strategy_by_job(Services& services, const Call& call, Reply reply);
void cancel_ota_task_by_job(Services& services, const Call& call, Reply reply);
void cancel_ota_task_by_device(Services& services, const Call& call, Reply reply);
void reupgrade_ota_task(Services& services, const Call& call, Reply reply);
void confirm_ota_task(Services& services, const Call& call, Reply reply);

// Our own (refusal_actions.cc, fleet_actions.cc)
void query_refusals(Services& services, const Call& call, Reply reply);
void list_refusal_names(Services& services, const Call& call, Reply reply);
void query_fleet(Services& services, const Call& call, Reply reply);

/// UNACTIVE, ONLINE, OFFLINE or DISABLE. presence may be null: never seen.
std::string_view device_status(const registry::Device& device, const thing::Presence* presence);

}  // namespace tercet::openapi
