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

// Dynamic registration (enrolment_actions.cc)
void reset_thing(Services& services, const Call& call, Reply reply);
void query_client_ids(Services& services, const Call& call, Reply reply);
void transform_client_id(Services& services, const Call& call, Reply reply);
void delete_client_ids(Services& services, const Call& call, Reply reply);
// Rotation of secrets (rotation_actions.cc)
void rotate_device_secret(Services& services, const Call& call, Reply reply);
void end_device_secret_rotation(Services& services, const Call& call, Reply reply);
// X.509 certificates (certificate_actions.cc)
void issue_device_cert(Services& services, const Call& call, Reply reply);
void bind_device_cert(Services& services, const Call& call, Reply reply);
void query_device_cert(Services& services, const Call& call, Reply reply);
void list_device_certs(Services& services, const Call& call, Reply reply);
void revoke_device_cert(Services& services, const Call& call, Reply reply);
void add_ca_certificate(Services& services, const Call& call, Reply reply);
void list_ca_certificates(Services& services, const Call& call, Reply reply);
void delete_ca_certificate(Services& services, const Call& call, Reply reply);

// Server-side subscription (subscription_actions.cc)
void create_consumer_group(Services& services, const Call& call, Reply reply);
void update_consumer_group(Services& services, const Call& call, Reply reply);
void delete_consumer_group(Services& services, const Call& call, Reply reply);
void query_consumer_group_by_group_id(Services& services, const Call& call, Reply reply);
void query_consumer_group_list(Services& services, const Call& call, Reply reply);
void query_consumer_group_status(Services& services, const Call& call, Reply reply);
void reset_consumer_group_position(Services& services, const Call& call, Reply reply);
void create_subscribe_relation(Services& services, const Call& call, Reply reply);
void update_subscribe_relation(Services& services, const Call& call, Reply reply);
void delete_subscribe_relation(Services& services, const Call& call, Reply reply);
void query_subscribe_relation(Services& services, const Call& call, Reply reply);
void create_consumer_group_subscribe_relation(Services& services, const Call& call, Reply reply);
void delete_consumer_group_subscribe_relation(Services& services, const Call& call, Reply reply);

// Rules (rule_actions.cc, rule_letter_actions.cc)
void create_rule(Services& services, const Call& call, Reply reply);
void get_rule(Services& services, const Call& call, Reply reply);
void list_rule(Services& services, const Call& call, Reply reply);
void update_rule(Services& services, const Call& call, Reply reply);
void delete_rule(Services& services, const Call& call, Reply reply);
void start_rule(Services& services, const Call& call, Reply reply);
void stop_rule(Services& services, const Call& call, Reply reply);
void create_rule_action(Services& services, const Call& call, Reply reply);
void get_rule_action(Services& services, const Call& call, Reply reply);
void list_rule_actions(Services& services, const Call& call, Reply reply);
void update_rule_action(Services& services, const Call& call, Reply reply);
void delete_rule_action(Services& services, const Call& call, Reply reply);
void dry_run_rule(Services& services, const Call& call, Reply reply);
void query_dead_letters(Services& services, const Call& call, Reply reply);
void replay_dead_letters(Services& services, const Call& call, Reply reply);
void discard_dead_letters(Services& services, const Call& call, Reply reply);

// Tags (tag_actions.cc)
void save_device_prop(Services& services, const Call& call, Reply reply);
void delete_device_prop(Services& services, const Call& call, Reply reply);
void query_device_prop(Services& services, const Call& call, Reply reply);
void query_device_by_tags(Services& services, const Call& call, Reply reply);

// Files that devices upload (file_actions.cc)
void query_device_file_list(Services& services, const Call& call, Reply reply);
void query_device_file(Services& services, const Call& call, Reply reply);
void delete_device_file(Services& services, const Call& call, Reply reply);

// Gateways (topology_actions.cc)
void notify_add_thing_topo(Services& services, const Call& call, Reply reply);
void batch_add_thing_topo(Services& services, const Call& call, Reply reply);
void get_thing_topo(Services& services, const Call& call, Reply reply);
void remove_thing_topo(Services& services, const Call& call, Reply reply);
void get_gateway_by_sub_device(Services& services, const Call& call, Reply reply);

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

// Shadows (shadow_actions.cc)
void get_device_shadow(Services& services, const Call& call, Reply reply);
void update_device_shadow(Services& services, const Call& call, Reply reply);

// Services (service_actions.cc)
void invoke_thing_service(Services& services, const Call& call, Reply reply);
void invoke_things_service(Services& services, const Call& call, Reply reply);

// Messages (message_actions.cc)
void create_product_topic(Services& services, const Call& call, Reply reply);
void delete_product_topic(Services& services, const Call& call, Reply reply);
void query_product_topic(Services& services, const Call& call, Reply reply);
void set_product_free_topics(Services& services, const Call& call, Reply reply);
void update_product_topic(Services& services, const Call& call, Reply reply);
void get_device_property_now(Services& services, const Call& call, Reply reply);
void pub_broadcast(Services& services, const Call& call, Reply reply);
void pub(Services& services, const Call& call, Reply reply);
void rrpc(Services& services, const Call& call, Reply reply);

// Remote configuration: our own, the cloud has it in its console only (configuration_actions.cc)
void set_product_configuration(Services& services, const Call& call, Reply reply);
void get_product_configuration(Services& services, const Call& call, Reply reply);
void push_product_configuration(Services& services, const Call& call, Reply reply);

// What devices tell about themselves: our own, the cloud has it in its console only (device_log_actions.cc)
void get_device_log_upload(Services& services, const Call& call, Reply reply);
void set_device_log_upload(Services& services, const Call& call, Reply reply);
void query_device_local_log(Services& services, const Call& call, Reply reply);
void query_device_network_status(Services& services, const Call& call, Reply reply);
// Scripts of pass-through products; the last is our own (script_actions.cc)
void create_thing_script(Services& services, const Call& call, Reply reply);
void get_thing_script(Services& services, const Call& call, Reply reply);
void test_thing_script(Services& services, const Call& call, Reply reply);

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
void modify_ota_firmware(Services& services, const Call& call, Reply reply);
void generate_device_name_list_url(Services& services, const Call& call, Reply reply);
void update_ota_job(Services& services, const Call& call, Reply reply);
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

// Jobs for devices (job_actions.cc)
void create_job(Services& services, const Call& call, Reply reply);
void generate_file_upload_url(Services& services, const Call& call, Reply reply);
void update_job(Services& services, const Call& call, Reply reply);
void cancel_job(Services& services, const Call& call, Reply reply);
void delete_job(Services& services, const Call& call, Reply reply);
void rerun_job(Services& services, const Call& call, Reply reply);
void query_job(Services& services, const Call& call, Reply reply);
void list_job(Services& services, const Call& call, Reply reply);
void query_job_statistics(Services& services, const Call& call, Reply reply);
void query_task(Services& services, const Call& call, Reply reply);
void list_task(Services& services, const Call& call, Reply reply);

// Device groups (group_actions.cc)
void create_device_group(Services& services, const Call& call, Reply reply);
void update_device_group(Services& services, const Call& call, Reply reply);
void delete_device_group(Services& services, const Call& call, Reply reply);
void query_device_group_info(Services& services, const Call& call, Reply reply);
void query_device_group_list(Services& services, const Call& call, Reply reply);
void set_device_group_tags(Services& services, const Call& call, Reply reply);
void query_device_group_tag_list(Services& services, const Call& call, Reply reply);
void query_device_group_by_tags(Services& services, const Call& call, Reply reply);
void batch_add_device_group_relations(Services& services, const Call& call, Reply reply);
void batch_delete_device_group_relations(Services& services, const Call& call, Reply reply);
void query_device_list_by_device_group(Services& services, const Call& call, Reply reply);
void query_device_group_by_device(Services& services, const Call& call, Reply reply);
void query_super_device_group(Services& services, const Call& call, Reply reply);

// Our own (refusal_actions.cc, fleet_actions.cc)
void query_refusals(Services& services, const Call& call, Reply reply);
void list_refusal_names(Services& services, const Call& call, Reply reply);
void query_fleet(Services& services, const Call& call, Reply reply);

/// UNACTIVE, ONLINE, OFFLINE or DISABLE. presence may be null: never seen.
std::string_view device_status(const registry::Device& device, const thing::Presence* presence);

}  // namespace tercet::openapi
