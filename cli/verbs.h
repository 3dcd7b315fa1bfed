#pragma once
#include <CLI/App.hpp>
#include <functional>
#include <string>

namespace tercet::cli {

/// Adds `product`, `device list|add|...`, `property`, `call`, `events`, `calls`, `network`, `desired` and `log` to the
/// command line. Each chosen verb sets `exit_code`. `device` without a verb stays with the caller, who runs a board.
struct Verbs {
  std::string endpoint, access_key_id, access_key_secret, ready_file;
  bool json = false;
  std::string language = "en";
  int exit_code = 0;
};
void add_access_options(CLI::App& app, Verbs& verbs);
void add_product_verbs(CLI::App& app, Verbs& verbs);
void add_config_verbs(CLI::App& app, Verbs& verbs);
void add_script_verbs(CLI::App& app, Verbs& verbs);
void add_device_verbs(CLI::App& device, Verbs& verbs);
void add_property_verbs(CLI::App& app, Verbs& verbs);
void add_topic_verbs(CLI::App& app, Verbs& verbs);
void add_broadcast_verb(CLI::App& app, Verbs& verbs);
void add_call_verbs(CLI::App& app, Verbs& verbs);
void add_ota_verbs(CLI::App& app, Verbs& verbs);           ///< ota_verbs.cc
void add_rule_verbs(CLI::App& app, Verbs& verbs);          ///< rule_verbs.cc
void add_group_verbs(CLI::App& app, Verbs& verbs);         ///< group_verbs.cc
void add_subscription_verbs(CLI::App& app, Verbs& verbs);  ///< subscription_verbs.cc
void add_cert_verbs(CLI::App& app, Verbs& verbs);          ///< cert_verbs.cc
void add_topology_verbs(CLI::App& app, Verbs& verbs);      ///< topology_verbs.cc
void add_job_verbs(CLI::App& app, Verbs& verbs);           ///< job_verbs.cc
void add_file_verbs(CLI::App& app, Verbs& verbs);          ///< file_verbs.cc
void add_tag_verbs(CLI::App& app, Verbs& verbs);
void add_log_verbs(CLI::App& app, Verbs& verbs);

}  // namespace tercet::cli
